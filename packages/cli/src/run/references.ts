// How a value is named on the command line: `SECRET`, `SECRET#member`, `ssm:/path/name`; in an environment or a file of variables the same after
// `strongroom://`, so that it is told from text.

import { UsageError } from '../usage-error.ts'

/** Where a value is. `id` is what GetSecretValue or GetParameter takes: a name or an ARN. */
export type Source = { readonly kind: 'secret' | 'parameter'; readonly id: string }

/** A value, or a member of it where it is a JSON object. */
export type Reference = { readonly source: Source; readonly member?: string }

/** All that is under a path of Parameter Store. It ends with a slash. */
export type ParameterPath = { readonly path: string }

export const SCHEME = 'strongroom://'

const LENGTH_MAX = 2048
const PARAMETER = 'ssm:'

/** With the scheme or without. `given` is how the user would know it again: `--env NAME`. @throws UsageError */
export function parseReference(text: string, given: string): Reference {
  const reference = text.startsWith(SCHEME) ? text.slice(SCHEME.length) : text
  const at = reference.indexOf('#')
  const name = at < 0 ? reference : reference.slice(0, at)
  const isParameter = name.startsWith(PARAMETER)
  const id = isParameter ? name.slice(PARAMETER.length) : name
  if (id === '' || at === reference.length - 1 || text.length > LENGTH_MAX || /[\u0000-\u0020\u007f]/.test(id)) {
    throw new UsageError(`${given} names no secret: give SECRET, SECRET#member or ssm:/path/name`)
  }
  const source = { kind: isParameter ? 'parameter' : 'secret', id } as const
  return { source, ...(at >= 0 && { member: reference.slice(at + 1) }) }
}

/** What `--env-from` names: a secret or parameter whose members are meant, or a path. @throws UsageError */
export function parseGroup(text: string, given: string): Source | ParameterPath {
  const { source, member } = parseReference(text, given)
  if (member !== undefined) throw new UsageError(`${given} takes every member: leave #… out, or give it by --env`)
  return source.kind === 'parameter' && source.id.endsWith('/') ? { path: source.id } : source
}
