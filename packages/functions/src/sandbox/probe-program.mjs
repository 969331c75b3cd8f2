// The program that tries to get out: run by the probe at each level. Prints one line of JSON: what it tried, and whether it could.

import { readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'

const { PROBE_SECRET, PROBE_DECOY, PROBE_ALLOWED, PROBE_OTHER, PROBE_SCRATCH, PROBE_TASK } = process.env
const decoy = Number(PROBE_DECOY)

const could = (attempt) => {
  try {
    attempt()
    return true
  } catch {
    return false
  }
}
const settled = (emitter, event) =>
  new Promise((resolve) => {
    emitter.once(event, () => resolve(true))
    emitter.once('error', () => resolve(false))
  })

const to = (port) => settled(connect(Number(port), '127.0.0.1'), 'connect')

const answer = {
  'read its code': could(() => readFileSync(join(PROBE_TASK, 'probe.mjs'))),
  'write its scratch folder': could(() => writeFileSync(join(PROBE_SCRATCH, 'probe'), 'x')),
  'connect to an allowed port': await to(PROBE_ALLOWED),
  'read a file of others': could(() => readFileSync(Buffer.from(PROBE_SECRET, 'base64').toString())),
  'read the environment of the server': could(() => readFileSync(`/proc/${decoy}/environ`, 'latin1').match(/DECOY/)[0]),
  'write its code': could(() => writeFileSync(join(PROBE_TASK, 'new.mjs'), '')),
  'connect to a port of others': await to(PROBE_OTHER),
  'bind a port': await settled(createServer().listen(0, '127.0.0.1'), 'listening'),
}
process.stdout.write(`${JSON.stringify(answer)}\n`, () => {
  // Last, since the number may be our own here. Whether the server's process lived through it, the probe sees.
  if (decoy !== process.pid) could(() => process.kill(decoy, 'SIGKILL'))
  process.exit(0)
})
