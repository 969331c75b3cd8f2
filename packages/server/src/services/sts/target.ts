// Which role a RoleArn means, and what a policy and a refusal may see of it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_terms-and-concepts.html

import type { Call } from '../../call.ts'
import type { Target } from '../../operation.ts'
import { compilePolicy } from '../../policy/compile.ts'
import type { ResourcePolicy } from '../../policy/engine.ts'
import { type AssumableRole, findAssumableRole, resourceTagContext } from '../iam/port.ts'
import * as errors from './errors.ts'

export type RoleTarget = Target & {
  /** Undefined where there is none: known to `run`, but not told before authorization. */
  readonly role: AssumableRole | undefined
}

export const ROLE_ARN = /^arn:([a-z-]+):iam::(\d{12}):role\/[!-~]+$/

/** Trusts nobody: what a role that does not exist has, and what of a role elsewhere may be told. */
const NO_TRUST: ResourcePolicy = {
  kind: 'trust',
  policy: {
    name: 'no trust policy',
    policy: compilePolicy(
      '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"nobody.invalid"},"Action":"sts:AssumeRole"}}',
      'trust',
    ),
  },
}

/**
 * The role of an ARN with its trust policy. Of a role of another account nothing shows, neither its tags nor its trust policy nor whether it
 * exists.
 * @throws ServiceError for what is no ARN of a role here.
 */
export async function roleTarget(
  { app, tx, partition, account }: Pick<Call, 'app' | 'tx' | 'partition' | 'account'>,
  arn: string,
): Promise<RoleTarget> {
  const [, arnPartition, owner] = ROLE_ARN.exec(arn) ?? []
  if (owner === undefined || arnPartition !== partition) throw errors.notARoleArn()
  const role = await findAssumableRole(app, tx, arn)
  const target = { resource: arn, shown: arn, account: owner, resourceType: 'AWS::IAM::Role', role }
  if (role === undefined) return { ...target, resourcePolicy: NO_TRUST }
  const resourcePolicy: ResourcePolicy = { kind: 'trust', policy: { name: arn, policy: role.trust } }
  const known = { context: resourceTagContext(role.body.tags), resourcePolicy }
  return owner === account ? { ...target, ...known } : { ...target, resourcePolicy: NO_TRUST, concealed: known }
}
