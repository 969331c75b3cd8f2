// Declared limits, checked in one place and told in AWS's words.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html (ValidationError)

import { ServiceError } from '../errors.ts'
import { isOptional, type Members, type Shape, shapeOf } from './shape.ts'

/** What the protocols call a broken limit: JSON services the one, Query services the other. */
export type ValidationCode = 'ValidationException' | 'ValidationError'

/** @throws ServiceError that lists every broken limit, in the order of the members. */
export function validate(
  members: Members,
  input: { readonly [name: string]: unknown },
  code: ValidationCode = 'ValidationException',
): void {
  const broken: string[] = []
  const ownWords: string[] = []
  checkMembers(members, input, '', broken, ownWords)
  if (broken.length > 0) {
    const count = `${broken.length} validation ${broken.length === 1 ? 'error' : 'errors'} detected: `
    throw new ServiceError(code, 400, count + broken.join('; '))
  }
  if (ownWords[0] !== undefined) throw new ServiceError(code, 400, ownWords[0])
}

function checkMembers(
  members: Members,
  input: { readonly [name: string]: unknown },
  prefix: string,
  broken: string[],
  ownWords: string[],
): void {
  for (const name in members) {
    const member = members[name]!
    const value = input[name]
    if (value === undefined) {
      if (!isOptional(member))
        broken.push(`Value null at '${prefix}${lowerCamel(name)}' ${FAILED} Member must not be null`)
      continue
    }
    check(shapeOf(member), value, prefix, name, broken, ownWords)
  }
}

const FAILED = 'failed to satisfy constraint:'

function check(shape: Shape, value: unknown, prefix: string, name: string, broken: string[], ownWords: string[]): void {
  const fail = (constraint: string): void => {
    const shown = shape.sensitive ? 'Value' : `Value '${print(value)}'`
    broken.push(`${shown} at '${prefix}${lowerCamel(name)}' ${FAILED} ${constraint}`)
  }
  switch (shape.kind) {
    case 'string': {
      const text = value as string
      if (shape.pattern && !shape.pattern.test(text)) {
        if (shape.message !== undefined) ownWords.push(shape.message)
        else fail(`Member must satisfy regular expression pattern: ${shape.patternText ?? shape.pattern.source}`)
      }
      checkLength(text.length, shape, fail)
      if (shape.enum && !shape.enum.includes(text))
        fail(`Member must satisfy enum value set: [${shape.enum.join(', ')}]`)
      return
    }
    case 'blob':
      checkLength((value as Uint8Array).length, shape, fail)
      return
    case 'integer': {
      const number = value as number
      if (shape.max !== undefined && number > shape.max)
        fail(`Member must have value less than or equal to ${shape.max}`)
      if (shape.min !== undefined && number < shape.min)
        fail(`Member must have value greater than or equal to ${shape.min}`)
      return
    }
    case 'list': {
      const items = value as readonly unknown[]
      checkLength(items.length, shape, fail)
      // What is refused for its length is not walked: the answer stays bounded.
      if (shape.max !== undefined && items.length > shape.max) return
      const inside = `${prefix}${lowerCamel(name)}.`
      items.forEach((item, index) => {
        if (shape.member.kind === 'structure') {
          const members = shape.member.members
          checkMembers(members, item as Record<string, unknown>, `${inside}${index + 1}.member.`, broken, ownWords)
        } else {
          check(shape.member, item, `${inside}${index + 1}.`, 'member', broken, ownWords)
        }
      })
      return
    }
    case 'map': {
      const entries = Object.entries(value as Record<string, unknown>)
      if (shape.max !== undefined && entries.length > shape.max) {
        fail(`Member must have length less than or equal to ${shape.max}`)
        return
      }
      const inside = `${prefix}${lowerCamel(name)}.`
      for (const [key, item] of entries) {
        check(shape.key, key, inside, 'key', broken, ownWords)
        check(shape.value, item, inside, 'value', broken, ownWords)
      }
      return
    }
    case 'structure':
      checkMembers(shape.members, value as Record<string, unknown>, `${prefix}${lowerCamel(name)}.`, broken, ownWords)
      return
    case 'boolean':
    case 'timestamp':
      return
  }
}

type Length = { readonly min?: number; readonly max?: number }

function checkLength(length: number, { min, max }: Length, fail: (constraint: string) => void): void {
  if (max !== undefined && length > max) fail(`Member must have length less than or equal to ${max}`)
  if (min !== undefined && length < min) fail(`Member must have length greater than or equal to ${min}`)
}

/** As Java prints it, for AWS's services do. */
function print(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(print).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([key, item]) => `${key}=${print(item)}`)
      .join(', ')}}`
  }
  return String(value)
}

export const lowerCamel = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1)
