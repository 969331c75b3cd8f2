// `strongroom domain-keys rotate`: new domain keys; what the old ones sealed is sealed anew, and those that nothing refers to any more go.

import { retireDomainKeys, rotateDomainKeys } from '../../seal/rotate.ts'
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
      const rotation = await rotateDomainKeys(keyring, sealedTables, { randomBytes, wallNow })
      return { ...rotation, retired: await retireDomainKeys(keyring, sealedTables, { wallNow }) }
    } finally {
      rotating = false
    }
  },
}
