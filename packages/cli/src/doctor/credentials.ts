// The keys that the tools would sign with.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Credentials, credentialsPath, findCredentials } from '@strongroom/server/credentials-file.ts'
import { codeOf, openMode, type Report, readBounded, shellQuoted } from './finding.ts'
import type { Shell } from './shell.ts'

/** What takes its keys from a program or a service; they are named and not asked. */
const INDIRECT = {
  variables: [
    'AWS_WEB_IDENTITY_TOKEN_FILE',
    'AWS_CONTAINER_CREDENTIALS_FULL_URI',
    'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  ],
  settings: ['aws_access_key_id', 'credential_process', 'role_arn', 'sso_session', 'sso_start_url'],
} as const

/** The keys that the tools would sign with. */
export function checkCredentials({ ok, warn, fail }: Report, shell: Shell): Credentials | undefined {
  const { accessKeyId, secretAccessKey, sessionToken, profile } = shell
  const check = 'credentials'
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    if (profile === undefined) ok(check, 'the credentials are in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY')
    else warn(check, 'AWS_ACCESS_KEY_ID and AWS_PROFILE are both set: tools differ in which they follow', 'unset one')
    return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) }
  }
  if (accessKeyId !== undefined || secretAccessKey !== undefined) {
    fail(check, 'of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set', 'set both, or neither')
    return undefined
  }
  const path = shell.credentialsFile ?? join(shell.home, '.aws', 'credentials')
  let problem: string
  try {
    readBounded(path)
    const credentials = findCredentials(path, profile)
    if (credentials !== undefined) {
      const what = `the credentials are those of the profile ${profile ?? 'default'} in ${path}`
      const mode = openMode(path)
      if (mode === undefined) ok(check, what)
      else warn(check, `${what}, open to other users (mode ${mode})`, `chmod 600 ${shellQuoted(path)}`)
      return credentials
    }
    problem = `${path} has no keys for the profile ${profile ?? 'default'}`
  } catch (error) {
    problem = `no credentials in the environment, and ${path} cannot be read (${codeOf(error)})`
  }
  const source = INDIRECT.variables.find(shell.variable) ?? INDIRECT.settings.find(shell.config)
  const own = credentialsPath(shell.dataDir)
  if (source !== undefined) {
    warn(check, `the credentials come from ${source}, which is not followed here`, 'try "aws sts get-caller-identity"')
  } else if (profile !== undefined) fail(check, problem, 'set AWS_PROFILE to a profile that has keys, or unset it')
  else if (existsSync(own)) fail(check, problem, `export AWS_SHARED_CREDENTIALS_FILE=${shellQuoted(own)}`)
  else fail(check, problem, 'set AWS_SHARED_CREDENTIALS_FILE to the file "credentials" of the data directory')
  return undefined
}
