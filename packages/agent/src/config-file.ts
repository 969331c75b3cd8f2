// The configuration file: TOML, in the form of the AWS Secrets Manager Agent (all keys at the top) or of the AWS Workload Credentials Provider,
// which is its present name (tables), and the table `strongroom`, which is ours.
// https://github.com/aws/aws-workload-credentials-provider#configure-the-workload-credentials-provider

import { readFileSync, statSync } from 'node:fs'
import { StartError } from './start-error.ts'

export type ConfigTable = { readonly [key: string]: unknown }

const FILE_BYTES_MAX = 1_048_576

/** @throws StartError where it cannot be read, or is no TOML */
export async function readConfigFile(path: string): Promise<ConfigTable> {
  const text = readText(path)
  const { parse, TomlError } = await import('smol-toml')
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    // Its message shows the lines around.
    throw new StartError(`${path} is not TOML: line ${error.line}, column ${error.column}`)
  }
}

function readText(path: string): string {
  try {
    if (statSync(path).size > FILE_BYTES_MAX) throw new StartError(`${path} is longer than a mebibyte`)
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof StartError) throw error
    throw new StartError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

/** Takes each key once, so that what is left is what nobody knows. */
export class Keys {
  readonly #left: Map<string, unknown>
  readonly #table: string

  /** @throws StartError where `given` is no table. `table` names it in errors; empty: the top. */
  constructor(given: unknown, table: string) {
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      throw new StartError(`${table} must be a table`)
    this.#left = new Map(Object.entries(given))
    this.#table = table
  }

  /** How errors call a key. */
  nameOf(key: string): string {
    return this.#table === '' ? key : `${this.#table}.${key}`
  }

  take(key: string): unknown {
    const value = this.#left.get(key)
    this.#left.delete(key)
    return value
  }

  /** A table in this one; empty where it is not there. @throws StartError */
  table(key: string): Keys {
    return new Keys(this.take(key) ?? {}, this.nameOf(key))
  }

  /** @throws StartError that names what is left */
  end(): void {
    const [unknown] = this.#left.keys()
    if (unknown !== undefined)
      throw new StartError(`${JSON.stringify(this.nameOf(unknown))} is no key that the agent knows`)
  }
}
