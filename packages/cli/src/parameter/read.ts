// `strongroom parameter get`, `list` and `history`. Values stand in lists only where they are asked for, and those of a SecureString in a
// history too.

import {
  GetParameterCommand,
  GetParametersCommand,
  type ParameterMetadata,
  type ParameterStringFilter,
  paginateDescribeParameters,
  paginateGetParameterHistory,
  type SSMClient,
} from '@aws-sdk/client-ssm'
import type { ClientOptions } from '../command-line.ts'
import { dateText, formatOf, jsonText, type OutputOptions, printListing } from '../output.ts'
import { printValue } from '../value.ts'
import { withParameters } from './client.ts'

/** Prints the value and nothing else. `name` may end with `:VERSION` or `:LABEL`. @throws UsageError */
export const getParameter = (name: string, given: ClientOptions & { readonly json?: true }): Promise<void> =>
  withParameters(given, async (client) => {
    const { Parameter } = await client.send(new GetParameterCommand({ Name: name, WithDecryption: true }))
    if (given.json) process.stdout.write(jsonText(Parameter))
    else printValue(Parameter!.Value!)
  })

export type ListOptions = ClientOptions & OutputOptions & { readonly type?: string; readonly showValues?: true }

/** How many GetParameters takes. */
const NAMES_MAX = 10

/** `prefix` is a path, and all below it, where it begins with a slash. @throws UsageError */
export const listParameters = (prefix: string | undefined, given: ListOptions): Promise<void> =>
  withParameters(given, async (client) => {
    const format = formatOf(given)
    const ParameterFilters = filtersOf(prefix, given.type)
    const found: ParameterMetadata[] = []
    for await (const page of paginateDescribeParameters({ client, pageSize: 50 }, { ParameterFilters })) {
      found.push(...(page.Parameters ?? []))
    }
    const { showValues = false } = given
    const values = showValues ? await readValues(client, found) : new Map<string, string>()
    printListing(
      {
        columns: ['name', 'type', 'version', 'changed', ...(showValues ? ['value'] : []), 'description'],
        rows: found.map(({ Name = '', Type = '', Version, LastModifiedDate, Description = '' }) => [
          Name,
          Type,
          String(Version ?? ''),
          dateText(LastModifiedDate, format),
          ...(showValues ? [values.get(Name) ?? '(not readable)'] : []),
          Description,
        ]),
        json: showValues ? found.map((one) => ({ ...one, Value: values.get(one.Name ?? '') })) : found,
      },
      format,
    )
  })

function filtersOf(prefix: string | undefined, type: string | undefined): ParameterStringFilter[] {
  const byName: ParameterStringFilter[] =
    prefix === undefined
      ? []
      : prefix.startsWith('/')
        ? [{ Key: 'Path', Option: 'Recursive', Values: [prefix] }]
        : [{ Key: 'Name', Option: 'BeginsWith', Values: [prefix] }]
  return type === undefined ? byName : [...byName, { Key: 'Type', Values: [type] }]
}

async function readValues(
  client: SSMClient,
  parameters: readonly ParameterMetadata[],
): Promise<ReadonlyMap<string, string>> {
  const names = parameters.map(({ Name }) => Name!)
  const values = new Map<string, string>()
  for (let at = 0; at < names.length; at += NAMES_MAX) {
    const Names = names.slice(at, at + NAMES_MAX)
    const { Parameters = [] } = await client.send(new GetParametersCommand({ Names, WithDecryption: true }))
    for (const { Name, Value } of Parameters) values.set(Name!, Value!)
  }
  return values
}

/** Newest first. @throws UsageError */
export const parameterHistory = (
  Name: string,
  given: ClientOptions & OutputOptions & { readonly showValues?: true },
): Promise<void> =>
  withParameters(given, async (client) => {
    const format = formatOf(given)
    const { showValues = false } = given
    const versions = []
    const input = { Name, WithDecryption: showValues }
    for await (const page of paginateGetParameterHistory({ client, pageSize: 50 }, input)) {
      versions.push(...(page.Parameters ?? []))
    }
    const hidden = versions.reverse().map(({ Value, ...version }) => ({
      ...version,
      Value: version.Type === 'SecureString' && !showValues ? undefined : Value,
    }))
    printListing(
      {
        columns: ['version', 'labels', 'changed', 'by', 'type', 'value'],
        rows: hidden.map(({ Version, Labels = [], LastModifiedDate, LastModifiedUser = '', Type = '', Value }) => [
          String(Version ?? ''),
          Labels.join(' '),
          dateText(LastModifiedDate, format),
          LastModifiedUser,
          Type,
          Value ?? '(hidden)',
        ]),
        json: hidden,
      },
      format,
    )
  })
