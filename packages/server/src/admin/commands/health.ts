// `strongroom health`: whether the server can do its work, and what it would tell its operator.

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
      version,
      pid: process.pid,
      node: process.version,
      database: app.database.dialect,
      instanceId: keyring.instanceId,
      ...(ok && { audit: await retention.usage(), functions: await app.functions.state() }),
      ...(app.testClock && { testClockAheadMs: app.testClock.offsetMs() }),
    }
  },
}
