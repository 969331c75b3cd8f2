// `strongroom health`: whether the server can do its work, and what it would tell its operator.

import type { Database } from '../../storage/database.ts'
import { version } from '../../version.ts'
import type { AdminCommand } from '../command.ts'

export const health: AdminCommand = {
  name: 'health',
  run: async ({ app, keyring, retention, health }) => {
    const { ok, problems, warnings } = await health()
    return {
      ok,
      problems,
      warnings,
      ...identityOf(app.database),
      instanceId: keyring.instanceId,
      ...(ok && { audit: await retention.usage(), functions: await app.functions.state() }),
      ...(app.testClock && { testClockAheadMs: app.testClock.offsetMs() }),
    }
  },
}

/** What a server is, also while it is sealed. */
export const identityOf = ({ dialect: database }: Database) => ({
  version,
  pid: process.pid,
  node: process.version,
  database,
})
