// Organizations: the accounts of the server, made, listed and closed by the first of them.

import type { Service } from '../../operation.ts'
import { closeAccount } from './operations/close-account.ts'
import { createAccount } from './operations/create-account.ts'
import { describeAccount } from './operations/describe-account.ts'
import { describeCreateAccountStatus } from './operations/describe-create-account-status.ts'
import { describeOrganization } from './operations/describe-organization.ts'
import { listAccounts } from './operations/list-accounts.ts'

export const organizations: Service = {
  name: 'organizations',
  protocol: 'json',
  targetPrefixes: ['AWSOrganizationsV20161128'],
  global: true,
  bodyBytesMax: 65_536,
  faultCode: 'ServiceException',
  operations: [
    closeAccount,
    createAccount,
    describeAccount,
    describeCreateAccountStatus,
    describeOrganization,
    listAccounts,
  ],
}
