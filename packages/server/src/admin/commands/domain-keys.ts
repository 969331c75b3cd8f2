// `strongroom domain-keys rotate`: new domain keys; key material that the old ones wrapped is wrapped anew.

import { rotateDomainKeys } from '../../seal/rotate.ts'
import { type AdminCommand, AdminError } from '../command.ts'

/** One at a time: a second one would only do the same work again. */
let rotating = false

export const domainKeysRotate: AdminCommand = {
  name: 'domain-keys/rotate',
  eventName: 'RotateDomainKeys',
  run: async ({ keyring, app, sealedTables }) => {
    if (rotating) throw new AdminError('a rotation of the domain keys is under way')
    rotating = true
    try {
      const { randomBytes, wallNow } = app
      // Old domain keys stay: secret access keys are sealed under them too, and are not sealed anew yet.
      return await rotateDomainKeys(keyring, sealedTables, { randomBytes, wallNow })
    } finally {
      rotating = false
    }
  },
}
