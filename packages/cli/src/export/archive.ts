// An archive as text, before it is encrypted: lines of JSON. The first says what it is, each other one is a secret or a parameter with its values,
// and the last says how many there were, so that an archive that was cut short is known.

import type { Item, ParameterItem, ParameterVersion, Rotation, SecretItem, Tag, Value } from '../import/item.ts'
import { UsageError } from '../usage-error.ts'

const FORMAT = 'strongroom-archive'
const VERSION = 1
/** A secret of 100 versions of 64 KiB, all of them control characters, is shorter. */
const LINE_CHARACTERS_MAX = 64 << 20

type StoredVersion = {
  readonly id?: string
  readonly stages: readonly string[]
  readonly text?: string
  readonly base64?: string
}
type StoredSecret = Omit<SecretItem, 'kind' | 'versions' | 'knownIds' | 'notes'> & {
  readonly knownIds: readonly string[]
  readonly versions: readonly StoredVersion[]
}
type StoredParameter = Omit<ParameterItem, 'kind' | 'notes'>

export const headLine = (): string => line({ format: FORMAT, version: VERSION })

export const endLine = (items: number): string => line({ end: { items } })

/** With the values, which are read now. What has no value any more is left out. */
export async function itemLine(item: Item): Promise<string> {
  const { kind, notes, ...kept } = item
  if (item.kind === 'parameter') return line({ parameter: kept })
  const versions: StoredVersion[] = []
  for (const { id, stages, value } of item.versions) {
    const read = await value()
    if (read !== undefined) versions.push({ ...(id !== undefined && { id }), stages, ...stored(read) })
  }
  return line({ secret: { ...kept, knownIds: [...item.knownIds], versions } })
}

const line = (value: object): string => `${JSON.stringify(value)}\n`

const stored = (value: Value): Pick<StoredVersion, 'text' | 'base64'> =>
  'SecretString' in value
    ? { text: value.SecretString }
    : { base64: Buffer.from(value.SecretBinary).toString('base64') }

/** The items of an archive, one after another. @throws UsageError at the first line that is not of one, and where the end is missing. */
export async function* readArchive(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Item> {
  let items = 0
  let place: 'head' | 'items' | 'end' = 'head'
  for await (const text of linesOf(chunks)) {
    const value = parse(text)
    if (place === 'end') throw damaged()
    if (place === 'head') {
      if (value.format !== FORMAT) throw new UsageError('what is in the file is no archive of strongroom export')
      if (value.version !== VERSION)
        throw new UsageError('the archive is of a newer strongroom: import it with that one')
      place = 'items'
    } else if (isMap(value.end)) {
      if (value.end.items !== items) throw damaged()
      place = 'end'
    } else {
      items++
      yield itemOf(value)
    }
  }
  if (place !== 'end') throw new UsageError('the archive is cut short: export it again')
}

const damaged = () => new UsageError('the archive is damaged: export it again')

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let begun: string[] = []
  let length = 0
  for await (const chunk of chunks) {
    const [first = '', ...others] = decode(decoder, chunk).split('\n')
    begun.push(first)
    length += first.length
    if (length > LINE_CHARACTERS_MAX) throw damaged()
    if (others.length === 0) continue
    yield begun.join('')
    begun = [others.pop()!]
    length = begun[0]!.length
    yield* others
  }
  if (length > 0) throw damaged()
}

function decode(decoder: TextDecoder, chunk: Uint8Array): string {
  try {
    return decoder.decode(chunk, { stream: true })
  } catch {
    throw damaged()
  }
}

type Json = { readonly [member: string]: unknown }

const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

function parse(text: string): Json {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Its error would repeat some of the text.
  }
  if (!isMap(value)) throw damaged()
  return value
}

/** Whoever has the recipient's public key can make an archive: nothing in it is taken for what it should be. */
function itemOf({ secret, parameter }: Json): Item {
  if (isMap(secret)) return secretOf(secret as Partial<StoredSecret> & Json)
  if (isMap(parameter)) return parameterOf(parameter as Partial<StoredParameter> & Json)
  throw damaged()
}

function secretOf(given: Json): SecretItem {
  const { name, arn, description, type, kmsKeyId, tags, policy, rotation, knownIds, versions } = given
  return {
    kind: 'secret',
    name: text(name),
    ...optional({ arn, description, type, kmsKeyId, policy }),
    tags: tagsOf(tags),
    ...(rotation !== undefined && { rotation: rotationOf(rotation) }),
    knownIds: new Set(list(knownIds).map(text)),
    versions: list(versions).map((version) => {
      if (!isMap(version)) throw damaged()
      const value = storedValue(version)
      const { id } = version
      return { ...optional({ id }), stages: list(version.stages).map(text), value: async () => value }
    }),
    notes: [],
  }
}

function storedValue({ text: given, base64 }: Json): Value {
  return base64 === undefined ? { SecretString: text(given) } : { SecretBinary: Buffer.from(text(base64), 'base64') }
}

function rotationOf(given: unknown): Rotation {
  if (!isMap(given)) throw damaged()
  const { functionArn, rules } = given
  if (rules !== undefined && !isMap(rules)) throw damaged()
  return { ...optional({ functionArn }), ...(rules !== undefined && { rules }) }
}

function parameterOf(given: Json): ParameterItem {
  const { name, type, tags, versions } = given
  if (type !== 'String' && type !== 'StringList' && type !== 'SecureString') throw damaged()
  return {
    kind: 'parameter',
    name: text(name),
    type,
    tags: tagsOf(tags),
    versions: list(versions).map((version): ParameterVersion => {
      if (!isMap(version)) throw damaged()
      const { value, labels, advanced, description, keyId, allowedPattern, dataType, policies } = version
      return {
        value: text(value),
        labels: list(labels).map(text),
        advanced: advanced === true,
        ...optional({ description, keyId, allowedPattern, dataType, policies }),
      }
    }),
    notes: [],
  }
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw damaged()
  return value
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw damaged()
  return value
}

const tagsOf = (value: unknown): readonly Tag[] =>
  list(value).map((tag) => {
    if (!isMap(tag)) throw damaged()
    return { Key: text(tag.Key), Value: text(tag.Value) }
  })

/** Those that are there. */
function optional<Name extends string>(
  members: { readonly [name in Name]: unknown },
): { readonly [name in Name]?: string } {
  const given = Object.entries(members).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given.map(([name, value]) => [name, text(value)])) as { readonly [name in Name]?: string }
}
