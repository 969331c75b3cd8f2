// Settings of the profile in use, from AWS's shared files: what is no key. Keys are for the SDK to find, which knows every way to them.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html

import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where the file is, if there is one. */
export const awsFile = (name: 'config' | 'credentials'): string =>
  (name === 'config' ? process.env.AWS_CONFIG_FILE : process.env.AWS_SHARED_CREDENTIALS_FILE) ||
  join(process.env.HOME || homedir(), '.aws', name)

/** `name` as in the file: `region`. The credentials file goes first, as with the SDK. Undefined where neither file has it, or can be read. */
export function profileSetting(name: string): string | undefined {
  const profile = process.env.AWS_PROFILE || 'default'
  const inConfig = profile === 'default' ? ['default', 'profile default'] : [`profile ${profile}`]
  return settingIn(awsFile('credentials'), [profile], name) ?? settingIn(awsFile('config'), inConfig, name)
}

function settingIn(path: string, sections: readonly string[], name: string): string | undefined {
  let text = ''
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return undefined // Most have no such file, and the SDK tells who needs it.
  }
  let section = ''
  for (const line of text.split(/\r?\n/)) {
    const header = /^\[([^\]]*)\]/.exec(line)
    if (header) section = header[1]!.trim().replaceAll(/\s+/g, ' ')
    const pair = /^([\w-]+)\s*=\s*(.*?)\s*$/.exec(line)
    if (pair?.[1] === name && pair[2] !== '' && sections.includes(section)) return pair[2]
  }
  return undefined
}
