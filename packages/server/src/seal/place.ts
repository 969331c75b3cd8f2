// From the place that `--root-key` names to what opens and makes slots with the key there.

import type { RootKeyPlace } from '../root-key-place.ts'
import { RootKeyError } from './errors.ts'
import { credentialRootKey, envRootKey, fileRootKey, type RootKeyProvider } from './root-key.ts'
import { awaitedShares, shamirRootKey } from './shares.ts'

/** @throws RootKeyError where a key from the environment is none. */
export function rootKeyAt(
  { rootKey, kind, file, text, settings }: RootKeyPlace,
  randomBytes: (size: number) => Uint8Array,
): RootKeyProvider {
  switch (kind) {
    case 'file':
      return fileRootKey(file, randomBytes)
    case 'credential':
      return credentialRootKey(file)
    case 'env':
      return envRootKey(rootKey.slice('env:'.length) || 'STRONGROOM_ROOT_KEY', () => text)
    case 'shamir': {
      if (text === '') return awaitedShares
      const { set = '', shares, threshold } = settings
      return shamirRootKey(Buffer.from(text, 'base64'), { set, shares: Number(shares), threshold: Number(threshold) })
    }
    default:
      throw new RootKeyError(`root keys of the kind ${kind} are not there yet`)
  }
}
