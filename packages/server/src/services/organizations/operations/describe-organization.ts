// DescribeOrganization tells every account of the organization that it is in.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeOrganization.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { findAccount } from '../../iam/port.ts'
import { accountArn, organizationArn } from '../model.ts'
import { Organization } from '../shapes.ts'
import { anyTarget } from '../target.ts'

export const describeOrganization = operation({
  name: 'DescribeOrganization',
  readOnly: true,

  input: {},

  output: { Organization: optional(Organization) },

  target: anyTarget,

  async run({ app, tx, partition }) {
    const { organization } = app
    const { id, managementAccount } = organization
    return {
      Organization: {
        Id: id,
        Arn: organizationArn(partition, organization),
        FeatureSet: 'ALL' as const,
        MasterAccountArn: accountArn(partition, organization, managementAccount),
        MasterAccountId: managementAccount,
        MasterAccountEmail: (await findAccount(app, tx, managementAccount))?.email,
        /** Of the organization's policies there are none yet. */
        AvailablePolicyTypes: [],
      },
    }
  },
})
