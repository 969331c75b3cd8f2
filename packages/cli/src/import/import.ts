// `strongroom import`: from a source to the server, or the AWS account, that the usual options name.

import type { ClientOptions } from '../command-line.ts'
import type { OutputOptions } from '../output.ts'
import { carryAll } from './carry.ts'
import { openClients } from './clients.ts'
import type { Source } from './item.ts'
import { type MappingOptions, mappingOf } from './mapping.ts'
import { startReport } from './report.ts'

export type ImportOptions = ClientOptions &
  OutputOptions &
  MappingOptions & {
    readonly dryRun?: true
    readonly overwrite?: true
    readonly concurrency: number
    /** Absent where a source has none. */
    readonly policies?: boolean
    readonly rotation?: true
  }

/** `open` the source: only once the rest of the command line is known to be right. @throws UsageError */
export async function importFrom(open: () => Source | Promise<Source>, given: ImportOptions): Promise<void> {
  const { dryRun = false, overwrite = false, policies = true, rotation = false, concurrency } = given
  const options = { mapping: mappingOf(given), dryRun, overwrite, policies, rotation }
  const target = await openClients(given, 'target')
  const source = await open()
  const report = startReport(source.total, given)
  await carryAll(source, target, options, concurrency, report.tell)
  report.end()
}
