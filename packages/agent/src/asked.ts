// What a request asks for, out of its path and its query. The texts of refusals are those of AWS's agent.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/workload-credentials-provider.html

import { ROLE_ARN } from './config.ts'
import { RequestError } from './request-error.ts'

export type AskedSecret = {
  readonly secretId: string
  readonly versionId?: string
  readonly versionStage?: string
  readonly refreshNow: boolean
  readonly roleArn?: string
}

export type AskedParameter = {
  /** With its version or its label, as GetParameter takes them. */
  readonly name: string
  readonly withDecryption: boolean
  readonly refreshNow: boolean
  readonly roleArn?: string
}

/** `/secretsmanager/get?…` of the agent and of the Lambda extension. @throws RequestError */
export function secretByQuery(query: string): AskedSecret {
  const { secretId = '', ...asked } = readQuery(query, [
    'secretId',
    'versionId',
    'versionStage',
    'refreshNow',
    'roleArn',
  ])
  if (secretId === '') throw new RequestError(400, 'missing parameter secretId')
  return { secretId, ...optionsOf(asked) }
}

/** `/v1/ID?…` of the agent. The id is taken as it stands in the path, and not decoded. @throws RequestError */
export function secretByPath(secretId: string, query: string): AskedSecret {
  if (secretId === '') throw new RequestError(400, 'missing secret ID')
  return { secretId, ...optionsOf(readQuery(query, ['versionId', 'versionStage', 'refreshNow', 'roleArn'])) }
}

/**
 * `/systemsmanager/parameters/get?…` of the Lambda extension. Of version and label the first counts. `refreshNow` and `roleArn` are not the
 * extension's: they are those of secrets. @throws RequestError
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/ps-integration-lambda-extensions.html
 */
export function parameterByQuery(query: string): AskedParameter {
  const asked = readQuery(query, ['name', 'version', 'label', 'withDecryption', 'refreshNow', 'roleArn'])
  const { name = '', withDecryption, ...rest } = asked
  if (name === '') throw new RequestError(400, 'missing parameter name')
  const selector = Object.keys(asked).find((key) => key === 'version' || key === 'label')
  const { refreshNow, roleArn } = optionsOf(rest)
  return {
    name: selector === undefined ? name : `${name}:${asked[selector]}`,
    withDecryption: withDecryption !== undefined && flagOf('withDecryption', withDecryption),
    refreshNow,
    ...(roleArn !== undefined && { roleArn }),
  }
}

type Query = { readonly [key: string]: string }

/** Of a parameter that is there twice the last one counts. @throws RequestError for the first that is not known, or does not do */
function readQuery(query: string, known: readonly string[]): Query {
  const asked: { [key: string]: string } = {}
  for (const [key, value] of new URLSearchParams(query)) {
    if (!known.includes(key)) throw new RequestError(400, `unknown parameter: ${key}`)
    if (key === 'refreshNow') flagOf(key, value)
    asked[key] = value
  }
  return asked
}

function optionsOf({ versionId, versionStage, refreshNow, roleArn }: Query): Omit<AskedSecret, 'secretId'> {
  if (roleArn !== undefined && !ROLE_ARN.test(roleArn))
    throw new RequestError(400, 'invalid roleArn format, expected arn:<partition>:iam::<account>:role/<name>')
  return {
    ...(versionId !== undefined && { versionId }),
    ...(versionStage !== undefined && { versionStage }),
    refreshNow: refreshNow !== undefined && flagOf('refreshNow', refreshNow),
    ...(roleArn !== undefined && { roleArn }),
  }
}

function flagOf(key: string, value: string): boolean {
  if (/^(true|1)$/i.test(value)) return true
  if (/^(false|0)$/i.test(value)) return false
  throw new RequestError(400, `invalid ${key} value`)
}
