// `strongroom unseal` and `seal-status` where the server serves: enough shares prove that they open their slot, and for ten minutes the
// server can wrap that slot anew, or do without the others.

import { RootKeyError } from '../../seal/errors.ts'
import { SHARES_KEPT_MS } from '../../seal/shares.ts'
import { placeOfShares } from '../../sealed.ts'
import { type AdminCommand, AdminError, mustText } from '../command.ts'
import { useAlso } from './root-key.ts'

export const sealStatus: AdminCommand = {
  name: 'seal-status',
  run: async ({ shares }) => ({ sealed: false, sets: await shares.status() }),
}

export const unseal: AdminCommand = {
  name: 'unseal',
  eventName: 'GiveShare',
  // Never the share.
  run: async (context, input) => {
    try {
      const { key, ...given } = await context.shares.submit(mustText(input, 'share', 256))
      if (key !== undefined) {
        const drop = await useAlso(context, placeOfShares(key, given))
        setTimeout(
          () => drop().catch((error: unknown) => context.app.log.error({ err: error }, 'a root key stays')),
          SHARES_KEPT_MS,
        ).unref()
      }
      return { sealed: false, ...given }
    } catch (error) {
      if (error instanceof RootKeyError) throw new AdminError(error.message, error)
      throw error
    }
  },
}
