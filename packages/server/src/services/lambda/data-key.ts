// The data key of a function: made with it, kept sealed under a domain key in its row, gone with it. Code, environment and waiting events are
// encrypted under it.

import type { KeyObject } from 'node:crypto'
import type { App } from '../../app.ts'
import { functionKey, openFunctionData, sealFunctionData } from '../../crypto/function-data.ts'
import { IntegrityError } from '../../errors.ts'
import type { Keyring } from '../../seal/keyring.ts'
import { newRowKey, sealRowKey } from '../../seal/row-key.ts'
import type { LambdaFunction } from './model.ts'

/** For what a data key is sealed. */
export const KEY_PURPOSE = 'lambda/function'

type Owner = Pick<LambdaFunction, 'accountId' | 'region' | 'functionName' | 'functionId'>

/** In base64, for the row. */
export const newDataKey = (app: Pick<App, 'keyring' | 'randomBytes'>, owner: Owner): string =>
  newRowKey(app, KEY_PURPOSE, aadOf(owner))

/** The same key under the newest domain key. */
export const rewrapDataKey = (keyring: Keyring, fn: LambdaFunction): string =>
  sealRowKey(keyring, KEY_PURPOSE, unwrap(keyring, fn), aadOf(fn))

/** @throws IntegrityError where the row's key does not open. */
export function openDataKey({ keyring }: Pick<App, 'keyring'>, fn: LambdaFunction): KeyObject {
  const bytes = unwrap(keyring, fn)
  const key = functionKey(bytes)
  bytes.fill(0)
  return key
}

/** `what` names the kind of data and which of it. */
export const sealData = (key: KeyObject, fn: LambdaFunction, what: readonly string[], plaintext: Uint8Array): Buffer =>
  sealFunctionData(key, [...partsOf(fn), ...what], plaintext)

/** @throws IntegrityError where the bytes were altered or belong elsewhere. */
export function openData(key: KeyObject, fn: LambdaFunction, what: readonly string[], sealed: Uint8Array): Buffer {
  const opened = openFunctionData(key, [...partsOf(fn), ...what], sealed)
  if (opened === undefined)
    throw new IntegrityError('lambda_function', placeOf(fn), `has ${what[0]} that does not open`)
  return opened
}

function unwrap(keyring: Keyring, fn: LambdaFunction): Buffer {
  const bytes = keyring.open(KEY_PURPOSE, Buffer.from(fn.key, 'base64'), aadOf(fn))
  if (bytes === undefined) throw new IntegrityError('lambda_function', placeOf(fn), 'has a data key that does not open')
  return bytes
}

const placeOf = ({ accountId, region, functionName }: Owner) => [accountId, region, functionName]
const partsOf = (owner: Owner): readonly string[] => [...placeOf(owner), owner.functionId]
const aadOf = (owner: Owner): readonly Uint8Array[] => partsOf(owner).map((part) => Buffer.from(part))
