// The execution role of a function: it must be of the function's account and let Lambda take it. Then Lambda hands out sessions of it.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html

import type { App } from '../../app.ts'
import { resourceContext } from '../../context.ts'
import type { PolicyPrincipal } from '../../policy/engine.ts'
import { evaluate } from '../../policy/evaluate.ts'
import type { Transaction } from '../../storage/database.ts'
import { type AssumableRole, findAssumableRole } from '../iam/port.ts'
import { issueServiceSession, type SessionCredentials } from '../sts/port.ts'
import * as errors from './errors.ts'
import type { LambdaFunction } from './model.ts'
import { functionArn } from './names.ts'

const LAMBDA: PolicyPrincipal = { kind: 'service', arn: 'lambda.amazonaws.com', account: '', userId: '' }

/** A session of a function lives so long; the function asks again before it ends. */
const SESSION_SECONDS = 900

type Owner = Pick<LambdaFunction, 'accountId' | 'region' | 'functionName'>

/** @throws ServiceError AccessDeniedException for a role of another account, InvalidParameterValueException where Lambda may not take it */
export async function mustBeAssumable(app: App, tx: Transaction, owner: Owner, arn: string): Promise<AssumableRole> {
  const { accountId, region, functionName } = owner
  if (arn.split(':')[4] !== accountId) throw errors.crossAccountRole()
  const role = await findAssumableRole(app, tx, arn)
  if (role === undefined) throw errors.roleNotAssumable()
  const decision = evaluate({
    principal: LAMBDA,
    permission: {
      action: 'sts:AssumeRole',
      resource: arn,
      resourceAccount: accountId,
      resourcePolicy: { kind: 'trust', policy: { name: arn, policy: role.trust } },
    },
    context: () => ({
      'aws:CurrentTime': new Date(app.wallNow()).toISOString(),
      'aws:EpochTime': String(Math.floor(app.wallNow() / 1_000)),
      'aws:PrincipalIsAWSService': 'true',
      'aws:PrincipalServiceName': LAMBDA.arn,
      'aws:RequestedRegion': region,
      'aws:SourceAccount': accountId,
      'aws:SourceArn': functionArn({ partition: app.partition, region }, { account: accountId, name: functionName }),
      ...resourceContext(accountId, app.organization),
    }),
    layers: { identity: [] },
  })
  if (!decision.allow) throw errors.roleNotAssumable()
  return role
}

/** Credentials for a function, as its role; `policies` narrow them. @throws ServiceError as mustBeAssumable */
export async function roleSession(
  app: App,
  tx: Transaction,
  owner: Owner,
  roleArn: string,
  policies: readonly string[],
): Promise<SessionCredentials & { readonly expiresAt: number }> {
  const role = await mustBeAssumable(app, tx, owner, roleArn)
  return issueServiceSession(app, role, {
    account: owner.accountId,
    sessionName: owner.functionName,
    seconds: SESSION_SECONDS,
    policies,
  })
}
