// Two users that take turns, kept alike by a master: the one of before keeps its password until the rotation after next.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotation-strategy.html

import { alternateOf } from '../alternate.ts'
import type { Engine, Login, Plan } from '../engine.ts'
import { RotatorError } from '../errors.ts'
import type { Finding, Io, Rotator, Run } from '../rotator.ts'
import { readLogin, readMaster } from '../secret.ts'
import {
  asMaster,
  credentials,
  frame,
  loggedIn,
  lookAround,
  lookAtPrevious,
  mustBeReady,
  previousOf,
  withNewPassword,
  works,
} from './shared.ts'

type Cloning<C> = Engine<C> & Required<Pick<Engine<C>, 'clone' | 'relation'>>

/** `ENGINE-alternating-users`, for an engine that can clone a user. */
export function alternating<C>(engine: Cloning<C>): Rotator {
  const plan = (username: string): Omit<Plan, 'options'> => ({
    strategy: 'alternating',
    username,
    alternate: alternateOf(username),
    self: false,
  })
  return {
    name: `${engine.id}-alternating-users`,
    title: `${engine.title}: two users by turns`,
    strategy: 'alternating',
    ...frame(engine, { master: 'required', account: alternateOf }),

    create: async (run, io) => ({
      ...withNewPassword(engine, run, io),
      username: alternateOf(readLogin(engine, run.current).username),
    }),

    async set(run, io) {
      const { current, pending } = credentials(engine, run, alternateOf)
      const master = readMaster(engine, run.master, run.current)
      // The pending password is tried only to know the other user by: cloning again is right whatever came of the first time.
      await asMaster(engine, { own: [current], master }, io, async (connection) => {
        await mustBeReady(engine, connection, { ...plan(current.username), options: run.options })
        const fresh = await mustBelong(engine, connection, run, io, { current, pending })
        await engine.clone(connection, {
          from: current.username,
          to: pending.username,
          password: pending.password,
          options: run.options,
          fresh,
        })
      })
    },

    async test(run, io) {
      const { pending } = credentials(engine, run, alternateOf)
      await loggedIn(engine, pending, io, (connection) => engine.probe(connection))
    },

    settle: (run, io) => lookAtPrevious(engine, run, io),

    dryRun: (run, io) =>
      lookAround(engine, run, io, {
        plan,
        withMaster: true,
        look: async (connection, current): Promise<readonly Finding[]> => {
          try {
            await mustBelong(engine, connection, run, io, { current })
            return []
          } catch (error) {
            if (!(error instanceof RotatorError) || error.kind !== 'permission') throw error
            return [{ level: 'problem', message: error.message }]
          }
        },
      }),
  }
}

/**
 * That the master gives the other user no new password on the strength of its name alone: where it is there already, whoever keeps the secret
 * knows its password too, or the server shows whose it is.
 * @returns whether it is not there
 * @throws RotatorError `permission`
 */
async function mustBelong<C>(
  engine: Cloning<C>,
  connection: C,
  run: Run,
  io: Io,
  { current, pending }: { readonly current: Login; readonly pending?: Login },
): Promise<boolean> {
  const to = alternateOf(current.username)
  const logins = [previousOf(engine, run, { ...current, username: to }), pending].filter((login) => login !== undefined)
  const known = logins.map(({ password }) => password)
  const relation = await engine.relation(connection, { from: current.username, to, options: run.options, known })
  if (relation === 'absent') return true
  if (relation === 'related') return false
  if (relation === 'unknown') {
    for (const login of logins) if (await works(engine, login, io)) return false
  }
  const missing = relation === 'unknown' ? 'logs in as it' : 'opens every account of it'
  throw new RotatorError(
    'permission',
    `The server has a user ${to}, and nothing shows that it takes turns with ${current.username}: no version AWSPREVIOUS of the secret ${missing}. Drop it, or put its credential into AWSPREVIOUS.`,
  )
}
