// The data key of a parameter, for values that are no SecureString: made with it, kept sealed under a domain key in its row, gone with it.

import { createSecretKey, type KeyObject } from 'node:crypto'
import type { App } from '../../app.ts'
import { IntegrityError } from '../../errors.ts'
import type { Keyring } from '../../seal/keyring.ts'
import { newRowKey, sealRowKey } from '../../seal/row-key.ts'
import type { Parameter } from './model.ts'

/** For what a data key is sealed. */
export const KEY_PURPOSE = 'ssm/parameter'

type Owner = Pick<Parameter, 'id'>

/** In base64, for the row. */
export const newDataKey = (app: Pick<App, 'keyring' | 'randomBytes'>, owner: Owner): string =>
  newRowKey(app, KEY_PURPOSE, aadOf(owner))

/** The same key under the newest domain key. */
export const rewrapDataKey = (keyring: Keyring, parameter: Parameter): string =>
  sealRowKey(keyring, KEY_PURPOSE, unwrap(keyring, parameter), aadOf(parameter))

/** @throws IntegrityError where the row's key does not open. */
export function openDataKey({ keyring }: Pick<App, 'keyring'>, parameter: Pick<Parameter, 'id' | 'key'>): KeyObject {
  const bytes = unwrap(keyring, parameter)
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return key
}

function unwrap(keyring: Keyring, parameter: Pick<Parameter, 'id' | 'key'>): Buffer {
  const bytes = keyring.open(KEY_PURPOSE, Buffer.from(parameter.key, 'base64'), aadOf(parameter))
  if (bytes === undefined) throw new IntegrityError('parameter', [parameter.id], 'has a data key that does not open')
  return bytes
}

const aadOf = ({ id }: Owner): readonly Uint8Array[] => [Buffer.from(id)]
