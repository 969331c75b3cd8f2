// Runs the tests of some files in one process, one after another; run.ts says which, and where it wants to hear what they cost.

import { readFileSync, writeFileSync } from 'node:fs'
import { configureGlobal } from 'fast-check'
import '../packages/cli/src/own-modules.ts'
import { seed } from '../packages/server/src/testing-sample.ts'

configureGlobal({ seed: seed() })

const usage = process.env.TEST_USAGE
if (usage !== undefined) process.on('exit', () => writeFileSync(usage, String(processorMs())))

for (const file of process.env.TEST_FILES!.split(',')) await import(file)

/** Of this process and of all those that it waited for: fields 14 to 17 of proc_pid_stat(5), in hundredths of a second. */
function processorMs(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]!.split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * 10
}
