// Whom a grant names: users, roles, sessions and accounts, as the ones that they are now.
// https://docs.aws.amazon.com/kms/latest/developerguide/create-grant-overview.html

import type { Call } from '../../call.ts'
import { MalformedPolicyError } from '../../policy/errors.ts'
import { resolvePrincipals, UnknownPrincipalError } from '../iam/port.ts'
import { invalidArn } from './errors.ts'
import type { GrantPrincipal } from './grant.ts'

/** @throws ServiceError InvalidArnException where it is no principal of this server, or one that grants do not take */
export async function resolvePrincipal({ app, tx, partition }: Call, text: string): Promise<GrantPrincipal> {
  const account = /^(?:arn:[a-z-]+:iam::)?(\d{12})(?::root)?$/.exec(text)?.[1]
  if (account === undefined && !text.startsWith('arn:')) throw invalidArn(text)
  const Statement = { Effect: 'Allow', Principal: { AWS: text }, Action: 'kms:*', Resource: '*' }
  try {
    const { principalIds } = await resolvePrincipals(
      app,
      tx,
      JSON.stringify({ Version: '2012-10-17', Statement }),
      'key',
    )
    if (account !== undefined) return { arn: `arn:${partition}:iam::${account}:root`, account }
    return { arn: text, ...(principalIds[text] !== undefined && { id: principalIds[text] }) }
  } catch (error) {
    if (error instanceof UnknownPrincipalError || error instanceof MalformedPolicyError) throw invalidArn(text)
    throw error
  }
}
