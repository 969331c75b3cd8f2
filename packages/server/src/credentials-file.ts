// AWS's shared-credentials file: written for the administrator at the first start, read by the commands that sign requests.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'

export type Credentials = {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export const credentialsPath = (dataDir: string): string => join(dataDir, 'credentials')

/** Writes the profile `default`, whole or not at all, durably, and readable for its owner alone. */
export function writeCredentials(dataDir: string, { accessKeyId, secretAccessKey }: Credentials): void {
  const path = credentialsPath(dataDir)
  const next = `${path}.new`
  rmSync(next, { force: true }) // of a start that was killed here
  const file = openSync(next, 'wx', 0o600)
  try {
    writeSync(file, `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(next, path)
  const directory = openSync(dirname(path), 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

/** Undefined where the file has no keys for the profile. @throws the system's error where it cannot be read. */
export function findCredentials(path: string, profile = 'default'): Credentials | undefined {
  const values = new Map<string, string>()
  let section = ''
  for (const line of readFileSync(path, 'utf8').split(/\r?\n/)) {
    const header = /^\s*\[\s*([^\]]*?)\s*\]/.exec(line)
    if (header) section = header[1]!
    const pair = /^\s*([a-z_]+)\s*=\s*(\S+)\s*$/.exec(line)
    if (pair && section === profile) values.set(pair[1]!, pair[2]!)
  }
  const accessKeyId = values.get('aws_access_key_id')
  const secretAccessKey = values.get('aws_secret_access_key')
  const sessionToken = values.get('aws_session_token')
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined
  return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) }
}
