// What a call is about: an account of the organization, or nothing that has an ARN. Everybody's own policies decide; that only the management
// account may do it is said by mustManage afterwards, in words that tell nothing of the account asked for.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsorganizations.html

import type { Call } from '../../call.ts'
import type { Target } from '../../operation.ts'
import { type Account, findAccount } from '../iam/port.ts'
import * as errors from './errors.ts'
import { mustBeAccountId } from './input.ts'
import { accountArn } from './model.ts'

export const anyTarget = async ({ account }: Pick<Call, 'account'>): Promise<Target> => ({
  resource: '*',
  shown: '*',
  account,
})

/** `member` is undefined where there is none: known to `run`, but not told before authorization. */
export type AccountTarget = Target & { readonly member: Account | undefined }

/** @throws InvalidInputException */
export async function accountTarget(call: Call<{ readonly AccountId: string }>): Promise<AccountTarget> {
  const { app, tx, partition, account, input } = call
  mustBeAccountId(input.AccountId)
  const resource = accountArn(partition, app.organization, input.AccountId)
  const manages = account === app.organization.managementAccount
  const member = manages ? await findAccount(app, tx, input.AccountId) : undefined
  const tags = (member?.tags ?? []).map(({ key, value }) => [`aws:ResourceTag/${key}`, value])
  return {
    resource,
    shown: resource,
    account,
    resourceType: 'AWS::Organizations::Account',
    context: Object.fromEntries(tags),
    member,
  }
}

/** @throws AccountNotFoundException */
export function existingAccount({ member }: AccountTarget): Account {
  if (member === undefined) throw errors.accountNotFound()
  return member
}
