// `strongroom health`: whether the server can do its work, and what it would tell its operator.

import type { AdminCommand } from '../command.ts'

export const health: AdminCommand = {
  name: 'health',
  run: async ({ app, keyring, retention }) => {
    // Reads the database and, where another server changed them, opens the keys.
    await keyring.refresh()
    const audit = await retention.usage()
    return {
      status: 'ok',
      pid: process.pid,
      node: process.version,
      database: app.database.dialect,
      instanceId: keyring.instanceId,
      audit,
      ...(app.testClock && { testClockAheadMs: app.testClock.offsetMs() }),
    }
  },
}
