// Whether the AWS CLI and boto3 of this shell know AWS_ENDPOINT_URL.

import { execFile } from 'node:child_process'
import type { Environment } from '@strongroom/server/config.ts'
import type { Report } from './finding.ts'

const TOOL_TIMEOUT_MS = 10_000
const TOOL_OUTPUT_BYTES_MAX = 4_096

type ToolVersion = readonly [major: number, minor: number, patch: number] | 'unknown' | 'missing'

/** The version is what follows `prefix`, with which the output begins. Reads little of it, and ends the program after `timeoutMs`. */
export function toolVersion(
  command: string,
  args: readonly string[],
  prefix: string,
  environment: Environment,
  timeoutMs = TOOL_TIMEOUT_MS,
): Promise<ToolVersion> {
  const limits = { timeout: timeoutMs, maxBuffer: TOOL_OUTPUT_BYTES_MAX, killSignal: 'SIGKILL' } as const
  return new Promise((resolve) => {
    execFile(command, args, { ...limits, env: environment as NodeJS.ProcessEnv }, (error, stdout, stderr) => {
      // Under Python 2, the AWS CLI says its version on standard error.
      const output = (stdout || stderr).slice(0, 100)
      const rest = output.startsWith(prefix) ? output.slice(prefix.length) : ''
      const match = /^(\d{1,4})\.(\d{1,4})\.(\d{1,6})(?!\d)/.exec(rest)
      if (match) resolve([Number(match[1]), Number(match[2]), Number(match[3])])
      else resolve(error?.code === 'ENOENT' ? 'missing' : 'unknown')
    })
  })
}

/** https://aws.amazon.com/blogs/developer/new-improved-flexibility-when-configuring-endpoint-urls-with-the-aws-sdks-and-tools/ */
export async function checkAwsCli({ ok, warn }: Report, environment: Environment): Promise<void> {
  const version = await toolVersion('aws', ['--version'], 'aws-cli/', environment)
  if (version === 'missing') {
    return warn('aws-cli', 'the AWS CLI is not on the PATH', 'install version 2.13 or later, if you want to use it')
  }
  if (version === 'unknown') {
    return warn('aws-cli', 'the AWS CLI does not tell its version', 'see what "aws --version" says')
  }
  const [major, minor] = version
  const first = major < 2 ? [1, 29] : [2, 13]
  if (major > first[0]! || (major === first[0] && minor >= first[1]!)) {
    return ok('aws-cli', `AWS CLI ${version.join('.')} knows AWS_ENDPOINT_URL`)
  }
  warn(
    'aws-cli',
    `AWS CLI ${version.join('.')} ignores AWS_ENDPOINT_URL and would talk to AWS`,
    `update it to ${first.join('.')} or later, or give every command --endpoint-url`,
  )
}

export async function checkBoto3({ ok, warn }: Report, environment: Environment): Promise<void> {
  // A file boto3.py of the working directory is not run.
  const program = 'import sys; sys.path = [p for p in sys.path if p]; import boto3; print("boto3/" + boto3.__version__)'
  const version = await toolVersion('python3', ['-c', program], 'boto3/', environment)
  if (typeof version === 'string') return ok('boto3', 'the python3 on the PATH imports no boto3: nothing to check')
  const [major, minor] = version
  if (major > 1 || (major === 1 && minor >= 28)) {
    return ok('boto3', `boto3 ${version.join('.')} knows AWS_ENDPOINT_URL`)
  }
  warn(
    'boto3',
    `boto3 ${version.join('.')} ignores AWS_ENDPOINT_URL and would talk to AWS`,
    'update it to 1.28 or later, or give every client endpoint_url',
  )
}
