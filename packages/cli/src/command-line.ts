// What the commands of the command line share: who they talk to, and how they print JSON.

import { type GivenOptions, loadDataDir } from '@strongroom/server/config.ts'
import { type Connection, findConnection } from './connection.ts'
import { jsonText } from './output.ts'

export type ClientOptions = GivenOptions & { readonly endpointUrl?: string }

/** @throws UsageError */
export const connectionOf = (given: ClientOptions): Promise<Connection> =>
  findConnection(given.endpointUrl, loadDataDir(given))

export const print = (value: object): void => {
  process.stdout.write(jsonText(value))
}

/** Prints what tells whether all is well; the exit code says so too. */
export function printWhether(report: { readonly ok?: unknown }): void {
  print(report)
  if (report.ok !== true) process.exitCode = 1
}
