// What a change event says of parameters that are held: docs/events.md lists the events.

import type { ChangeEvent } from './event-stream.ts'
import type { Verdict } from './value-cache.ts'

/** `id` is what was asked for: a name or an ARN, and what may follow it after a colon, a version or a label. */
export type JudgedParameter = {
  readonly id: string
  readonly about: { readonly ARN: string } | undefined
}

/** Secrets are parameters too, under this name. */
const SECRET = '/aws/reference/secretsmanager/'

export function judgeParameterBy({
  'detail-type': type = '',
  resources,
  detail = {},
}: ChangeEvent): (parameter: JudgedParameter) => Verdict {
  const arn = resources?.[0] ?? ''
  const name = typeof detail.name === 'string' ? detail.name : ''
  const isOfIt = ({ id, about }: JudgedParameter): boolean =>
    about === undefined ? names(id, name) || names(id, arn) : about.ARN === arn
  if (type.startsWith('Secret ')) return ({ id }) => (names(id, `${SECRET}${name}`) ? 'expire' : 'keep')
  if (type !== 'Parameter Store Change' && type !== 'Parameter Labels Removed') return () => 'keep'
  const verdict = detail.operation === 'Delete' ? 'drop' : 'expire'
  return (parameter) => (isOfIt(parameter) ? verdict : 'keep')
}

const names = (id: string, of: string): boolean => of !== '' && (id === of || id.startsWith(`${of}:`))
