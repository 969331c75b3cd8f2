// One user with two valid passwords: the current one stays beside the pending one, and goes with the next rotation.

import type { Engine, Plan } from '../engine.ts'
import type { Rotator, Run } from '../rotator.ts'
import { readMaster } from '../secret.ts'
import {
  asMaster,
  changesItself,
  credentials,
  frame,
  loggedIn,
  loggedInAsAny,
  lookAround,
  lookAtPrevious,
  mustBeReady,
  needOfMaster,
  withNewPassword,
  works,
} from './shared.ts'

/** `ENGINE-dual-passwords`. As the master that the secret names; where it names none and the server lets the user, as the user itself. */
export function dual<C>(engine: Engine<C>): Rotator {
  // A second password may take a right that a user who changes its only one does not need.
  const who = { selfChange: engine.selfChange && 'without-master' } as const
  const plan = (username: string, run: Run): Omit<Plan, 'options'> => ({
    strategy: 'dual',
    username,
    self: changesItself(who, run),
  })
  return {
    name: `${engine.id}-dual-passwords`,
    title: `${engine.title}: one user with two passwords`,
    strategy: 'dual',
    ...frame(engine, { master: needOfMaster(who) }),

    create: async (run, io) => withNewPassword(engine, run, io),

    async set(run, io) {
      const { current, pending } = credentials(engine, run, (username) => username)
      // Setting it twice could push the current one out, so only where one of the two is missing.
      if (run.resumed && (await works(engine, pending, io)) && (await works(engine, current, io))) return
      const own = run.resumed ? [current, pending] : [current]
      const whole = { ...plan(current.username, run), options: run.options }
      const change = async (connection: C): Promise<void> => {
        await mustBeReady(engine, connection, whole)
        await engine.setPassword(connection, {
          username: current.username,
          password: pending.password,
          self: whole.self,
          keep: current.password,
        })
      }
      if (whole.self) return loggedInAsAny(engine, own, io, change)
      await asMaster(engine, { own, master: readMaster(engine, run.master, run.current) }, io, change)
    },

    async test(run, io) {
      const { pending } = credentials(engine, run, (username) => username)
      await loggedIn(engine, pending, io, (connection) => engine.probe(connection))
    },

    settle: (run, io) => lookAtPrevious(engine, run, io),

    dryRun: (run, io) =>
      lookAround(engine, run, io, {
        plan: (username) => plan(username, run),
        withMaster: !changesItself(who, run),
      }),
  }
}
