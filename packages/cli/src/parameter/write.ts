// `strongroom parameter put`, `delete` and `label`.

import {
  DeleteParametersCommand,
  LabelParameterVersionCommand,
  ParameterAlreadyExists,
  type ParameterTier,
  type ParameterType,
  PutParameterCommand,
  type PutParameterCommandInput,
  UnlabelParameterVersionCommand,
} from '@aws-sdk/client-ssm'
import type { ClientOptions } from '../command-line.ts'
import { formatOf, type OutputOptions, printable, printListing } from '../output.ts'
import { tagsOf } from '../tags.ts'
import { confirm } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import { passwordInput, readValue, textOf, type ValueOptions, wholeNumber } from '../value.ts'
import { withParameters } from './client.ts'

export type PutOptions = ClientOptions &
  OutputOptions &
  ValueOptions & {
    readonly create?: true
    readonly existing?: true
    readonly type?: ParameterType
    readonly description?: string
    readonly keyId?: string
    readonly tier?: ParameterTier
    readonly allowedPattern?: string
    readonly dataType?: string
    readonly policies?: string
    /** `KEY=VALUE` each. */
    readonly tag?: readonly string[]
  }

/** A new one is a SecureString unless `type` says otherwise; one that is there keeps its type. @throws UsageError */
export async function putParameter(Name: string, given: PutOptions): Promise<void> {
  const password = passwordInput(given)
  const Value = given.generate ? await generate(password, given) : textOf(await readValue(given))
  if (Value === undefined) throw new UsageError('the value is no text: a secret holds binary values too')
  const { type, description, keyId, tier, allowedPattern, dataType, policies, tag = [] } = given
  const input = {
    Name,
    Value,
    ...(description !== undefined && { Description: description }),
    ...(keyId !== undefined && { KeyId: keyId }),
    ...(tier !== undefined && { Tier: tier }),
    ...(allowedPattern !== undefined && { AllowedPattern: allowedPattern }),
    ...(dataType !== undefined && { DataType: dataType }),
    ...(policies !== undefined && { Policies: policies }),
  }
  const Tags = tagsOf(tag)
  await withParameters(given, async (client) => {
    const overwrite = (): PutParameterCommandInput => ({ ...input, Overwrite: true, ...(type && { Type: type }) })
    const create = (): PutParameterCommandInput => ({
      ...input,
      Type: type ?? 'SecureString',
      ...(Tags.length > 0 && { Tags }),
    })
    const written = given.existing
      ? await client.send(new PutParameterCommand(overwrite()))
      : await client.send(new PutParameterCommand(create())).catch((error: unknown) => {
          if (given.create || !(error instanceof ParameterAlreadyExists)) throw error
          if (Tags.length === 0) return client.send(new PutParameterCommand(overwrite()))
          throw new UsageError(`${Name} is there already, and --tag is for new parameters`)
        })
    const { Version, Tier } = written
    printListing(
      {
        columns: ['name', 'version', 'tier'],
        rows: [[Name, String(Version), Tier ?? '']],
        json: { Name, Version, Tier },
      },
      formatOf(given),
    )
  })
}

/** By Secrets Manager, which has the operation. */
async function generate(input: object, given: ClientOptions): Promise<string> {
  const { GetRandomPasswordCommand } = await import('@aws-sdk/client-secrets-manager')
  const { withSecrets } = await import('../secret/client.ts')
  return withSecrets(given, async ({ client }) => {
    const { RandomPassword } = await client.send(new GetRandomPasswordCommand(input))
    return RandomPassword!
  })
}

/** Of one DeleteParameters. */
const NAMES_MAX = 10

/** @throws UsageError where one of them is not there: the others are deleted then. */
export const deleteParameters = (
  names: readonly string[],
  given: ClientOptions & { readonly yes?: true },
): Promise<void> =>
  withParameters(given, async (client) => {
    const question = `Delete ${names.map(printable).join(', ')} for good?`
    if (!given.yes && !(await confirm(question))) throw new UsageError('nothing was done')
    const missing: string[] = []
    for (let at = 0; at < names.length; at += NAMES_MAX) {
      const Names = names.slice(at, at + NAMES_MAX)
      const { DeletedParameters = [], InvalidParameters = [] } = await client.send(
        new DeleteParametersCommand({ Names }),
      )
      for (const name of DeletedParameters) process.stdout.write(`${printable(name)}\tdeleted\n`)
      missing.push(...InvalidParameters)
    }
    if (missing.length > 0) throw new UsageError(`not there: ${missing.join(', ')}`)
  })

/** Sets labels of a version, or removes them. @throws UsageError where the server does not take one. */
export const labelParameter = (
  Name: string,
  version: string,
  labels: readonly string[],
  { remove = false, ...given }: ClientOptions & { readonly remove?: boolean },
): Promise<void> => {
  const input = { Name, ParameterVersion: wholeNumber('the version', version), Labels: [...labels] }
  return withParameters(given, async (client) => {
    const { InvalidLabels = [] } = remove
      ? await client.send(new UnlabelParameterVersionCommand(input))
      : await client.send(new LabelParameterVersionCommand(input))
    if (InvalidLabels.length > 0) throw new UsageError(`labels that were not taken: ${InvalidLabels.join(', ')}`)
  })
}
