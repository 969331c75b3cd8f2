// What of an input or an output may be written down: camelCase names, nothing that a shape calls sensitive.

import { type Members, type Shape, shapeOf } from './shape.ts'
import { lowerCamel } from './validate.ts'

type Plain = { readonly [name: string]: unknown }

/** requestParameters of an audit event: the members that were sent, but for the sensitive ones. */
export function redact(members: Members, input: Plain): Plain | null {
  let kept: Record<string, unknown> | null = null
  for (const name in members) {
    const value = input[name]
    if (value === undefined) continue
    const shape = shapeOf(members[name]!)
    if (shape.sensitive || shape.unlogged) continue
    kept ??= {}
    kept[lowerCamel(name)] = shape.kind === 'string' ? value : plain(shape, value)
  }
  return kept
}

function plain(shape: Shape, value: unknown): unknown {
  if (shape.sensitive) return undefined
  switch (shape.kind) {
    case 'structure':
      return redact(shape.members, value as Plain) ?? {}
    case 'list':
      return (value as readonly unknown[]).map((item) => plain(shape.member, item)).filter((item) => item !== undefined)
    case 'map':
      if (shape.key.sensitive) return undefined
      return Object.fromEntries(Object.entries(value as Plain).map(([key, item]) => [key, plain(shape.value, item)]))
    case 'blob':
      return Buffer.from(value as Uint8Array).toString('base64')
    case 'timestamp':
      return new Date(value as number).toISOString()
    default:
      return value
  }
}
