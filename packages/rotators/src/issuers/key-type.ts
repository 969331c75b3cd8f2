// The option by which a rotator is told of which type the keys are that it makes.

import { RotatorError } from '../errors.ts'
import type { Described, PrivateKeySpec, Run } from '../rotator.ts'

export type KeyTypes = {
  readonly option: Described
  /** @throws RotatorError `secret` */
  read(options: Run['options']): PrivateKeySpec
}

/** @param types by the names that the option takes; the first is meant where it is absent */
export function keyTypes(types: { readonly [name: string]: PrivateKeySpec }): KeyTypes {
  const names = Object.keys(types)
  const [usual = ''] = names
  return {
    option: { name: 'keyType', required: false, about: `${names.join(', ')}; ${usual} where it is absent.` },
    read({ keyType = usual }) {
      const spec = Object.hasOwn(types, keyType) ? types[keyType] : undefined
      if (spec === undefined) throw new RotatorError('secret', `keyType is none of ${names.join(', ')}.`)
      return spec
    },
  }
}
