// From the place that `--root-key` names to what opens and makes slots with the key there.

import type { RootKeyPlace } from '../root-key-place.ts'
import { awsKmsRootKey, type KmsPlace } from './aws-kms.ts'
import { pkcs11RootKey } from './pkcs11.ts'
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
    case 'aws-kms':
      return awsKmsRootKey(settings as KmsPlace)
    case 'pkcs11': {
      const { token = '', object = '', 'module-path': modulePath = '', 'pin-source': pinSource = '' } = settings
      const pin = pinSource.startsWith('env:') ? { pin: text } : { pinFile: pinSource }
      return pkcs11RootKey({ token, object, modulePath, ...pin })
    }
  }
}
