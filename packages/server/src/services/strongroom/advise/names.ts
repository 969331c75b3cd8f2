// What names and tags of secrets say, for advice. Names are taken by whole words: `nonprod` and `product` are not production.

import { IGNORE_TAG, type Subject } from './model.ts'

/** `prod/orderDb-2` is prod, order, db, 2. */
export const wordsOf = (name: string): readonly string[] =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')

const PRODUCTION = /^(prod|production|prd|live)\d{0,3}$/
/** `non-prod`, `pre-production`. */
const NOT = /^(non|not|pre|no)$/
const STAGE_TAGS = ['env', 'environment', 'stage', 'tier']
const namesStage = (key: string): boolean => STAGE_TAGS.includes(key.toLowerCase())

/** Whether any finding depends on a tag of this key: the others need not be kept. */
export const isTelling = (key: string): boolean => key === IGNORE_TAG || namesStage(key)

const saysProduction = (text: string): boolean =>
  wordsOf(text).some((word, at, words) => PRODUCTION.test(word) && !NOT.test(words[at - 1] ?? ''))

/** By a tag that names the stage; where there is none, by its name. */
export function isProduction({ name, tags }: Pick<Subject, 'name' | 'tags'>): boolean {
  const stage = tags.find(({ key }) => namesStage(key))
  return saysProduction(stage?.value ?? name)
}

const DATABASE =
  /^(db|database|postgres|postgresql|pg|mysql|mariadb|oracle|mssql|sqlserver|mongo|mongodb|redis|rds|aurora|redshift|docdb)\d{0,3}$/

/** For who may not look into the value. */
export const namesDatabase = (name: string): boolean => wordsOf(name).some((word) => DATABASE.test(word))

const SECRET =
  /^(password|passwords|passwd|pwd|pass|passphrase|secret|token|tokens|key|keys|apikey|credential|credentials|cred|creds|pin|code|otp|salt|seed|private|auth|webhook|signature|cert|certificate|pem|jwt|license|licence)$/

/** Whether a name, or a key of JSON, says that something secret is behind it. */
export const saysSecret = (name: string): boolean => wordsOf(name).some((word) => SECRET.test(word))

export type Field = 'username' | 'password' | 'host' | 'port' | 'dbname'

const FIELDS: { readonly [word: string]: Field } = {
  username: 'username',
  user: 'username',
  login: 'username',
  password: 'password',
  passwd: 'password',
  pwd: 'password',
  pass: 'password',
  host: 'host',
  hostname: 'host',
  endpoint: 'host',
  server: 'host',
  port: 'port',
  dbname: 'dbname',
  database: 'dbname',
}

/** `prod/db/password` is the field password of `prod/db`. */
export function fieldOf(name: string): { readonly stem: string; readonly field: Field } | undefined {
  const [, stem, word] = /^(.+)[/_.-]([A-Za-z]+)$/.exec(name) ?? []
  const field = word === undefined ? undefined : word.toLowerCase()
  return stem !== undefined && field !== undefined && Object.hasOwn(FIELDS, field)
    ? { stem, field: FIELDS[field]! }
    : undefined
}

const USER = '{user}'
const EMAIL = /[A-Za-z0-9_.+=-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+/g
const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi
const NAMED = /(^|[/_.-])((?:user|usr|uid|customer|member)s?[/_.-])[A-Za-z0-9]+/i

/** The name with a place for the user whom it names: `users/{user}/token`. Undefined where it names none. */
export function userPattern(name: string): string | undefined {
  const pattern = name.replace(EMAIL, USER).replace(UUID, USER)
  const found = pattern.includes(USER) ? pattern : pattern.replace(NAMED, `$1$2${USER}`)
  return found === name ? undefined : found
}
