// `strongroom secret get`, `describe` and `diff`: what a secret holds, and what is known of it.

import {
  DescribeSecretCommand,
  type DescribeSecretCommandOutput,
  GetSecretValueCommand,
  type GetSecretValueCommandOutput,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import type { ClientOptions } from '../command-line.ts'
import { isMembers, type JsonValue, memberText, parseJson } from '../json-text.ts'
import { dateText, formatOf, jsonText, type OutputOptions, printListing } from '../output.ts'
import { printValue } from '../value.ts'
import { withSecrets } from './client.ts'

export type GetOptions = ClientOptions & {
  readonly field?: string
  readonly versionId?: string
  readonly stage?: string
  readonly json?: true
}

/** Prints the value, or one member of it, and nothing else. @throws UsageError */
export const getSecret = (SecretId: string, given: GetOptions): Promise<void> =>
  withSecrets(given, async ({ client }) => {
    const { $metadata: _, ...answer } = await client.send(
      new GetSecretValueCommand({
        SecretId,
        ...(given.versionId !== undefined && { VersionId: given.versionId }),
        ...(given.stage !== undefined && { VersionStage: given.stage }),
      }),
    )
    const { SecretString, SecretBinary } = answer
    if (given.field !== undefined) printValue(memberText(SecretString, given.field))
    else if (!given.json) printValue(SecretString ?? SecretBinary!)
    else {
      const binary = SecretBinary && { SecretBinary: Buffer.from(SecretBinary).toString('base64') }
      process.stdout.write(jsonText({ ...answer, ...binary }))
    }
  })

/** Prints all that is known of a secret but its value. @throws UsageError */
export const describeSecret = (SecretId: string, given: ClientOptions & OutputOptions): Promise<void> =>
  withSecrets(given, async ({ client }) => {
    const { $metadata: _, ...json } = await client.send(new DescribeSecretCommand({ SecretId }))
    const format = formatOf(given)
    const date = (value: Date | undefined) => dateText(value, format)
    const rows = [
      ['Name', json.Name ?? ''],
      ['ARN', json.ARN ?? ''],
      ['Description', json.Description ?? ''],
      ['Type', json.Type ?? ''],
      ['KMS key', json.KmsKeyId ?? 'aws/secretsmanager'],
      ['Created', date(json.CreatedDate)],
      ['Changed', date(json.LastChangedDate)],
      ['Accessed', date(json.LastAccessedDate)],
      ['Deleted', date(json.DeletedDate)],
      ['Rotation', rotationText(json)],
      ['Rotated', date(json.LastRotatedDate)],
      ['Next rotation', date(json.NextRotationDate)],
      ['Rotation function', json.RotationLambdaARN ?? ''],
      ['Owning service', json.OwningService ?? ''],
      ...Object.entries(json.VersionIdsToStages ?? {}).map(([id, stages]) => ['Version', `${id} ${stages.join(' ')}`]),
      ...(json.Tags ?? []).map(({ Key, Value }) => ['Tag', `${Key}=${Value}`]),
      ...(json.ReplicationStatus ?? []).map(({ Region, Status }) => ['Replica', `${Region} ${Status}`]),
    ]
    printListing({ columns: ['what', 'value'], rows: rows.filter(([, value]) => value !== ''), json }, format)
  })

/** `30 d`, or the expression, of a secret that rotates; else empty. */
export function rotationText({
  RotationEnabled,
  RotationRules,
}: Pick<DescribeSecretCommandOutput, 'RotationEnabled' | 'RotationRules'>): string {
  if (!RotationEnabled) return ''
  const { AutomaticallyAfterDays: days, ScheduleExpression: expression } = RotationRules ?? {}
  return expression ?? (days === undefined ? 'on' : `${days} d`)
}

export type DiffOptions = ClientOptions & OutputOptions & { readonly showValues?: true; readonly exitCode?: true }

/** Prints which members differ between two versions, each named by its id or a staging label. @throws UsageError */
export const diffSecret = (
  SecretId: string,
  [before = 'AWSPREVIOUS', after = 'AWSCURRENT']: readonly (string | undefined)[],
  given: DiffOptions,
): Promise<void> =>
  withSecrets(given, async ({ client }) => {
    const [from, to] = await Promise.all([before, after].map((version) => readVersion(client, SecretId, version)))
    const changes = changesBetween(from!, to!)
    const shown = (value: JsonValue) => (value === undefined ? '' : typeof value === 'string' ? value : jsonOf(value))
    const { showValues = false } = given
    printListing(
      {
        columns: ['field', 'change', ...(showValues ? ['before', 'after'] : [])],
        rows: changes.map(({ field, change, before, after }) => [
          field,
          change,
          ...(showValues ? [shown(before), shown(after)] : []),
        ]),
        json: changes.map(({ field: Field, change: Change, before, after }) =>
          showValues ? { Field, Change, Before: before, After: after } : { Field, Change },
        ),
      },
      formatOf(given),
    )
    if (given.exitCode && changes.length > 0) process.exitCode = 1
  })

type Value = Pick<GetSecretValueCommandOutput, 'SecretString' | 'SecretBinary'>

async function readVersion(client: SecretsManagerClient, SecretId: string, version: string): Promise<Value> {
  const isId = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(version) || version.length >= 32
  const asked = isId ? { VersionId: version } : { VersionStage: version }
  return client.send(new GetSecretValueCommand({ SecretId, ...asked }))
}

/** Bytes are never the text that their base64 is. */
function changesBetween(from: Value, to: Value): readonly Change[] {
  if ((from.SecretString === undefined) === (to.SecretString === undefined)) {
    return changesOf(contentOf(from), contentOf(to))
  }
  const told = (value: Value) => value.SecretString ?? { SecretBinary: contentOf(value) }
  return [{ field: WHOLE, change: 'changed', before: told(from), after: told(to) }]
}

function contentOf({ SecretString, SecretBinary }: Value): JsonValue {
  if (SecretString === undefined) return Buffer.from(SecretBinary!).toString('base64')
  const value = parseJson(SecretString)
  return isMembers(value) ? value : SecretString
}

/** Where one of the two is no JSON object. */
const WHOLE = '(value)'

type Change = {
  /** Or WHOLE. */
  readonly field: string
  readonly change: 'added' | 'removed' | 'changed'
  readonly before: JsonValue
  readonly after: JsonValue
}

function changesOf(before: JsonValue, after: JsonValue, path = ''): readonly Change[] {
  if (isMembers(before) && isMembers(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    return names.flatMap((name) =>
      changesOf(member(before, name), member(after, name), path === '' ? name : `${path}.${name}`),
    )
  }
  if (jsonOf(before) === jsonOf(after)) return []
  const change = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed'
  return [{ field: path || WHOLE, change, before, after }]
}

const member = (members: { readonly [name: string]: JsonValue }, name: string): JsonValue =>
  Object.hasOwn(members, name) ? members[name] : undefined

const jsonOf = (value: JsonValue): string => JSON.stringify(value)
