// One credential, changed in its place: from setSecret until finishSecret whoever logs in with what GetSecretValue returns is refused.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotation-strategy.html

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
  mustBeReady,
  needOfMaster,
  withNewPassword,
  works,
} from './shared.ts'

/** `ENGINE-single-user`. As the user itself where the server lets it, else as the master. */
export function single<C>(engine: Engine<C>): Rotator {
  const plan = (username: string, run: Run): Omit<Plan, 'options'> => ({
    strategy: 'single',
    username,
    self: changesItself(engine, run),
  })
  return {
    name: `${engine.id}-single-user`,
    title: `${engine.title}: one user`,
    strategy: 'single',
    ...frame(engine, { master: needOfMaster(engine) }),

    create: async (run, io) => withNewPassword(engine, run, io),

    async set(run, io) {
      const { current, pending, previous } = credentials(engine, run, (username) => username)
      if (run.resumed && (await works(engine, pending, io))) return
      const whole = { ...plan(current.username, run), options: run.options }
      const change = { username: current.username, password: pending.password, self: whole.self }
      // Where the current credential is refused, all is not as it should be already, and failed logins are the price of mending it.
      const own = [current, ...(previous ? [previous] : []), pending]
      if (!whole.self) {
        const master = readMaster(engine, run.master, run.current)
        return asMaster(engine, { own, master }, io, async (connection) => {
          await mustBeReady(engine, connection, whole)
          await engine.setPassword(connection, change)
        })
      }
      await loggedInAsAny(engine, own, io, async (connection, login) => {
        if (login === pending) return
        await mustBeReady(engine, connection, whole)
        await engine.setPassword(connection, change)
      })
    },

    // Where it fails, nothing is put back: the pending credential may be in use by then, and the current one no longer valid.
    async test(run, io) {
      const { pending } = credentials(engine, run, (username) => username)
      await loggedIn(engine, pending, io, (connection) => engine.probe(connection))
    },

    dryRun: (run, io) =>
      lookAround(engine, run, io, {
        plan: (username) => plan(username, run),
        withMaster: !changesItself(engine, run),
      }),
  }
}
