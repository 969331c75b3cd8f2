// `strongroom root-key`: where root keys come from, their slots, and new ones.

import { ConfigurationError, findNewRootKey, type RootKeyPlace } from '../../config.ts'
import { RootKeyError } from '../../seal/errors.ts'
import { rootKeyAt } from '../../seal/place.ts'
import type { RootKeyProvider } from '../../seal/root-key.ts'
import { moveRootKey, retireRootKeys, rotateRootKey } from '../../seal/rotate-root-key.ts'
import { makeShares } from '../../seal/shares.ts'
import { addRootKey, removeSlot, rootKeyStatus, verifySlots } from '../../seal/slots.ts'
import {
  type AdminCommand,
  type AdminContext,
  AdminError,
  type AdminInput,
  type AdminOutput,
  mustText,
} from '../command.ts'

export const rootKeyStatusCommand: AdminCommand = {
  name: 'root-key/status',
  run: ({ keyring }) => rootKeyStatus(keyring),
}

export const rootKeyVerify: AdminCommand = {
  name: 'root-key/verify',
  run: ({ keyring }) => oneAtATime(() => verifySlots(keyring)),
}

export const rootKeyAdd: AdminCommand = {
  name: 'root-key/add',
  eventName: 'AddRootKey',
  // The place and never the key, which may have come along.
  eventParameters: ({ newRootKey, shares, threshold }) => ({ newRootKey, shares, threshold }),
  run: (context, input) =>
    oneAtATime(async () => {
      const { keyring, app } = context
      if (input.newRootKey === 'shamir') return addShares(context, input)
      const place = findPlace(context, input, 'root-key add')
      const provider = rootKeyAt(place, app.randomBytes)
      await addRootKey(keyring, provider, app)
      await useAlso(context, place, provider)
      const next = `a start with --root-key ${place.rootKey} opens the keyring too`
      return { next, ...(await rootKeyStatus(keyring)) }
    }),
}

export const rootKeyRemove: AdminCommand = {
  name: 'root-key/remove',
  eventName: 'RemoveRootKey',
  eventParameters: ({ slot }) => ({ slot }),
  run: ({ keyring, app }, input) =>
    oneAtATime(async () => {
      const renewed = await removeSlot(keyring, mustText(input, 'slot', 64), app)
      const note =
        'the keyring key is still the old one, since this server has not the root keys of all slots: whoever has the removed root key and a backup made before can open this keyring'
      return { ...(!renewed && { note }), ...(await rootKeyStatus(keyring)) }
    }),
}

export const rootKeyRotate: AdminCommand = {
  name: 'root-key/rotate',
  eventName: 'RotateRootKey',
  eventParameters: ({ newRootKey }) => (newRootKey === undefined ? {} : { newRootKey }),
  run: (context, input) =>
    oneAtATime(async () => {
      const option = input.newRootKey === undefined ? undefined : await move(context, input)
      if (option === undefined) await rotateRootKey(context.keyring, context.app)
      const next = nextSteps(context, option)
      return { ...(next !== undefined && { next }), ...(await rootKeyStatus(context.keyring)) }
    }),
}

export const rootKeyRetire: AdminCommand = {
  name: 'root-key/retire',
  eventName: 'RetireRootKeys',
  run: ({ keyring, app }) =>
    oneAtATime(async () => {
      await retireRootKeys(keyring, app)
      return rootKeyStatus(keyring)
    }),
}

/** The shares are told once, here, and are nowhere else. The server keeps none: `unseal` proves that their holders have them. */
async function addShares({ keyring, app }: AdminContext, input: AdminInput): Promise<AdminOutput> {
  const { provider, texts } = await makeShares(Number(input.shares), Number(input.threshold), app.randomBytes)
  await addRootKey(keyring, provider, app)
  const slot = keyring.opened().header.slots.find(({ shareSet }) => shareSet?.set === provider.shareSet?.set)
  return { slot: slot?.id, ...provider.shareSet, texts }
}

/** From now on this server and its workers have this root key too. @returns what takes it from them again */
export async function useAlso(
  context: AdminContext,
  place: RootKeyPlace,
  provider = rootKeyAt(place, context.app.randomBytes),
): Promise<() => Promise<void>> {
  const use = async (all: ReturnType<typeof pairs>): Promise<void> => {
    await context.rootKeys.use(all.map((pair) => pair.place))
    context.keyring.useRootKeys(all.map((pair) => pair.provider))
  }
  await use([...pairs(context).filter((pair) => pair.provider.where !== provider.where), { place, provider }])
  return () => use(pairs(context).filter((pair) => pair.provider !== provider))
}

/** @returns what the next start needs for `--root-key` */
async function move(context: AdminContext, input: AdminInput): Promise<string> {
  const { keyring, app, rootKeys } = context
  const place = findPlace(context, input, '--new-root-key')
  const provider = rootKeyAt(place, app.randomBytes)
  const known = [...pairs(context), { place, provider }]
  const { randomBytes, wallNow } = app
  await moveRootKey(keyring, provider, {
    randomBytes,
    wallNow,
    share: (providers) =>
      rootKeys.use(known.filter((pair) => providers.includes(pair.provider)).map((pair) => pair.place)),
  })
  return rootKeys
    .places()
    .map(({ rootKey }) => rootKey)
    .join(' --root-key ')
}

function findPlace({ config }: AdminContext, input: AdminInput, option: string): RootKeyPlace {
  const newRootKey = mustText(input, 'newRootKey', 8192)
  const newRootKeyText = input.newRootKeyText === undefined ? undefined : mustText(input, 'newRootKeyText')
  return findNewRootKey({ newRootKey, ...(newRootKeyText !== undefined && { newRootKeyText }) }, config.dataDir, option)
}

const pairs = ({
  keyring,
  rootKeys,
}: AdminContext): readonly { readonly place: RootKeyPlace; readonly provider: RootKeyProvider }[] =>
  rootKeys.places().map((place, index) => ({ place, provider: keyring.providers[index]! }))

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

/** Of two rotations the second would take the first one's next key for its own. */
let changing = false

async function oneAtATime<T>(work: () => Promise<T>): Promise<T> {
  if (changing) throw new AdminError('another change of the root keys is under way')
  changing = true
  try {
    return await work()
  } catch (error) {
    if (error instanceof RootKeyError || error instanceof ConfigurationError) throw new AdminError(error.message, error)
    throw error
  } finally {
    changing = false
  }
}
