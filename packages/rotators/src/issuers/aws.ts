// IAM and STS of AWS, or of a server that speaks as they do: AWS's own clients, whose every request goes to an address that was looked at.

import type { IAMClientConfig } from '@aws-sdk/client-iam'
import { RotatorError, type RotatorErrorKind } from '../errors.ts'
import { type Origin, readOrigin, send } from '../http.ts'
import type { Io, SecretValue } from '../rotator.ts'
import { placeOf } from '../secret.ts'

/** Where IAM and STS are. */
export type AwsPlace = {
  /** As two rotations that would meet there both call it. */
  readonly name: string
  readonly iam: Origin
  /** Of signatures for IAM, which has one Region in a partition. */
  readonly iamRegion: string
  readonly sts: Origin
  readonly stsRegion: string
  /** Whether what changes there takes a while to be known everywhere. */
  readonly eventual: boolean
}

export type AccessKey = { readonly id: string; readonly secret: string }

/** Of an IAM user: never of the root user, and never of a session. */
export type AwsUser = { readonly arn: string; readonly name: string }

export type ListedKey = { readonly id: string; readonly createdAt: number }

/** As whoever has an access key. Each throws RotatorError. */
export type AwsCaller = {
  whoAmI(): Promise<AwsUser>
  listKeys(user: AwsUser): Promise<readonly ListedKey[]>
  createKey(user: AwsUser): Promise<AccessKey>
  deactivateKey(user: AwsUser, id: string): Promise<void>
  deleteKey(user: AwsUser, id: string): Promise<void>
  /** Whether the service knows of a use; it may hear of one late. */
  wasUsed(id: string): Promise<boolean>
}

const ANSWER_BYTES_MAX = 256 * 1024
const REGION = /^[a-z]{2,4}(-[a-z]{2,16}){1,2}-[0-9]{1,2}$/

/**
 * By the members `endpoint`, `ssl` and `region`. Without an endpoint it is AWS, and never what the environment of the process names.
 * @throws RotatorError `secret`
 */
export function readAwsPlace({ endpoint, ssl, region: given }: SecretValue): AwsPlace {
  const region = given === undefined || given === '' ? 'us-east-1' : given
  if (typeof region !== 'string' || !REGION.test(region)) {
    throw new RotatorError('secret', 'The member region is not the name of a Region.')
  }
  if (endpoint !== undefined && endpoint !== '') {
    const origin = readOrigin('endpoint', endpoint, ssl)
    return {
      name: placeOf(origin),
      iam: origin,
      iamRegion: region,
      sts: origin,
      stsRegion: region,
      eventual: false,
    }
  }
  if (ssl === false || ssl === 'false') throw new RotatorError('secret', 'AWS is spoken to over TLS: ssl is not false.')
  const [iamHost, iamRegion, domain] = partitionOf(region)
  const at = (host: string): Origin => ({ host, port: 443, tls: true, origin: `https://${host}` })
  const [iam, sts] = [at(iamHost), at(`sts.${region}.${domain}`)]
  return { name: placeOf(iam), iam, iamRegion, sts, stsRegion: region, eventual: true }
}

/** https://docs.aws.amazon.com/general/latest/gr/iam-service.html */
function partitionOf(region: string): readonly [iamHost: string, iamRegion: string, domain: string] {
  if (region.startsWith('cn-')) return ['iam.cn-north-1.amazonaws.com.cn', 'cn-north-1', 'amazonaws.com.cn']
  if (region.startsWith('us-gov-')) return ['iam.us-gov.amazonaws.com', 'us-gov-west-1', 'amazonaws.com']
  return ['iam.amazonaws.com', 'us-east-1', 'amazonaws.com']
}

/** AWS's clients are loaded when a first key is rotated: it takes longer than the rest of a start. */
export async function awsCaller(place: AwsPlace, key: AccessKey, io: Io): Promise<AwsCaller> {
  const [iam, sts] = await Promise.all([import('@aws-sdk/client-iam'), import('@aws-sdk/client-sts')])
  const iamClient = new iam.IAMClient(configOf(place.iam, place.iamRegion, key, io))
  const stsClient = new sts.STSClient(configOf(place.sts, place.stsRegion, key, io))
  const ask = async <T>(origin: Origin, what: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw refusal(placeOf(origin), what, error)
    }
  }
  const ofIam = <T>(what: string, work: () => Promise<T>): Promise<T> => ask(place.iam, what, work)
  return {
    whoAmI: async () => {
      const answer = await ask(place.sts, 'GetCallerIdentity', () => stsClient.send(new sts.GetCallerIdentityCommand()))
      const arn = answer.Arn ?? ''
      const name = /^arn:[a-z-]+:iam::[0-9]{12}:user\/(?:.*\/)?([^/]+)$/.exec(arn)?.[1]
      if (name === undefined) throw new RotatorError('secret', 'The access key is not of an IAM user.')
      return { arn, name }
    },
    listKeys: async ({ name: UserName }) => {
      const answer = await ofIam('ListAccessKeys', () => iamClient.send(new iam.ListAccessKeysCommand({ UserName })))
      return (answer.AccessKeyMetadata ?? []).map(({ AccessKeyId = '', CreateDate }) => ({
        id: AccessKeyId,
        createdAt: CreateDate?.getTime() ?? 0,
      }))
    },
    createKey: async ({ name: UserName }) => {
      const answer = await ofIam('CreateAccessKey', () => iamClient.send(new iam.CreateAccessKeyCommand({ UserName })))
      const { AccessKeyId: id = '', SecretAccessKey: secret = '' } = answer.AccessKey ?? {}
      if (id === '' || secret === '') throw new RotatorError('other', `${placeOf(place.iam)} creates no access key.`)
      return { id, secret }
    },
    deactivateKey: async ({ name: UserName }, AccessKeyId) => {
      const command = new iam.UpdateAccessKeyCommand({ UserName, AccessKeyId, Status: 'Inactive' })
      await ofIam('UpdateAccessKey', () => iamClient.send(command).catch(unlessGone))
    },
    deleteKey: async ({ name: UserName }, AccessKeyId) => {
      const command = new iam.DeleteAccessKeyCommand({ UserName, AccessKeyId })
      await ofIam('DeleteAccessKey', () => iamClient.send(command).catch(unlessGone))
    },
    wasUsed: async (AccessKeyId) => {
      const command = new iam.GetAccessKeyLastUsedCommand({ AccessKeyId })
      const answer = await ofIam('GetAccessKeyLastUsed', () => iamClient.send(command))
      return answer.AccessKeyLastUsed?.LastUsedDate !== undefined
    },
  }
}

/** Everything that the clients would look for in the environment of the process, or in its files, is said. */
const configOf = (origin: Origin, region: string, { id, secret }: AccessKey, io: Io) =>
  ({
    region,
    endpoint: origin.origin,
    credentials: { accessKeyId: id, secretAccessKey: secret },
    // Whether it is worth another try is for the rotation to say.
    maxAttempts: 1,
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    defaultsMode: 'standard',
    retryMode: 'standard',
    authSchemePreference: ['sigv4'],
    userAgentAppId: 'strongroom',
    requestHandler: requestHandler(origin, io),
  }) satisfies IAMClientConfig

type Handler = Exclude<NonNullable<IAMClientConfig['requestHandler']>, Record<string, unknown>>
type Handled = { readonly method: string; readonly path: string; readonly headers: { readonly [name: string]: string } }

const requestHandler = (origin: Origin, io: Io) =>
  ({
    handle: async ({ method, path, headers, body }: Handled & { readonly body?: unknown }) => {
      const sent = body === undefined ? undefined : Buffer.from(body as string | Uint8Array)
      const answer = await send(origin, { method, path, headers, body: sent }, io, ANSWER_BYTES_MAX)
      return { response: { statusCode: answer.status, headers: {}, body: Buffer.from(answer.body) } }
    },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  }) as unknown as Handler

const REFUSED =
  /^(InvalidClientTokenId|SignatureDoesNotMatch|ExpiredToken|UnrecognizedClient|AuthFailure|OptInRequired)/
const LATER =
  /^(Throttling|RequestLimitExceeded|ServiceUnavailable|InternalFailure|ServiceFailure|PriorRequestNotComplete)/

/** A key that is not there any more is neither active nor to be deleted. */
function unlessGone(error: unknown): undefined {
  if (nameOf(error) !== 'NoSuchEntityException') throw error
}

/** The message names the error, and nothing that was answered with it. */
function refusal(at: string, what: string, error: unknown): RotatorError {
  if (error instanceof RotatorError) return error
  const name = nameOf(error)
  const status = (error as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0
  const kind: RotatorErrorKind = REFUSED.test(name)
    ? 'authentication'
    : /^AccessDenied/.test(name)
      ? 'permission'
      : LATER.test(name) || status === 429 || status >= 500
        ? 'unreachable'
        : 'other'
  return new RotatorError(kind, `${at} answers ${what} with ${name}.`)
}

const nameOf = (error: unknown): string =>
  error instanceof Error && /^[A-Za-z.]{1,64}$/.test(error.name) ? error.name : 'an error'
