// The secrets of a KV secrets engine of HashiCorp Vault or OpenBao, version 1 or 2: each is a map, and becomes a JSON secret.

import { UsageError } from '../usage-error.ts'
import type { LeftOut, Reference, SecretItem, Source, Tag, Value } from './item.ts'
import { counted } from './outcome.ts'
import { isMap, type VaultClient } from './vault-client.ts'
import { versionId } from './version-id.ts'

export type KvSelection = {
  /** Where the engine is mounted. */
  readonly mount: string
  /** Secrets at and below this path; empty: all. */
  readonly path: string
  /** Put before their paths, as the names of the secrets. */
  readonly prefix: string
  /** Absent: Vault is asked. */
  readonly kvVersion?: '1' | '2'
}

type Engine = KvSelection & { readonly client: VaultClient; readonly version: '1' | '2' }

const DEPTH_MAX = 64
const NAME = /^[A-Za-z0-9/_+=.@-]{1,512}$/
const TAGS_MAX = 50
const TAG_TEXT = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u

/** @throws UsageError where it cannot be listed. */
export async function vaultSource(client: VaultClient, selection: KvSelection): Promise<Source> {
  const engine: Engine = {
    ...selection,
    client,
    version: selection.kvVersion ?? (await askVersion(client, selection.mount)),
  }
  const paths = [...new Set(await listPaths(engine))]
  const references = paths.map((path): Reference => {
    const name = `${selection.prefix}${path}`
    return { kind: 'secret', name, read: () => read(engine, path, name) }
  })
  return { total: references.length, references }
}

async function askVersion(client: VaultClient, mount: string): Promise<'1' | '2'> {
  const mounted = await client(['sys', 'internal', 'ui', 'mounts', ...segments(mount)])
  if (mounted?.type !== 'kv') throw new UsageError(`there is no KV secrets engine at ${mount}: name it with --mount`)
  return isMap(mounted.options) && mounted.options.version === '2' ? '2' : '1'
}

function segments(path: string): readonly string[] {
  const parts = path.split('/').filter((part) => part !== '')
  // A URL would lose them, and be another one.
  if (parts.some((part) => part === '.' || part === '..')) throw new UsageError(`${path} is not a path of Vault`)
  return parts
}

const apiPath = ({ mount, version }: Engine, of: 'data' | 'metadata', path: string): readonly string[] => [
  ...segments(mount),
  ...(version === '2' ? [of] : []),
  ...segments(path),
]

/** The secret at the path, where there is one, and all below it. */
async function listPaths(engine: Engine): Promise<readonly string[]> {
  const root = segments(engine.path).join('/')
  const own = root !== '' && !engine.path.endsWith('/') && (await engine.client(apiPath(engine, 'metadata', root)))
  return [...(own ? [root] : []), ...(await listBelow(engine, root === '' ? '' : `${root}/`, 0))]
}

async function listBelow(engine: Engine, folder: string, depth: number): Promise<readonly string[]> {
  if (depth > DEPTH_MAX) throw new UsageError(`${folder} is more than ${DEPTH_MAX} levels deep: narrow it with --path`)
  const found = await engine.client(apiPath(engine, 'metadata', folder), '?list=true')
  const keys = Array.isArray(found?.keys) ? found.keys.filter((key) => typeof key === 'string') : []
  const paths: string[] = []
  for (const key of keys) {
    if (key.endsWith('/')) paths.push(...(await listBelow(engine, `${folder}${key}`, depth + 1)))
    else paths.push(`${folder}${key}`)
  }
  return paths
}

async function read(engine: Engine, path: string, name: string): Promise<SecretItem | LeftOut> {
  if (!NAME.test(name)) {
    return { leftOut: 'its path has characters that no name of a secret can have: copy it by hand', refused: true }
  }
  return engine.version === '2' ? readVersions(engine, path, name) : readOnly(engine, path, name)
}

/** KV version 1 has one value and no ids. */
function readOnly(engine: Engine, path: string, name: string): SecretItem {
  const value = async (): Promise<Value | undefined> => {
    const data = await engine.client(apiPath(engine, 'data', path))
    return data && { SecretString: JSON.stringify(data) }
  }
  return {
    kind: 'secret',
    name,
    tags: [],
    versions: [{ stages: ['AWSCURRENT'], value }],
    knownIds: new Set(),
    notes: [],
  }
}

type KvVersion = { readonly number: number; readonly createdTime: string; readonly isLive: boolean }

async function readVersions(engine: Engine, path: string, name: string): Promise<SecretItem | LeftOut> {
  const metadata = await engine.client(apiPath(engine, 'metadata', path))
  if (metadata === undefined) return { leftOut: 'it was deleted meanwhile' }
  const all = versionsOf(metadata.versions)
  const live = all.filter(({ isLive }) => isLive)
  const current = all.find(({ number }) => number === metadata.current_version)
  if (current === undefined) return { leftOut: 'it has no version' }
  // An older value in its place would be one that somebody meant to be gone.
  if (!current.isLive) return { leftOut: `its latest version, ${current.number}, is deleted in Vault` }
  const previous = live.at(-2)
  /** The same whenever it is imported. */
  const idOf = ({ number, createdTime }: KvVersion) =>
    versionId(['vault-kv', engine.mount, path, `${number}`, createdTime])
  const { tags, notes } = tagsOf(metadata.custom_metadata)
  const gone = all.length - live.length
  return {
    kind: 'secret',
    name,
    tags,
    versions: live.map((version) => ({
      id: idOf(version),
      stages: version === current ? ['AWSCURRENT'] : version === previous ? ['AWSPREVIOUS'] : [],
      value: async () => {
        const answer = await engine.client(apiPath(engine, 'data', path), `?version=${version.number}`)
        return isMap(answer?.data) ? { SecretString: JSON.stringify(answer.data) } : undefined
      },
    })),
    knownIds: new Set(all.map(idOf)),
    notes: [...(gone > 0 ? [`not copied: ${counted(gone, 'version')} deleted in Vault`] : []), ...notes],
  }
}

/** Oldest first. */
function versionsOf(versions: unknown): readonly KvVersion[] {
  if (!isMap(versions)) return []
  return Object.entries(versions)
    .flatMap(([number, version]): KvVersion[] => {
      if (!/^\d{1,9}$/.test(number) || !isMap(version)) return []
      const { created_time: createdTime, deletion_time: deletionTime, destroyed } = version
      const isDeleted =
        typeof deletionTime === 'string' && deletionTime !== '' && Date.parse(deletionTime) <= Date.now()
      return [{ number: Number(number), createdTime: String(createdTime), isLive: destroyed !== true && !isDeleted }]
    })
    .sort((a, b) => a.number - b.number)
}

function tagsOf(custom: unknown): { readonly tags: readonly Tag[]; readonly notes: readonly string[] } {
  const entries = isMap(custom) ? Object.entries(custom) : []
  const fits = ([key, value]: readonly [string, unknown]): boolean =>
    typeof value === 'string' &&
    key.length <= 128 &&
    value.length <= 256 &&
    TAG_TEXT.test(key) &&
    TAG_TEXT.test(value) &&
    !/^aws:/i.test(key)
  const kept = entries.filter(fits).slice(0, TAGS_MAX)
  const lost = entries.filter((entry) => !kept.includes(entry)).map(([key]) => key)
  return {
    tags: kept.map(([Key, value]) => ({ Key, Value: String(value) })),
    notes: lost.length > 0 ? [`not copied: custom_metadata that no tag can hold (${lost.join(', ')})`] : [],
  }
}
