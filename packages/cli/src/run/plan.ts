// What a command is to be started with: the options of `strongroom run` and the environment, read and checked before anything is fetched.

import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { UsageError } from '../usage-error.ts'
import { type ParameterPath, parseGroup, parseReference, type Reference, SCHEME, type Source } from './references.ts'

export type Variables = { readonly [name: string]: string }

export type Named = { readonly name: string; readonly reference: Reference }

export type Plan = {
  /** What is passed on as it is. */
  readonly base: Variables
  /** Variables of the environment and of files that hold a reference. */
  readonly referred: readonly Named[]
  readonly groups: readonly (Source | ParameterPath)[]
  /** Before the names that `groups` give. */
  readonly prefix: string
  readonly variables: readonly Named[]
  /** Variables that hold the path to a file. */
  readonly files: readonly Named[]
}

export type PlanOptions = {
  readonly env?: readonly string[]
  readonly envFrom?: readonly string[]
  readonly envFile?: readonly string[]
  readonly file?: readonly string[]
  readonly prefix?: string
  /** `--no-aws-credentials` makes it false. */
  readonly awsCredentials?: boolean
}

const FILE_BYTES_MAX = 1_048_576
const VALUES_MAX = 500
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Where an AWS SDK looks for credentials. https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html */
const CREDENTIALS =
  /^(AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|SECURITY_TOKEN|CREDENTIAL_EXPIRATION|PROFILE|DEFAULT_PROFILE|SHARED_CREDENTIALS_FILE|CONFIG_FILE|ROLE_ARN|ROLE_SESSION_NAME|WEB_IDENTITY_TOKEN_FILE|CONTAINER_\w+)|STRONGROOM_BOOTSTRAP_\w+)$/

/** @throws UsageError */
export function readPlan(options: PlanOptions, environment: { readonly [name: string]: string | undefined }): Plan {
  const { prefix = '' } = options
  if (prefix !== '' && !NAME.test(prefix)) throw new UsageError('--prefix may hold letters, digits and _ alone')
  const inherited: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || (options.awsCredentials === false && CREDENTIALS.test(name))) continue
    inherited[name] = value
  }
  for (const path of options.envFile ?? []) Object.assign(inherited, readEnvFile(path))
  const isReference = ([, value]: readonly [string, string]) => value.startsWith(SCHEME)
  const plan = {
    base: Object.fromEntries(Object.entries(inherited).filter((entry) => !isReference(entry))),
    referred: Object.entries(inherited)
      .filter(isReference)
      .map(([name, value]) => ({ name, reference: parseReference(value, name) })),
    groups: (options.envFrom ?? []).map((text) => parseGroup(text, '--env-from')),
    prefix,
    variables: (options.env ?? []).map((text) => parseNamed(text, '--env')),
    files: (options.file ?? []).map((text) => parseNamed(text, '--file')),
  }
  const named = [...plan.variables, ...plan.files].map(({ name }) => name)
  const twice = named.find((name, at) => named.indexOf(name) !== at)
  if (twice !== undefined) throw new UsageError(`${twice} is given twice`)
  if (plan.referred.length + plan.groups.length + named.length > VALUES_MAX) {
    throw new UsageError(`more than ${VALUES_MAX} values are asked for`)
  }
  return plan
}

/** `NAME=REFERENCE`. */
function parseNamed(text: string, option: string): Named {
  const at = text.indexOf('=')
  const name = text.slice(0, Math.max(at, 0))
  if (!NAME.test(name)) throw new UsageError(`${option} takes NAME=SECRET, with letters, digits and _ in NAME`)
  return { name, reference: parseReference(text.slice(at + 1), `${option} ${name}`) }
}

/** To Node.js, `#` begins a comment wherever it stands in a value without quotes; in a reference it does not. */
const quoteReferences = (text: string): string =>
  text.replaceAll(/^([ \t]*(?:export[ \t]+)?\w+[ \t]*=[ \t]*)(strongroom:\/\/[^\s'"]+)/gm, "$1'$2'")

/** Otherwise as Node.js reads it: https://nodejs.org/api/util.html#utilparseenvcontent */
function readEnvFile(path: string): Variables {
  try {
    // Opened once, so that what is measured is what is read. A pipe will do too: --env-file <(command).
    const file = openSync(path, 'r')
    try {
      if (fstatSync(file).size > FILE_BYTES_MAX) throw new UsageError(`--env-file ${path} is larger than 1 MiB`)
      return parseEnv(quoteReferences(readFileSync(file, 'utf8'))) as Variables
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`--env-file ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}
