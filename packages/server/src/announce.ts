// What a start says on standard output: the ready line, and what a shell needs to reach the server with the AWS CLI.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config.ts'
import { credentialsPath } from './credentials-file.ts'

/** Where a client on this machine reaches the server. */
export function clientUrl(config: Config, port: number): string {
  const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[config.host] ?? config.host
  return `${config.tlsCert === '' ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Lines for standard output. All but the first are shell commands or comments. Names files, never what they hold. */
export function readyLines(config: Config, url: string, firstStart: boolean): string {
  const { dataDir } = config
  const credentials = credentialsPath(dataDir)
  const lines = [`Strongroom ready on ${url}`, `export AWS_ENDPOINT_URL=${url}`]
  // Another server on the same PostgreSQL has no credentials of its own: they are where the first one started.
  if (existsSync(credentials)) lines.push(`export AWS_SHARED_CREDENTIALS_FILE=${shellQuoted(credentials)}`)
  lines.push('export AWS_REGION=us-east-1', 'export AWS_DEFAULT_REGION=us-east-1')
  if (firstStart) {
    lines.push(`# First start. The keys of the administrator are in ${credentials}`)
    for (const { file } of config.rootKeys) {
      if (file !== '') lines.push(`# Without the root key in ${file} the data is lost: keep a copy apart`)
    }
    if (config.database === '') lines.push(`# The data, encrypted, is in ${join(dataDir, 'strongroom.db')}`)
  }
  return `${lines.join('\n')}\n`
}

/** The one line of a server that listens and waits for shares of its root key. */
export const sealedLine = (config: Config, url: string): string =>
  `Strongroom sealed on ${url}: give it shares with strongroom unseal --data-dir ${shellQuoted(config.dataDir)}\n`

const shellQuoted = (text: string): string =>
  /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
