// What only the machine of the server can tell, by its admin socket: its version, and how it confines functions.

import { callAdmin } from '@strongroom/server/admin/client.ts'
import { AdminError } from '@strongroom/server/admin/command.ts'
import { version } from '@strongroom/server/version.ts'
import type { Report } from './finding.ts'

/** A sandbox that nobody asked for yet is looked for now. */
const ANSWER_TIMEOUT_MS = 20_000

/** Nothing where no server runs on the data directory, or another user's does. */
export async function checkOperator(report: Report, dataDir: string): Promise<void> {
  const health = await askHealth(dataDir)
  if (health === undefined) return
  if (health === 'late') {
    const what = `the server does not tell its version and its sandbox within ${ANSWER_TIMEOUT_MS / 1000} s`
    return report.warn('version', what, 'see its log, and whether the machine has more to do than it can')
  }
  checkVersion(report, health.version)
  if (health.functions !== undefined) checkSandbox(report, health.functions)
}

type Functions = { readonly sandbox?: string; readonly reason?: string }
type Health = { readonly version?: unknown; readonly functions?: Functions }

async function askHealth(dataDir: string): Promise<Health | 'late' | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<'late'>()
  const timer = setTimeout(() => resolve('late'), ANSWER_TIMEOUT_MS)
  try {
    return (await Promise.race([callAdmin(dataDir, 'health'), late])) as Health | 'late' | undefined
  } catch (error) {
    if (error instanceof AdminError) return undefined
    throw error
  } finally {
    clearTimeout(timer)
  }
}

function checkVersion({ ok, warn }: Report, theirs: unknown): void {
  const mend = 'restart the server after an update, or call the command that was installed with it'
  if (theirs === version) ok('version', `the server and this command are version ${version}`)
  else warn('version', `the server is version ${theirs ?? 'unknown'}, this command ${version}`, mend)
}

const ROOM = 'docs/sandbox.md tells how'

function checkSandbox({ ok, warn }: Report, { sandbox, reason }: Functions): void {
  const what = `functions run in a sandbox of level ${sandbox}`
  if (sandbox === 'A') ok('sandbox', what)
  else if (sandbox === 'B') ok('sandbox', `${what}; A, with bubblewrap, keeps them apart better: ${ROOM}`)
  else if (sandbox === 'B-') {
    warn('sandbox', `${what}: any port of any host is open to them`, `install bubblewrap, or Linux 6.7: ${ROOM}`)
  } else if (sandbox === 'C') {
    const mend = 'start the server without --function-sandbox C'
    warn('sandbox', 'functions run without a sandbox: they can read what the server can', mend)
  } else if (reason?.includes('--function-sandbox off')) ok('sandbox', 'functions are switched off')
  else warn('sandbox', `functions do not run: ${reason}`, `give the machine what level A or B needs: ${ROOM}`)
}
