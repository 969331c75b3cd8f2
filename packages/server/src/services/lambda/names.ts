// Which function a FunctionName means: a name, a partial ARN or an ARN, each with or without a version or an alias.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html#API_GetFunction_RequestSyntax

import type { Call } from '../../call.ts'
import * as errors from './errors.ts'

type Scope = Pick<Call, 'partition' | 'region' | 'account'>

export type FunctionReference = {
  readonly account: string
  readonly name: string
  /** A version or an alias; undefined where the function itself is named. */
  readonly qualifier: string | undefined
}

export const LATEST = '$LATEST'

const REFERENCE =
  /^(?:arn:([a-z-]+):lambda:)?(?:([a-z]{2}[a-z-]*-\d):)?(?:(\d{12}):)?(?:function:)?([a-zA-Z0-9-_]+)(?::(\$LATEST|[a-zA-Z0-9-_]+))?$/

/**
 * The function that a valid FunctionName names.
 * @throws ServiceError ResourceNotFoundException for another Region or partition, InvalidParameterValueException where both qualifiers are
 * given and differ
 */
export function parseFunctionName(scope: Scope, text: string, given?: string): FunctionReference {
  const [, partition, region, account = scope.account, name = text, own] = REFERENCE.exec(text) ?? []
  if (partition !== undefined && partition !== scope.partition) throw errors.functionNotFound(text)
  if (region !== undefined && region !== scope.region) throw errors.otherRegion(region, scope.region)
  if (own !== undefined && given !== undefined && own !== given) throw errors.qualifiersDiffer()
  return { account, name, qualifier: own ?? given }
}

/** The same of an operation on the function itself. @throws ServiceError InvalidParameterValueException for a qualifier too */
export function parseUnqualified(scope: Scope, text: string): FunctionReference {
  const reference = parseFunctionName(scope, text)
  if (reference.qualifier !== undefined && reference.qualifier !== LATEST) throw errors.nameQualified()
  return { ...reference, qualifier: undefined }
}

export const functionArn = (
  { partition, region }: Pick<Scope, 'partition' | 'region'>,
  {
    account,
    name,
    qualifier,
  }: { readonly account: string; readonly name: string; readonly qualifier?: string | undefined },
): string =>
  `arn:${partition}:lambda:${region}:${account}:function:${name}${qualifier === undefined ? '' : `:${qualifier}`}`

export const isVersion = (qualifier: string): boolean => /^[0-9]+$/.test(qualifier)
