// One credential, changed in its place: from setSecret until finishSecret whoever logs in with what GetSecretValue returns is refused.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotation-strategy.html

import type { Engine, Plan } from '../engine.ts'
import type { Rotator } from '../rotator.ts'
import { readMaster } from '../secret.ts'
import {
  asMaster,
  credentials,
  frame,
  loggedIn,
  loggedInAsAny,
  lookAround,
  mustBeReady,
  withNewPassword,
  works,
} from './shared.ts'

/** `ENGINE-single-user`. As the user itself where the server lets it, else as the master. */
export function single<C>(engine: Engine<C>): Rotator {
  const plan = (username: string): Omit<Plan, 'options'> => ({ strategy: 'single', username, self: engine.selfChange })
  return {
    name: `${engine.id}-single-user`,
    title: `${engine.title}: one user`,
    strategy: 'single',
    ...frame(engine, { master: engine.selfChange ? 'unused' : 'required' }),

    create: async (run, io) => withNewPassword(engine, run, io),

    async set(run, io) {
      const { current, pending, previous } = credentials(engine, run, (username) => username)
      if (run.resumed && (await works(engine, pending, io))) return
      const change = { username: current.username, password: pending.password, self: engine.selfChange }
      const whole = { ...plan(current.username), options: run.options }
      // Where the current credential is refused, all is not as it should be already, and failed logins are the price of mending it.
      const own = [current, ...(previous ? [previous] : []), pending]
      if (!engine.selfChange) {
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

    dryRun: (run, io) => lookAround(engine, run, io, { plan, withMaster: !engine.selfChange }),
  }
}
