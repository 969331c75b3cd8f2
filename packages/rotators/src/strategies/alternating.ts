// Two users that take turns, kept alike by a master: the one of before keeps its password until the rotation after next.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotation-strategy.html

import { alternateOf } from '../alternate.ts'
import type { Engine, Plan } from '../engine.ts'
import type { Rotator } from '../rotator.ts'
import { readLogin, readMaster } from '../secret.ts'
import {
  asMaster,
  credentials,
  frame,
  loggedIn,
  lookAround,
  lookAtPrevious,
  mustBeReady,
  withNewPassword,
} from './shared.ts'

type Cloning<C> = Engine<C> & Required<Pick<Engine<C>, 'clone'>>

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
      // Not even after a crash is the pending password tried: cloning again is right whatever came of the first time.
      await asMaster(engine, { own: [current], master }, io, async (connection) => {
        await mustBeReady(engine, connection, { ...plan(current.username), options: run.options })
        await engine.clone(connection, {
          from: current.username,
          to: pending.username,
          password: pending.password,
          options: run.options,
        })
      })
    },

    async test(run, io) {
      const { pending } = credentials(engine, run, alternateOf)
      await loggedIn(engine, pending, io, (connection) => engine.probe(connection))
    },

    settle: (run, io) => lookAtPrevious(engine, run, io),

    dryRun: (run, io) => lookAround(engine, run, io, { plan, withMaster: true }),
  }
}
