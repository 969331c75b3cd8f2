// `strongroom secret put`: a new value, or one member of it, of a secret that is there or is made. The value comes as `value.ts` tells.

import {
  CreateSecretCommand,
  GetRandomPasswordCommand,
  GetSecretValueCommand,
  type GetSecretValueCommandOutput,
  PutSecretValueCommand,
  type PutSecretValueCommandOutput,
  ResourceExistsException,
  ResourceNotFoundException,
  type SecretsManagerClient,
  UpdateSecretCommand,
} from '@aws-sdk/client-secrets-manager'
import type { ClientOptions } from '../command-line.ts'
import { ifVersion, isOutdated } from '../if-version.ts'
import { withMember } from '../json-text.ts'
import { formatOf, type OutputOptions, printListing } from '../output.ts'
import { tagsOf } from '../tags.ts'
import { UsageError } from '../usage-error.ts'
import { passwordInput, readValue, textOf, type ValueOptions } from '../value.ts'
import { withSecrets } from './client.ts'

export type PutOptions = ClientOptions &
  OutputOptions &
  ValueOptions & {
    readonly field?: string
    readonly binary?: true
    readonly create?: true
    readonly existing?: true
    readonly description?: string
    readonly kmsKeyId?: string
    readonly type?: string
    /** `KEY=VALUE` each. */
    readonly tag?: readonly string[]
    /** `REGION` or `REGION=KMS_KEY` each. */
    readonly replica?: readonly string[]
  }

type Value = { readonly SecretString: string } | { readonly SecretBinary: Uint8Array }
type Written = Pick<PutSecretValueCommandOutput, 'ARN' | 'Name' | 'VersionId'> & { readonly made: boolean }

/** Writers that come between one after another: so many are no chance any more. */
const TRIES_MAX = 10

/** @throws UsageError */
export async function putSecret(SecretId: string, given: PutOptions): Promise<void> {
  const password = passwordInput(given)
  if (given.field !== undefined && given.binary) throw new UsageError('--field goes with text, not with --binary')
  const attributes = attributesOf(given)
  await withSecrets(given, async ({ client }) => {
    const bytes = given.generate ? await generate(client, password) : await readValue(given)
    const { made, ARN, Name, VersionId } =
      given.field === undefined
        ? await writeValue(client, SecretId, writtenAs(bytes, given), given, attributes)
        : await writeMember(client, SecretId, given.field, mustText(bytes), given, attributes)
    printListing(
      {
        columns: ['name', 'version', 'result'],
        rows: [[Name ?? '', VersionId ?? '', made ? 'created' : 'updated']],
        json: { ARN, Name, VersionId },
      },
      formatOf(given),
    )
  })
}

const writtenAs = (bytes: Buffer, { binary }: PutOptions): Value => {
  const text = binary ? undefined : textOf(bytes)
  return text === undefined ? { SecretBinary: bytes } : { SecretString: text }
}

function mustText(bytes: Buffer): string {
  const text = textOf(bytes)
  if (text === undefined) throw new UsageError('the value is no text: a field of JSON cannot hold it')
  return text
}

async function generate(client: SecretsManagerClient, input: object): Promise<Buffer> {
  const { RandomPassword } = await client.send(new GetRandomPasswordCommand(input))
  return Buffer.from(RandomPassword!)
}

type Attributes = ReturnType<typeof attributesOf>

/** `onlyNew` is what UpdateSecret does not take. */
function attributesOf({ description, kmsKeyId, type, tag = [], replica = [] }: PutOptions) {
  const any = {
    ...(description !== undefined && { Description: description }),
    ...(kmsKeyId !== undefined && { KmsKeyId: kmsKeyId }),
    ...(type !== undefined && { Type: type }),
  }
  const onlyNew = {
    ...(tag.length > 0 && { Tags: tagsOf(tag) }),
    ...(replica.length > 0 && { AddReplicaRegions: replica.map(replicaOf) }),
  }
  return { any, onlyNew }
}

function replicaOf(text: string): { readonly Region: string; readonly KmsKeyId?: string } {
  const at = text.indexOf('=')
  return at < 0 ? { Region: text } : { Region: text.slice(0, at), KmsKeyId: text.slice(at + 1) }
}

async function writeValue(
  client: SecretsManagerClient,
  SecretId: string,
  value: Value,
  given: PutOptions,
  attributes: Attributes,
): Promise<Written> {
  const mustBeNew = given.create || Object.keys(attributes.onlyNew).length > 0
  if (!mustBeNew) {
    try {
      return { ...(await client.send(updateOf(SecretId, value, attributes))), made: false }
    } catch (error) {
      if (given.existing || !(error instanceof ResourceNotFoundException)) throw error
    }
  }
  return create(client, SecretId, value, attributes)
}

async function create(
  client: SecretsManagerClient,
  Name: string,
  value: Value,
  { any, onlyNew }: Attributes,
): Promise<Written> {
  try {
    return { ...(await client.send(new CreateSecretCommand({ Name, ...value, ...any, ...onlyNew }))), made: true }
  } catch (error) {
    if (!(error instanceof ResourceExistsException) || Object.keys(onlyNew).length === 0) throw error
    throw new UsageError(
      `${Name} is there already, and --tag and --replica are for new secrets: see strongroom secret tag, and aws secretsmanager replicate-secret-to-regions`,
    )
  }
}

const updateOf = (SecretId: string, value: Value, { any }: Attributes) =>
  Object.keys(any).length === 0
    ? new PutSecretValueCommand({ SecretId, ...value })
    : new UpdateSecretCommand({ SecretId, ...value, ...any })

/** Read, changed and written while nobody came between; else again. */
async function writeMember(
  client: SecretsManagerClient,
  SecretId: string,
  field: string,
  text: string,
  given: PutOptions,
  attributes: Attributes,
): Promise<Written> {
  const made = { SecretString: JSON.stringify(Object.fromEntries([[field, text]])) }
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const current = await findCurrent(client, SecretId, given)
    try {
      if (current === undefined) return await create(client, SecretId, made, attributes)
      const value = { SecretString: withMember(current.SecretString ?? '', field, text) }
      return {
        ...(await client.send(ifVersion(current.VersionId!, updateOf(SecretId, value, attributes)))),
        made: false,
      }
    } catch (error) {
      const outrun = isOutdated(error) || (current === undefined && error instanceof ResourceExistsException)
      if (!outrun || given.create) throw error
    }
  }
  throw new UsageError(`${SecretId} has no value, or others change it all the time: nothing was written`)
}

/** Undefined where the secret is to be made. */
async function findCurrent(
  client: SecretsManagerClient,
  SecretId: string,
  { create, existing }: PutOptions,
): Promise<GetSecretValueCommandOutput | undefined> {
  if (create) return undefined
  try {
    return await client.send(new GetSecretValueCommand({ SecretId }))
  } catch (error) {
    if (existing || !(error instanceof ResourceNotFoundException)) throw error
    return undefined
  }
}
