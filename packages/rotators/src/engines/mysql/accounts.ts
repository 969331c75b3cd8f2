// What SHOW GRANTS and SHOW CREATE USER say of an account, read token by token: a name may hold anything, and so is never looked for in text.
// https://mariadb.com/kb/en/show-grants/ https://dev.mysql.com/doc/refman/8.4/en/show-grants.html

import { RotatorError } from '../../errors.ts'

/** `'user'@'host'`: one name may have several, one for each place that it logs in from. */
export type Account = { readonly user: string; readonly host: string }

type Token = {
  readonly kind: 'name' | 'string' | 'word' | 'sign'
  /** As it stands there. */
  readonly raw: string
  /** Without its quotes; of a word, upper case. */
  readonly value: string
}

const TOKEN = /\s*(?:`((?:[^`]|``)*)`|'((?:[^'\\]|''|\\.)*)'|([\p{L}\p{N}_$]+)|([^\s]))/suy

/** @throws RotatorError `other` where a quote is not closed */
export function tokens(text: string): readonly Token[] {
  const found: Token[] = []
  TOKEN.lastIndex = 0
  const end = text.trimEnd().length
  while (TOKEN.lastIndex < end) {
    const match = TOKEN.exec(text)
    if (match === null) throw unreadable()
    const [whole, name, string, word, sign] = match
    const raw = whole.trimStart()
    if (name !== undefined) found.push({ kind: 'name', raw, value: name.replaceAll('``', '`') })
    else if (string !== undefined) found.push({ kind: 'string', raw, value: unescaped(string) })
    else if (word !== undefined) found.push({ kind: 'word', raw, value: word.toUpperCase() })
    else if (sign === '`' || sign === "'") throw unreadable()
    else found.push({ kind: 'sign', raw, value: sign ?? '' })
  }
  return found
}

const unescaped = (text: string): string =>
  text.replace(/''|\\(.)/gs, (both, escaped) => (both === "''" ? "'" : escaped))

const unreadable = (): RotatorError =>
  new RotatorError('other', 'The server describes the rights of the user in a way that this version does not know.')

/** Something that an account may do. Two accounts may do the same where the keys of their rights are the same. */
export type Right = {
  /** `restriction` is MySQL's partial revoke. */
  readonly kind: 'privilege' | 'role' | 'proxy' | 'restriction'
  /** `SELECT`, `ALL PRIVILEGES`, `GRANT OPTION`; of a role or proxied account its quoted name. */
  readonly what: string
  /** Quoted; for a privilege on one column. */
  readonly column?: string
  /** `*.*`, `` `db`.* ``, `` PROCEDURE `db`.`p` ``; empty for a role or proxy. */
  readonly on: string
  /** May be passed on, where that is said of each right for itself: roles, proxies and MySQL's dynamic privileges. */
  readonly grantable: boolean
}

export const keyOf = (right: Right): string =>
  JSON.stringify([right.kind, right.on, right.what, right.column ?? '', right.grantable])

/** MySQL's dynamic privileges, each with a grant option of its own, are those with `_`. https://dev.mysql.com/doc/refman/8.4/en/privileges-provided.html */
const isDynamic = (privilege: string): boolean => privilege.includes('_')

export type Grants = { readonly rights: readonly Right[]; readonly defaultRole: string | undefined }

/** Of the lines of SHOW GRANTS. */
export function readGrants(lines: readonly string[]): Grants {
  const rights = new Map<string, Right>()
  let defaultRole: string | undefined
  const add = (right: Right): void => void rights.set(keyOf(right), right)
  for (const line of lines) {
    const all = tokens(line)
    if (isWords(all, 0, 'SET', 'DEFAULT', 'ROLE')) {
      defaultRole = textOf(all.slice(3, indexOfWord(all, 'FOR')))
      continue
    }
    const verb = all[0]?.value
    if (verb !== 'GRANT' && verb !== 'REVOKE') throw unreadable()
    const to = indexOfWord(all, verb === 'GRANT' ? 'TO' : 'FROM')
    const tail = all.slice(to)
    const passedOn = tail.some((_, at) => isWords(tail, at, 'GRANT', 'OPTION') || isWords(tail, at, 'ADMIN', 'OPTION'))
    const on = all.slice(0, to).findIndex((_, at) => isWords(all, at, 'ON'))
    if (on === -1) {
      for (const role of listed(all.slice(1, to))) {
        add({ kind: 'role', what: textOf(role), on: '', grantable: passedOn })
      }
      continue
    }
    const object = textOf(all.slice(on + 1, to))
    if (isWords(all, 1, 'PROXY')) {
      add({ kind: 'proxy', what: object, on: '', grantable: passedOn })
      continue
    }
    const kind = verb === 'GRANT' ? 'privilege' : 'restriction'
    let hasStatic = false
    for (const item of listed(all.slice(1, on))) {
      const open = item.findIndex((token) => token.value === '(' && token.kind === 'sign')
      const what = item
        .slice(0, open === -1 ? undefined : open)
        .map((token) => token.value)
        .join(' ')
      const dynamic = isDynamic(what)
      hasStatic ||= !dynamic
      if (what === 'USAGE') continue
      const right = { kind, what, on: object, grantable: dynamic && passedOn } as const
      if (open === -1) add(right)
      else for (const column of listed(item.slice(open + 1, -1))) add({ ...right, column: textOf(column) })
    }
    if (passedOn && hasStatic) add({ kind, what: 'GRANT OPTION', on: object, grantable: false })
  }
  return { rights: [...rights.values()], defaultRole }
}

export type Change = { readonly revoke: readonly string[]; readonly grant: readonly string[] }

/**
 * Statements after which `grantee`, quoted, who has the rights `has`, has the rights `wanted`. What it has and shall have is not touched, but
 * where it may do everything with an object and shall not.
 */
export function changes(grantee: string, has: readonly Right[], wanted: readonly Right[]): Change {
  const hasKeys = new Set(has.map(keyOf))
  const wantedKeys = new Set(wanted.map(keyOf))
  const hasAll = (rights: readonly Right[], on: string): boolean =>
    rights.some((right) => right.kind === 'privilege' && right.what === 'ALL PRIVILEGES' && right.on === on)
  const extra = has.filter(
    (right) =>
      !wantedKeys.has(keyOf(right)) &&
      !(
        right.kind === 'privilege' &&
        right.what !== 'GRANT OPTION' &&
        !isDynamic(right.what) &&
        hasAll(wanted, right.on)
      ),
  )
  const missing = wanted.filter((right) => !hasKeys.has(keyOf(right)))
  return {
    revoke: statements(extra, (right, what) => {
      if (right.kind === 'role') return `REVOKE ${what} FROM ${grantee}`
      if (right.kind === 'proxy') return `REVOKE PROXY ON ${what} FROM ${grantee}`
      if (right.kind === 'restriction') return `GRANT ${what} ON ${right.on} TO ${grantee}`
      return `REVOKE ${what} ON ${right.on} FROM ${grantee}`
    }),
    grant: statements(missing, (right, what) => {
      const passing = right.grantable || right.what === 'GRANT OPTION' ? ' WITH GRANT OPTION' : ''
      if (right.kind === 'role') return `GRANT ${what} TO ${grantee}${right.grantable ? ' WITH ADMIN OPTION' : ''}`
      if (right.kind === 'proxy') return `GRANT PROXY ON ${what} TO ${grantee}${passing}`
      if (right.kind === 'restriction') return `REVOKE ${what} ON ${right.on} FROM ${grantee}`
      return `GRANT ${right.what === 'GRANT OPTION' ? 'USAGE' : what} ON ${right.on} TO ${grantee}${passing}`
    }),
  }
}

const statements = (rights: readonly Right[], write: (right: Right, what: string) => string): readonly string[] => {
  const groups = Map.groupBy(rights, (right) =>
    // Restrictions are read after what they restrict, GRANT OPTION stands alone, and columns of one privilege stand together.
    right.kind === 'privilege' && right.column === undefined && right.what !== 'GRANT OPTION'
      ? JSON.stringify([right.kind, right.on, right.grantable])
      : right.column === undefined
        ? keyOf(right)
        : JSON.stringify([right.kind, right.on, right.what, 'columns']),
  )
  return [...groups.values()].map((group) => {
    const [first] = group as [Right]
    const columns = group.flatMap(({ column }) => column ?? [])
    const what =
      columns.length > 0 ? `${first.what} (${columns.join(', ')})` : group.map((right) => right.what).join(', ')
    return write(first, what)
  })
}

/**
 * Whether who has `rights` may pass `right` on: it holds the privilege and GRANT OPTION there or further up.
 * https://dev.mysql.com/doc/refman/8.4/en/grant.html
 */
export function mayPassOn(rights: readonly Right[], right: Right): boolean {
  if (right.kind === 'role')
    return rights.some((own) => own.kind === 'role' && own.what === right.what && own.grantable)
  if (right.kind === 'proxy') {
    return rights.some(
      (own) => own.kind === 'proxy' && own.grantable && [right.what, "''@'%'", '``@`%`'].includes(own.what),
    )
  }
  const above = ['*.*', right.on]
  const table = tokens(right.on).filter(({ kind }) => kind === 'name')
  if (table[0] !== undefined) above.push(`${table[0].raw}.*`)
  const own = rights.filter(({ kind, on }) => kind === 'privilege' && above.includes(on))
  if (isDynamic(right.what)) {
    return own.some(({ what, grantable }) => what === 'ALL PRIVILEGES' || (what === right.what && grantable))
  }
  const has = own.some(
    ({ what, column }) =>
      what === 'ALL PRIVILEGES' || (what === right.what && (column === undefined || column === right.column)),
  )
  return own.some(({ what }) => what === 'GRANT OPTION') && (has || right.what === 'GRANT OPTION')
}

/** One way in: a plugin and what the server keeps for it. */
export type Authentication = { readonly plugin: string; readonly kept: string }

export type Definition = {
  readonly authentications: readonly Authentication[]
  /** What follows: REQUIRE, limits, expiry, lock, as clauses that ALTER USER takes, by their first word or two. */
  readonly settings: ReadonlyMap<string, string>
}

/** Words that begin a clause of CREATE USER behind what it is identified by. */
const CLAUSES = [
  ['DEFAULT', 'ROLE'],
  ['REQUIRE'],
  ['WITH'],
  ['ACCOUNT'],
  ['PASSWORD', 'EXPIRE'],
  ['PASSWORD', 'HISTORY'],
  ['PASSWORD', 'REUSE'],
  ['PASSWORD', 'REQUIRE'],
  ['FAILED_LOGIN_ATTEMPTS'],
  ['PASSWORD_LOCK_TIME'],
  ['ATTRIBUTE'],
  ['COMMENT'],
] as const

/** Of the line of SHOW CREATE USER. */
export function readDefinition(line: string): Definition {
  const all = tokens(line)
  const clauseAt = (at: number): readonly string[] | undefined => CLAUSES.find((words) => isWords(all, at, ...words))
  const authentications: Authentication[] = []
  const settings = new Map<string, string>()
  let at = 0
  while (at < all.length && !isWords(all, at, 'IDENTIFIED') && clauseAt(at) === undefined) at++
  if (isWords(all, at, 'IDENTIFIED', 'BY', 'PASSWORD')) {
    authentications.push({ plugin: 'mysql_native_password', kept: all[at + 3]?.value ?? '' })
    at += 4
  } else if (isWords(all, at, 'IDENTIFIED')) {
    at++
    do {
      at++ // VIA, WITH, OR
      const plugin = all[at]
      if (plugin === undefined || plugin.kind === 'sign') throw unreadable()
      at++
      const told = isWords(all, at, 'USING') || isWords(all, at, 'AS')
      authentications.push({
        plugin: plugin.kind === 'word' ? plugin.raw : plugin.value,
        kept: told ? (all[at + 1]?.value ?? '') : '',
      })
      if (told) at += 2
    } while (isWords(all, at, 'OR'))
  }
  while (at < all.length) {
    const words = clauseAt(at)
    if (words === undefined) throw unreadable()
    let end = at + words.length
    while (end < all.length && clauseAt(end) === undefined) end++
    settings.set(words.join(' '), textOf(all.slice(at + words.length, end)))
    at = end
  }
  return { authentications, settings }
}

const isWords = (all: readonly Token[], at: number, ...words: readonly string[]): boolean =>
  words.every((word, index) => all[at + index]?.kind === 'word' && all[at + index]?.value === word)

function indexOfWord(all: readonly Token[], word: string): number {
  const at = all.findIndex((_, index) => isWords(all, index, word))
  if (at === -1) throw unreadable()
  return at
}

/** What stands between commas that no bracket encloses. */
function listed(all: readonly Token[]): readonly (readonly Token[])[] {
  const items: Token[][] = [[]]
  let depth = 0
  for (const token of all) {
    if (token.kind === 'sign' && token.value === '(') depth++
    if (token.kind === 'sign' && token.value === ')') depth--
    if (token.kind === 'sign' && token.value === ',' && depth === 0) items.push([])
    else items.at(-1)?.push(token)
  }
  return items
}

/** As it stood, with a space only where two words would run together. */
const textOf = (all: readonly Token[]): string =>
  all
    .map(({ kind, raw }, index) => (index > 0 && kind !== 'sign' && all[index - 1]?.kind !== 'sign' ? ` ${raw}` : raw))
    .join('')
