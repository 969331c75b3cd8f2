// `strongroom doctor` on the command line.

import { loadDataDir } from '@strongroom/server/config.ts'
import type { Command } from 'commander'
import { type ClientOptions, print } from '../command-line.ts'
import { addDataDirOptions } from '../options.ts'

type DoctorOptions = ClientOptions & { readonly secret?: string; readonly json?: true }

export function addDoctorCommand(program: Command): void {
  addDataDirOptions(program.command('doctor'))
    .description('tell why the AWS tools of this shell would not reach the server; exits 1 where something fails')
    .option('--endpoint-url <URL>', 'the server, as you give it to the tools; absent: what they find by themselves')
    .option('--secret <SECRET>', 'read this secret too, as an application would, and tell what keeps you from it')
    .option('--json', 'print the findings as JSON')
    .action(async (given: DoctorOptions) => {
      const [{ diagnose }, { formatFinding }] = await Promise.all([import('./doctor.ts'), import('./finding.ts')])
      const { endpointUrl, json, dataDir, secret } = given
      const findings = await diagnose({
        endpointUrl,
        dataDir: loadDataDir(given),
        dataDirNamed: dataDir !== undefined,
        secret,
      })
      if (json) print(findings)
      else for (const finding of findings) process.stdout.write(`${formatFinding(finding)}\n`)
      if (findings.some(({ status }) => status === 'fail')) process.exitCode = 1
    })
}
