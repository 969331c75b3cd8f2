// What is called otherwise at the target: KMS keys, accounts and functions, as the command line maps them. What is not mapped is refused, so
// that nothing comes under another key or is open to another account than anybody meant.

import { UsageError } from '../usage-error.ts'

/** Something is to be said on the command line, or mended at one of both ends, before this can be carried over. */
export class RefusedError extends UsageError {}

export type Mapping = {
  readonly keys: ReadonlyMap<string, string>
  readonly accounts: ReadonlyMap<string, string>
  readonly functions: ReadonlyMap<string, string>
}

export type MappingOptions = {
  readonly kmsKey?: readonly string[]
  readonly account?: readonly string[]
  readonly function?: readonly string[]
}

/** Of a `--kms-key`: the default key of the service at the target. */
const DEFAULT_KEY = 'default'
/** Of a `--kms-key`: every key that no other one names. */
const ANY_KEY = '*'

/** @throws UsageError */
export function mappingOf(given: MappingOptions): Mapping {
  const accounts = pairs('--account', given.account)
  for (const [from, to] of accounts) {
    if (!/^\d{12}$/.test(from) || !/^\d{12}$/.test(to)) {
      throw new UsageError(`--account ${from}=${to} is not two account ids of 12 digits: --account SOURCE=TARGET`)
    }
  }
  return { keys: pairs('--kms-key', given.kmsKey), accounts, functions: pairs('--function', given.function) }
}

function pairs(option: string, given: readonly string[] = []): ReadonlyMap<string, string> {
  const map = new Map<string, string>()
  for (const pair of given) {
    const [, from, to] = /^([^=]+)=([^=]+)$/.exec(pair) ?? []
    if (from === undefined || to === undefined) throw new UsageError(`${option} ${pair} is not SOURCE=TARGET`)
    if (map.has(from)) throw new UsageError(`${option} ${from} is given twice`)
    map.set(from, to)
  }
  return map
}

/** The KmsKeyId at the target; undefined for the default key. @throws RefusedError where it is not mapped. */
export function mapKey({ keys }: Mapping, sourceKey: string | undefined, defaultAlias: string): string | undefined {
  if (sourceKey === undefined || sourceKey === '') return undefined
  if (sourceKey === defaultAlias || sourceKey.endsWith(`:${defaultAlias}`)) return undefined
  const id = sourceKey.replace(/^arn:[^/]*:(?:key\/|(?=alias\/))/, '')
  const mapped = keys.get(sourceKey) ?? keys.get(id) ?? keys.get(ANY_KEY)
  if (mapped === undefined) {
    throw new RefusedError(
      `it is encrypted under the key ${sourceKey}: say which one the target has with --kms-key ${id}=KEY, or ${id}=${DEFAULT_KEY}`,
    )
  }
  return mapped === DEFAULT_KEY ? undefined : mapped
}

/** Where something is: of an ARN. */
export type Place = { readonly region: string; readonly account: string }

export function placeOf(arn: string): Place {
  const [, , , region = '', account = ''] = arn.split(':')
  return { region, account }
}

/** The ARN of a function at the target. @throws RefusedError where its account is not mapped. */
export function mapFunction({ functions, accounts }: Mapping, arn: string, source: Place, target: Place): string {
  const mapped = functions.get(arn)
  if (mapped !== undefined) return mapped
  const parts = arn.split(':')
  const [, , , region, account = ''] = parts
  const there = account === source.account ? target.account : accounts.get(account)
  if (there === undefined) {
    throw new RefusedError(`its rotation function ${arn} is of another account: map it with --function ${arn}=ARN`)
  }
  return parts
    .with(3, region === source.region ? target.region : region!)
    .with(4, there)
    .join(':')
}
