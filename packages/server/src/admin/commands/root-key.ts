// `strongroom root-key`: where the root key comes from, and a new one.

import { RootKeyError } from '../../seal/errors.ts'
import { describeRootKey, rotateRootKey } from '../../seal/rotate.ts'
import { type AdminCommand, AdminError } from '../command.ts'

export const rootKeyDescribe: AdminCommand = {
  name: 'root-key/describe',
  run: ({ keyring }) => describeRootKey(keyring),
}

/** One at a time: the second would take the first one's next key for its own. */
let rotating = false

export const rootKeyRotate: AdminCommand = {
  name: 'root-key/rotate',
  eventName: 'RotateRootKey',
  run: async ({ keyring, app }) => {
    if (rotating) throw new AdminError('a rotation of the root key is under way')
    rotating = true
    try {
      await rotateRootKey(keyring, { randomBytes: app.randomBytes, wallNow: app.wallNow })
    } catch (error) {
      if (error instanceof RootKeyError) throw new AdminError(error.message, error)
      throw error
    } finally {
      rotating = false
    }
    return describeRootKey(keyring)
  },
}
