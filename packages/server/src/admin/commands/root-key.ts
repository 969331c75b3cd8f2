// `strongroom root-key`: where the root key comes from, and a new one.

import { ConfigurationError, findNewRootKey } from '../../config.ts'
import { RootKeyError } from '../../seal/errors.ts'
import { rootKeyAt } from '../../seal/root-key.ts'
import { describeRootKey, moveRootKey, retireRootKeys, rotateRootKey } from '../../seal/rotate-root-key.ts'
import { type AdminCommand, type AdminContext, AdminError, type AdminInput, mustText } from '../command.ts'

export const rootKeyDescribe: AdminCommand = {
  name: 'root-key/describe',
  run: ({ keyring }) => describeRootKey(keyring),
}

export const rootKeyRotate: AdminCommand = {
  name: 'root-key/rotate',
  eventName: 'RotateRootKey',
  // The place and never the key, which may have come along.
  eventParameters: ({ newRootKey }) => (newRootKey === undefined ? {} : { newRootKey }),
  run: (context, input) =>
    oneAtATime(async () => {
      const option = input.newRootKey === undefined ? undefined : await move(context, input)
      if (option === undefined) await rotateRootKey(context.keyring, context.app)
      const next = nextSteps(context, option)
      return { ...(next !== undefined && { next }), ...(await describeRootKey(context.keyring)) }
    }),
}

export const rootKeyRetire: AdminCommand = {
  name: 'root-key/retire',
  eventName: 'RetireRootKeys',
  run: ({ keyring, app }) =>
    oneAtATime(async () => {
      await retireRootKeys(keyring, app)
      return describeRootKey(keyring)
    }),
}

/** @returns what the next start needs for `--root-key` */
async function move({ keyring, app, config, shareRootKey }: AdminContext, input: AdminInput): Promise<string> {
  const newRootKey = mustText(input, 'newRootKey')
  const newRootKeyText = input.newRootKeyText === undefined ? undefined : mustText(input, 'newRootKeyText')
  const place = findNewRootKey({ newRootKey, ...(newRootKeyText !== undefined && { newRootKeyText }) }, config.dataDir)
  const { randomBytes, wallNow } = app
  await moveRootKey(keyring, rootKeyAt(place, randomBytes), { randomBytes, wallNow, share: () => shareRootKey(place) })
  return place.rootKey
}

/** One line for the operator; undefined where there is nothing left to do. */
function nextSteps({ keyring }: AdminContext, option: string | undefined): string | undefined {
  const start = option === undefined ? [] : [`the next start needs --root-key ${option}`]
  const others =
    keyring.database.dialect === 'postgres'
      ? [
          option === undefined
            ? 'copy the file to every server on this database'
            : 'run this on every server on this database',
          'then "strongroom root-key retire" on one of them: until then the old root key opens the keyring too',
        ]
      : []
  return [...start, ...others].join('; ') || undefined
}

/** The second would take the first one's next key for its own. */
let rotating = false

async function oneAtATime<T>(work: () => Promise<T>): Promise<T> {
  if (rotating) throw new AdminError('a rotation of the root key is under way')
  rotating = true
  try {
    return await work()
  } catch (error) {
    if (error instanceof RootKeyError || error instanceof ConfigurationError) throw new AdminError(error.message, error)
    throw error
  } finally {
    rotating = false
  }
}
