// `strongroom doctor`: why the AWS tools of this shell would not reach the server, or would be refused there. Every check is one finding: what was seen
// and, where it is not well, the mend. It changes nothing but the
// trail, where a secret was read.

import { homedir } from 'node:os'
import { type Environment, loadClientSettings } from '@strongroom/server/config.ts'
import { checkAgent } from './agent.ts'
import { checkCertificate } from './certificate.ts'
import { checkCredentials } from './credentials.ts'
import { checkDataDirectory } from './data-directory.ts'
import { createReport, type Finding } from './finding.ts'
import { checkOperator } from './operator.ts'
import { checkPermissions } from './permissions.ts'
import { checkServer } from './server.ts'
import { checkEndpoint, checkRegion } from './settings.ts'
import { readAwsConfig, type Shell } from './shell.ts'
import { checkAwsCli, checkBoto3 } from './tools.ts'

export type Question = {
  /** What the user gives to the tools as `--endpoint-url`. Absent: what the tools would find by themselves. */
  readonly endpointUrl?: string | undefined
  readonly dataDir: string
  /** The data directory was named, and is not merely the default. */
  readonly dataDirNamed?: boolean
  /** A secret that is to be read: its name or ARN. */
  readonly secret?: string | undefined
}

/** Every check, in the order in which a user would mend them. Each is bounded; all together take at most about a minute. */
export async function diagnose(
  { endpointUrl, dataDir, dataDirNamed = false, secret }: Question,
  environment: Environment = process.env,
): Promise<readonly Finding[]> {
  const tools = [createReport(), createReport()] as const
  const running = Promise.all([checkAwsCli(tools[0], environment), checkBoto3(tools[1], environment)])
  const report = createReport()
  const shell: Shell = {
    ...loadClientSettings(environment),
    variable: (name) => environment[name] || undefined,
    config: readAwsConfig(report, environment),
    home: environment.HOME || homedir(),
    dataDir,
  }
  const url = checkEndpoint(report, shell, endpointUrl)
  const region = checkRegion(report, shell)
  const credentials = checkCredentials(report, shell)
  if (url?.protocol === 'https:') await checkCertificate(report, shell, url)
  const caller = await checkServer(report, url, region, credentials)
  if (caller !== undefined) await checkPermissions(report, caller, secret)
  await checkAgent(report, shell)
  checkDataDirectory(report, dataDir, dataDirNamed)
  await checkOperator(report, dataDir)
  await running
  return [...tools[0].findings, ...tools[1].findings, ...report.findings]
}
