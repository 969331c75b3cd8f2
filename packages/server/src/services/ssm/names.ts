// How parameters are named: alone, in hierarchies, by ARN, with a selector of a version or a label. Pure.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html#sysman-parameter-name-constraints

import * as errors from './errors.ts'

/** Of the ARN, which the name ends. */
const ARN_CHARACTERS_MAX = 1011
const LEVELS_MAX = 15

export type Scope = { readonly partition: string; readonly region: string; readonly account: string }

/** A parameter, wherever it is. `path` is its name with a slash before it: `/app/db`, `/db`. */
export type Place = Pick<Scope, 'account' | 'region'> & { readonly path: string }

/** What a name or an ARN asks for. `selector` has its colon: `:3`, `:live`. */
export type Reference = Place & { readonly selector?: string }

export const parameterArn = ({ partition, region, account }: Scope, path: string): string =>
  `arn:${partition}:ssm:${region}:${account}:parameter${path}`

/**
 * The path of a name. A name and the same with one slash before it have one ARN, and are one parameter here.
 * @throws ServiceError ValidationException, HierarchyLevelLimitExceededException
 */
export function parseName(scope: Scope, given: string): string {
  const name = withoutSpaces(given)
  const path = name.startsWith('/') ? name : `/${name}`
  const levels = path.slice(1).split('/')
  if (!levels.every((level) => /^[a-zA-Z0-9_.-]+$/.test(level)) || /^\/ssm/i.test(path)) throw errors.invalidName()
  if (levels.length > 1 && path !== name) throw errors.nameNotQualified()
  if (levels.length > LEVELS_MAX) throw errors.tooManyLevels(LEVELS_MAX)
  if (parameterArn(scope, path).length > ARN_CHARACTERS_MAX) throw errors.nameTooLong(ARN_CHARACTERS_MAX)
  return path
}

/**
 * A name or an ARN, with a selector where one stands behind it. An ARN may be of another account or Region.
 * @throws as parseName
 */
export function parseReference(scope: Scope, given: string): Reference {
  const text = withoutSpaces(given)
  const [, partition, region = '', account = '', rest = ''] = ARN.exec(text) ?? []
  const isArn = partition === scope.partition
  const place = isArn ? { ...scope, region, account } : scope
  const { name, selector } = split(isArn ? rest : text)
  const path = isSecretReference(name) ? name : parseName(place, name)
  return { account: place.account, region: place.region, path, ...(selector !== undefined && { selector }) }
}

const ARN = /^arn:([a-z-]+):ssm:([a-z0-9-]+):(\d{12}):parameter(\/.+)$/

function split(text: string): { readonly name: string; readonly selector?: string } {
  const at = text.indexOf(':')
  if (at < 0) return { name: text }
  const selector = text.slice(at)
  if (!/^:[a-zA-Z0-9_.-]{1,100}$/.test(selector)) throw errors.invalidName()
  return { name: text.slice(0, at), selector }
}

/** AWS removes spaces before and behind a name. */
const withoutSpaces = (text: string): string => text.replace(/^ +| +$/g, '')

/** A path that AWS keeps for itself. */
export const isReserved = (path: string): boolean => /^\/aws/i.test(path)

/** The level above: `/app` of `/app/db`, nothing of `/db`. */
export const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'))

// Hierarchies.

/**
 * The path of a hierarchy, without a slash at its end: nothing for the root.
 * @throws ServiceError ValidationException
 */
export function parsePath(given: string): string {
  const text = withoutSpaces(given)
  if (text === '/') return ''
  const path = text.endsWith('/') ? text.slice(0, -1) : text
  if (!/^(?:\/[a-zA-Z0-9_.-]+)+$/.test(path) || /^\/ssm/i.test(path)) throw errors.invalidPath()
  return path
}

/** In byte order, everything below a hierarchy has a path with `from <= path < to`: `0` comes after the slash. */
export const pathsBelow = (path: string): { readonly from: string; readonly to: string } => ({
  from: `${path}/`,
  to: `${path}0`,
})

// Secrets of Secrets Manager.

const SECRETS = '/aws/reference/secretsmanager/'

/** https://docs.aws.amazon.com/systems-manager/latest/userguide/integration-ps-secretsmanager.html */
export const isSecretReference = (name: string): boolean =>
  name.startsWith(SECRETS) && /^[A-Za-z0-9/_+=.@!-]{1,512}$/.test(name.slice(SECRETS.length))

export const secretNameOf = (path: string): string => path.slice(SECRETS.length)
