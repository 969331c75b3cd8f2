// Policies of functions, versions and aliases: statements that AddPermission writes, in the form in which Lambda writes them.
// https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html

import type { Call } from '../../call.ts'
import type { ResourcePolicy } from '../../policy/engine.ts'
import { MalformedPolicyError } from '../../policy/errors.ts'
import { publicGrants } from '../../policy/public.ts'
import { compileNaming, resolvePrincipals, rootArn, UnknownPrincipalError } from '../iam/port.ts'
import * as errors from './errors.ts'
import { type FunctionPolicy, type LambdaFunction, policyPart } from './model.ts'
import { findPart, type Store } from './store.ts'

const GRAMMAR = 'resource'
export const POLICY_BYTES_MAX = 20_480

/** The policy that stands on what a qualifier names, for the engine. */
export async function readResourcePolicy(
  store: Store,
  fn: LambdaFunction,
  qualifier: string | undefined,
  arn: string,
): Promise<ResourcePolicy | undefined> {
  const policy = await findPart<FunctionPolicy>(store, fn, policyPart(qualifier))
  return policy && { kind: 'normal', policy: { name: arn, policy: compileNaming(policy, GRAMMAR) } }
}

export type PermissionInput = {
  readonly StatementId: string
  readonly Action: string
  readonly Principal: string
  readonly SourceArn?: string | undefined
  readonly SourceAccount?: string | undefined
  readonly EventSourceToken?: string | undefined
  readonly PrincipalOrgID?: string | undefined
}

export type Statement = { readonly Sid: string; readonly [element: string]: unknown }

/** @throws ServiceError InvalidParameterValueException where the principal is in no form of one */
export function statementOf(partition: string, resource: string, input: PermissionInput): Statement {
  const equal = {
    ...(input.SourceAccount !== undefined && { 'AWS:SourceAccount': input.SourceAccount }),
    ...(input.PrincipalOrgID !== undefined && { 'aws:PrincipalOrgID': input.PrincipalOrgID }),
    ...(input.EventSourceToken !== undefined && { 'lambda:EventSourceToken': input.EventSourceToken }),
  }
  const condition = {
    ...(Object.keys(equal).length > 0 && { StringEquals: equal }),
    ...(input.SourceArn !== undefined && { ArnLike: { 'AWS:SourceArn': input.SourceArn } }),
  }
  return {
    Sid: input.StatementId,
    Effect: 'Allow',
    Principal: principalOf(partition, input.Principal),
    Action: input.Action,
    Resource: resource,
    ...(Object.keys(condition).length > 0 && { Condition: condition }),
  }
}

function principalOf(partition: string, principal: string): object | '*' {
  if (principal === '*') return principal
  if (/^\d{12}$/.test(principal)) return { AWS: rootArn(partition, principal) }
  if (principal.startsWith('arn:')) return { AWS: principal }
  if (/^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(principal)) return { Service: principal }
  throw errors.policyPrincipal()
}

export const statementsOf = (policy: FunctionPolicy | undefined): readonly Statement[] =>
  policy === undefined ? [] : (JSON.parse(policy.document) as { readonly Statement: readonly Statement[] }).Statement

/**
 * The policy of these statements, as it is stored.
 * @throws ServiceError PolicyLengthExceededException, InvalidParameterValueException for a principal that there is not,
 * PublicPolicyException where a statement would let everyone in
 */
export async function acceptStatements({ app, tx }: Call, statements: readonly Statement[]): Promise<FunctionPolicy> {
  const document = JSON.stringify({ Version: '2012-10-17', Id: 'default', Statement: statements })
  const bytes = Buffer.byteLength(document)
  if (bytes > POLICY_BYTES_MAX) throw errors.policyTooLong(bytes, POLICY_BYTES_MAX)
  try {
    const policy = await resolvePrincipals(app, tx, document, GRAMMAR)
    if (publicGrants(compileNaming(policy, GRAMMAR)).length > 0) throw errors.policyPublic()
    return { ...policy, revisionId: app.uuid() }
  } catch (error) {
    if (error instanceof UnknownPrincipalError || error instanceof MalformedPolicyError) throw errors.policyPrincipal()
    throw error
  }
}
