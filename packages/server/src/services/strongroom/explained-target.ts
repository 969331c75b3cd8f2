// What an action is about where only the name of the resource is given: the target that the action's own operation finds for it, with the
// policies, grants and tags that a request would meet.

import type { Call } from '../../call.ts'
import type { AnyOperation, Service, Target } from '../../operation.ts'
import type { Context } from '../../policy/engine.ts'
import { isOptional, shapeOf } from '../../shape/shape.ts'
import { useTarget } from '../kms/port.ts'
import { parameterTarget } from '../ssm/port.ts'
import * as errors from './errors.ts'

/** The operation of an action, without regard to case; undefined where this server has none, as for other services of AWS. */
export function findOperation(
  services: readonly Service[],
  action: string,
): { readonly service: Service | undefined; readonly operation: AnyOperation | undefined } {
  const [prefix, name] = (UNLIKE_OPERATION[action.toLowerCase()] ?? action.toLowerCase()).split(':')
  const service = services.find((one) => one.name === prefix)
  return { service, operation: service?.operations.find((one) => one.name.toLowerCase() === name) }
}

/**
 * The target, with the condition keys that the operation gives by itself.
 * @param given condition keys of the request: what of them an operation reads from its input is put there
 * @throws ServiceError for what the operation refuses as a name
 */
export async function explainedTarget(
  call: Call,
  action: string,
  operation: AnyOperation | undefined,
  resource: string,
  given: Context,
): Promise<Target> {
  const grantOnly = GRANT_ONLY.find((name) => action.toLowerCase() === `kms:${name.toLowerCase()}`)
  if (grantOnly !== undefined) return useTarget(grantOnly)({ ...call, input: keyInput(call, resource, given) })
  if (/^ssm:/i.test(action)) return resource === '*' ? plainTarget(call, resource) : parameterTarget(call, resource)
  if (operation?.identify !== undefined) throw errors.takesNoSignature(action)
  const input = operation && inputFor(call, action, operation, resource, given)
  if (operation === undefined || input === undefined) return plainTarget(call, resource)
  const target = await operation.target({ ...call, input })
  if (isWhole(operation, input) && operation.permissions?.(input, target).length === 0) {
    throw errors.needsNoPermission(action)
  }
  // Of several names that an operation takes the resource is another: nothing stands on it.
  if ('UserName' in input && target.resource !== resource) return plainTarget(call, resource)
  return { ...target, context: { ...target.context, ...(isWhole(operation, input) && operation.conditions?.(input)) } }
}

/** An action as AWS spells it, where its operation tells. */
export function spelled(action: string, service: Service | undefined, operation: AnyOperation | undefined): string {
  if (service === undefined || operation === undefined) return action
  const own = `${service.name}:${operation.name}`
  return own.toLowerCase() === action.toLowerCase() ? own : action
}

/** Actions that are not called as their operation. */
const UNLIKE_OPERATION: { readonly [action: string]: string } = { 'lambda:invokefunction': 'lambda:invoke' }

/** Actions of KMS that have no operation which takes a KeyId alone. */
const GRANT_ONLY = ['ReEncryptFrom', 'ReEncryptTo', 'RetireGrant'] as const

/** Whether condition keys can be read from the input: everything is there that the operation requires, but for bytes. */
const isWhole = (operation: AnyOperation, input: object): boolean =>
  Object.entries(operation.input).every(
    ([name, member]) => name in input || isOptional(member) || shapeOf(member).kind === 'blob',
  )

/** Nothing is known of it but its name. */
const plainTarget = ({ account }: Call, resource: string): Target => ({
  resource,
  shown: resource,
  account: /^arn:[^:]*:[^:]*:[^:]*:(\d{12}):/.exec(resource)?.[1] ?? account,
})

/** The members by which operations name what they are about. Undefined where one is not named by the resource alone. */
function inputFor(
  call: Call,
  action: string,
  operation: AnyOperation,
  resource: string,
  given: Context,
): { readonly [member: string]: unknown } | undefined {
  const { input } = operation
  // What needs no name at all: lists, what makes something new. Policies see of them what the operation says.
  if (isWhole(operation, {}) && !('KeyId' in input)) return {}
  if (resource === '*') return undefined
  if ('SecretId' in input) return { SecretId: resource }
  if ('FunctionName' in input) return { FunctionName: resource }
  if ('KeyId' in input) return keyInput(call, resource, given)
  if ('RoleArn' in input && !('RoleName' in input)) return { RoleArn: resource, RoleSessionName: 'explain' }
  if ('Name' in input && !resource.startsWith('arn:')) return { Name: resource }
  if (!/^iam:/i.test(action)) return undefined
  const name = /^arn:[a-z-]+:iam::\d{12}:[a-z-]+\/(?:.*\/)?([^/]+)$/.exec(resource)?.[1]
  if (name === undefined || !IAM_MEMBERS.some((member) => member in input)) return undefined
  // Whichever of them the operation is about; the others do not matter.
  return { UserName: name, GroupName: name, RoleName: name, PolicyArn: resource, OpenIDConnectProviderArn: resource }
}

const IAM_MEMBERS = ['UserName', 'GroupName', 'RoleName', 'PolicyArn', 'OpenIDConnectProviderArn']

const ENCRYPTION_CONTEXT = 'kms:encryptioncontext:'

/** Grants look at the encryption context, those that give CreateGrant at the operations that are to be granted. */
function keyInput({ region }: Call, resource: string, given: Context) {
  const pairs: Record<string, string> = {}
  let operations: readonly string[] = []
  for (const [key, value] of Object.entries(given)) {
    const values = [value ?? []].flat()
    const lower = key.toLowerCase()
    if (lower.startsWith(ENCRYPTION_CONTEXT)) pairs[key.slice(ENCRYPTION_CONTEXT.length)] = values[0] ?? ''
    if (lower === 'kms:grantoperations') operations = values
  }
  return {
    KeyId: resource,
    ...(Object.keys(pairs).length > 0 && { EncryptionContext: pairs }),
    ...(operations.length > 0 && { Operations: operations }),
    PrimaryRegion: region,
  }
}
