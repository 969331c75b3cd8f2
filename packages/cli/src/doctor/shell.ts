// What the tools of this shell would read: variables, and the profile of AWS's shared config file.

import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Environment, loadClientSettings } from '@strongroom/server/config.ts'
import { codeOf, type Report, readBounded } from './finding.ts'

/** What the tools would read. Empty variables are absent. */
export type Shell = ReturnType<typeof loadClientSettings> & {
  readonly variable: (name: string) => string | undefined
  /** A setting of the profile in AWS's shared config file. */
  readonly config: (name: string) => string | undefined
  readonly home: string
  readonly dataDir: string
}

/** https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html. Indented lines and `services` sections are left out. */
export function readAwsConfig({ warn }: Report, environment: Environment): Shell['config'] {
  const path = environment.AWS_CONFIG_FILE || join(environment.HOME || homedir(), '.aws', 'config')
  const profile = environment.AWS_PROFILE || 'default'
  const values = new Map<string, string>()
  try {
    let section = ''
    for (const line of readBounded(path).split('\n')) {
      if (line.startsWith('[')) section = line.slice(1, line.indexOf(']')).split(/\s+/).filter(Boolean).join(' ')
      const at = line.indexOf('=')
      if (at < 1 || /^[\s[#;]/.test(line) || section !== (profile === 'default' ? profile : `profile ${profile}`))
        continue
      values.set(line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim())
    }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') {
      warn('config-file', `${path} cannot be read (${codeOf(error)})`, 'make it a short file that you can read')
    }
  }
  return (name) => values.get(name) || undefined
}
