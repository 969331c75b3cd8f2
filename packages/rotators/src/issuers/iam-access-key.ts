// Access keys of an IAM user, of AWS or of a server that speaks as IAM does, such as Strongroom. A user has two at most: one is current, the
// other was current before, or is still to be.
// docs/rotators.md#access-keys-of-iam-users

import { setTimeout as delay } from 'node:timers/promises'
import { RotatorError } from '../errors.ts'
import type { Finding, Io, PendingRun, Rotator, Run, SecretValue } from '../rotator.ts'
import { namesMaster } from '../secret.ts'
import { type AccessKey, type AwsCaller, type AwsPlace, type AwsUser, awsCaller, readAwsPlace } from './aws.ts'

/** As `aws iam create-access-key` prints them, and as AWS's clients for JavaScript call them. */
const SPELLINGS = [
  { id: 'AccessKeyId', secret: 'SecretAccessKey' },
  { id: 'accessKeyId', secret: 'secretAccessKey' },
] as const
const DELETE_UNKNOWN = 'deleteUnknownKey'
const WAIT = 'waitSeconds'
/** Versions of the secret whose keys are known to be its own. */
const EARLIER_MAX = 10
/** How far the clocks of the two sides may be apart. */
const SKEW_MS = 5 * 60_000
/** A new key is not known everywhere at once. */
const RETRIES_MS = [500, 1_000, 2_000, 4_000, 8_000]
const WAIT_SECONDS_MAX = 120
const WAIT_SECONDS_OF_AWS = 10

/**
 * `iam-access-key` keeps the previous key active until the next rotation deletes it; `iam-access-key-single` makes it inactive once AWSCURRENT
 * has moved. Whose keys they are is told by the current key itself, never by a name in the secret: a master acts for nobody else.
 */
function iamAccessKey({ overlap }: { readonly overlap: boolean }): Rotator {
  return {
    name: overlap ? 'iam-access-key' : 'iam-access-key-single',
    title: `Access key of an IAM user: the previous one ${overlap ? 'works until the next rotation' : 'is made inactive at once'}`,
    strategy: overlap ? 'dual' : 'single',
    verified: true,
    verifiedBy: 'IAM and STS of Strongroom, not AWS',
    members: [
      { name: 'AccessKeyId', required: true, about: 'Replaced by each rotation; accessKeyId does as well.' },
      { name: 'SecretAccessKey', required: true, about: 'Replaced by each rotation; secretAccessKey does as well.' },
      { name: 'UserName', required: false, about: 'Whose key it has to be.' },
      { name: 'endpoint', required: false, about: 'https://HOST or https://HOST:PORT of IAM and STS; AWS without it.' },
      {
        name: 'ssl',
        required: false,
        about: 'TLS with a verified certificate unless it is false; of an endpoint alone.',
      },
      { name: 'region', required: false, about: 'Region that STS is asked in; us-east-1 where it is absent.' },
      { name: 'masterarn', required: false, about: 'ARN of the secret of who changes the keys, else the key itself.' },
    ],
    options: [
      { name: DELETE_UNKNOWN, required: false, about: 'true: a key that no version of the secret has may be deleted.' },
      {
        name: WAIT,
        required: false,
        about: `Before the new key is taken for known everywhere: 0 to ${WAIT_SECONDS_MAX}, ${WAIT_SECONDS_OF_AWS} at AWS.`,
      },
    ],
    master: 'optional',
    earlierMax: EARLIER_MAX,

    check(value, options) {
      const place = readAwsPlace(value)
      readKey(value)
      readOptions(options, place)
      // Over another Region's STS the master's signature goes elsewhere too.
      return { place: place.name, way: [place.iam.origin, place.sts.origin].join(' ') }
    },

    async create(run, io) {
      const { acting, user } = await begin(run, io)
      for (const id of await removable(acting, user, run)) await acting.deleteKey(user, id)
      return withKey(run.current, await acting.createKey(user))
    },

    // A key is active from its creation on.
    async set() {},

    async test(run, io) {
      const place = readAwsPlace(run.current)
      const { waitMs } = readOptions(run.options, place)
      const pending = await awsCaller(place, readKey(pendingOf(run)), io)
      const user = await onceKnown(pending, io)
      const { arn } = await (await awsCaller(place, readKey(run.current), io)).whoAmI()
      if (user.arn !== arn) throw new RotatorError('secret', 'The pending key is of another user than the current one.')
      if (waitMs === 0) return
      await delay(waitMs, undefined, { signal: io.signal })
      await onceKnown(pending, io)
    },

    async settle(run, io) {
      const place = readAwsPlace(run.current)
      const previous = await awsCaller(place, readKey(run.current), io)
      if (overlap) return [await lookAtPrevious(previous)]
      const { acting, user } = await begin({ ...run, current: pendingOf(run) }, io)
      await acting.deactivateKey(user, readKey(run.current).id)
      return [{ level: 'ok', message: 'The previous key is inactive; the next rotation deletes it.' }]
    },

    async dryRun(run, io) {
      try {
        const { acting, user } = await begin(run, io)
        const gone = await removable(acting, user, run)
        const next = gone.length === 0 ? 'no key' : `the key ${gone.join(', ')}`
        return [
          { level: 'ok', message: `The current key is of the user ${user.name}.` },
          { level: 'ok', message: `The next rotation deletes ${next} before it makes another.` },
        ]
      } catch (error) {
        if (!(error instanceof RotatorError)) throw error
        return [{ level: 'problem', message: error.message }]
      }
    },
  }
}

export const iamAccessKeys: readonly Rotator[] = [iamAccessKey({ overlap: true }), iamAccessKey({ overlap: false })]

/** @throws RotatorError `secret` */
function readOptions(options: Run['options'], { eventual }: AwsPlace) {
  const { [DELETE_UNKNOWN]: unknown = 'false', [WAIT]: wait = eventual ? `${WAIT_SECONDS_OF_AWS}` : '0' } = options
  if (unknown !== 'true' && unknown !== 'false') {
    throw new RotatorError('secret', `The option ${DELETE_UNKNOWN} is neither true nor false.`)
  }
  if (!/^[0-9]{1,3}$/.test(wait) || Number(wait) > WAIT_SECONDS_MAX) {
    throw new RotatorError('secret', `The option ${WAIT} is not a number from 0 to ${WAIT_SECONDS_MAX}.`)
  }
  return { deletesUnknown: unknown === 'true', waitMs: Number(wait) * 1_000 }
}

/** @throws RotatorError `secret` */
function spellingOf(value: SecretValue) {
  const found = SPELLINGS.filter(({ id, secret }) => value[id] !== undefined || value[secret] !== undefined)
  const [spelling] = found
  if (spelling === undefined) throw unfit('AccessKeyId and SecretAccessKey are missing')
  if (found.length > 1) throw unfit('AccessKeyId and accessKeyId are both there')
  return spelling
}

/** @throws RotatorError `secret`, naming members and no values */
function readKey(value: SecretValue): AccessKey {
  const names = spellingOf(value)
  const [id, secret] = [value[names.id], value[names.secret]]
  if (typeof id !== 'string' || !/^[A-Z0-9]{16,128}$/.test(id)) throw unfit(`${names.id} is not an access key ID`)
  if (typeof secret !== 'string' || !/^[\x21-\x7e]{1,256}$/.test(secret))
    throw unfit(`${names.secret} is no secret key`)
  return { id, secret }
}

const unfit = (what: string) => new RotatorError('secret', `The secret does not fit this rotator: ${what}.`)

function withKey(value: SecretValue, { id, secret }: AccessKey): SecretValue {
  const names = spellingOf(value)
  return { ...value, [names.id]: id, [names.secret]: secret }
}

const isOfSamePlace = (one: SecretValue, other: SecretValue): boolean =>
  (['endpoint', 'ssl', 'region'] as const).every((member) => String(one[member] ?? '') === String(other[member] ?? ''))

/** @throws RotatorError `secret` where the pending value is of another place than the current one */
function pendingOf({ pending, current }: PendingRun): SecretValue {
  if (isOfSamePlace(pending, current)) return pending
  throw new RotatorError('secret', 'The pending version has another endpoint or region than the current one.')
}

/**
 * Who changes the keys, and whose they are: of the current key, which is let in first.
 * @throws RotatorError
 */
async function begin(run: Run, io: Io): Promise<{ readonly acting: AwsCaller; readonly user: AwsUser }> {
  const { current, master } = run
  const place = readAwsPlace(current)
  if (namesMaster(current) !== (master !== undefined)) {
    throw new RotatorError('secret', 'The secret that masterarn names cannot be used.')
  }
  if (master !== undefined && !isOfSamePlace(master, current)) {
    throw new RotatorError('secret', 'The master secret needs the same endpoint, ssl and region as the secret.')
  }
  const own = await awsCaller(place, readKey(current), io)
  const user = await own.whoAmI()
  const { UserName } = current
  if (UserName !== undefined && UserName !== user.name) throw unfit('UserName is not whose key it is')
  return { acting: master === undefined ? own : await awsCaller(place, readKey(master), io), user }
}

/**
 * The keys beside the current one, none of which is anybody else's: those that a version of the secret has, and one that this very rotation made
 * before it was interrupted, which nobody has.
 * @throws RotatorError `secret` where there is another one
 */
async function removable(acting: AwsCaller, user: AwsUser, run: Run): Promise<readonly string[]> {
  const current = readKey(run.current).id
  const keys = await acting.listKeys(user)
  if (!keys.some(({ id }) => id === current)) {
    throw new RotatorError('secret', 'The master is of another account, or the current key is not listed.')
  }
  const known = (run.earlier ?? []).map(idOf)
  const { resumed, startedAt } = run
  const others = keys.filter(({ id }) => id !== current)
  const { deletesUnknown } = readOptions(run.options, readAwsPlace(run.current))
  for (const { id, createdAt } of others) {
    if (known.includes(id) || deletesUnknown) continue
    const mayBeOurs = resumed && startedAt !== undefined && createdAt >= startedAt - SKEW_MS
    if (mayBeOurs && !(await acting.wasUsed(id))) continue
    throw new RotatorError(
      'secret',
      `The user ${user.name} has the key ${id}, which no version of this secret has: delete it, or give the option ${DELETE_UNKNOWN}.`,
    )
  }
  return others.map(({ id }) => id)
}

/** Undefined where the version has something else than an access key. */
function idOf(value: SecretValue): string | undefined {
  try {
    return readKey(value).id
  } catch (error) {
    if (!(error instanceof RotatorError)) throw error
    return undefined
  }
}

/** @throws RotatorError `authentication` where the key is refused again and again */
async function onceKnown(caller: AwsCaller, io: Io): Promise<AwsUser> {
  for (const ms of RETRIES_MS) {
    try {
      return await caller.whoAmI()
    } catch (error) {
      if (!(error instanceof RotatorError) || error.kind !== 'authentication') throw error
      await delay(ms, undefined, { signal: io.signal })
    }
  }
  return caller.whoAmI()
}

async function lookAtPrevious(previous: AwsCaller): Promise<Finding> {
  try {
    await previous.whoAmI()
    return { level: 'ok', message: 'The previous key still works.' }
  } catch (error) {
    if (!(error instanceof RotatorError)) throw error
    const refused = error.kind === 'authentication'
    const what = refused ? 'no longer works' : 'could not be tried'
    return { level: refused ? 'problem' : 'warning', message: `The previous key ${what}: ${error.message}` }
  }
}
