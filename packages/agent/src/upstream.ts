// What is asked of the services: their clients, with the agent's own credentials or those of a role.

import { SecretsManagerClient as Client, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { SSMClient } from '@aws-sdk/client-ssm'
import { failureKindOf } from '@strongroom/cache'
import type { AgentConfig } from './config.ts'
import { StartError } from './start-error.ts'

export type Credentials = {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  readonly expiration?: Date
}
/** The SDK asks again when they are about to expire. */
export type CredentialProvider = () => Promise<Credentials>

export type Upstream = {
  /** Undefined: the agent's own credentials. */
  secretsManager(credentials: CredentialProvider | undefined): SecretsManagerClient
  ssm(credentials: CredentialProvider | undefined): Promise<SSMClient>
  /** Those of a role, by the agent's own. They are asked for when they are needed, and reject with what STS says. */
  roleCredentials(roleArn: string): CredentialProvider
  /** @throws StartError where STS refuses the agent's own credentials. @returns what failed where STS did not answer */
  validateCredentials(): Promise<unknown>
}

/** The name of the sessions of roles, and what the agent is called in the trail. */
const NAME = 'strongroom-agent'
/** How long before they expire the SDK asks for others. */
const RENEWAL_MS = 300_000
/** How long credentials of a file are taken for good. So they are read every five minutes. */
const FILE_CREDENTIALS_MS = 600_000

type Parts = Pick<
  AgentConfig,
  'region' | 'credentialsFile' | 'profile' | 'upstreamConnectionsMax' | 'ignoreTransientErrors' | 'secretTimeoutMs'
> & { readonly now: () => Date }

export function openUpstream(parts: Parts): Upstream {
  const { region, credentialsFile, upstreamConnectionsMax, secretTimeoutMs, ignoreTransientErrors, now } = parts
  const own = credentialsFile === undefined ? undefined : fileCredentials(credentialsFile, parts)
  const optionsWith = (credentials: CredentialProvider | undefined, connectionsMax = upstreamConnectionsMax) => ({
    customUserAgent: NAME,
    ...(region !== undefined && { region }),
    ...((credentials ?? own) && { credentials: (credentials ?? own)! }),
    ...(connectionsMax !== undefined && {
      requestHandler: { httpAgent: { maxSockets: connectionsMax }, httpsAgent: { maxSockets: connectionsMax } },
    }),
  })
  const openSts = async () => {
    const { STSClient } = await import('@aws-sdk/client-sts')
    return new STSClient(optionsWith(undefined))
  }
  let sts: ReturnType<typeof openSts> | undefined
  const assume = async (RoleArn: string) => {
    const { AssumeRoleCommand } = await import('@aws-sdk/client-sts')
    sts ??= openSts()
    const command = new AssumeRoleCommand({ RoleArn, RoleSessionName: NAME })
    const { Credentials: given } = await (await sts).send(command, {
      abortSignal: AbortSignal.timeout(secretTimeoutMs),
    })
    return {
      accessKeyId: given!.AccessKeyId!,
      secretAccessKey: given!.SecretAccessKey!,
      sessionToken: given!.SessionToken!,
      expiration: given!.Expiration!,
    }
  }
  return {
    secretsManager: (credentials) =>
      // The stream of change events has a connection of its own.
      new Client(optionsWith(credentials, upstreamConnectionsMax && upstreamConnectionsMax + 1)),
    ssm: async (credentials) => {
      const { SSMClient } = await import('@aws-sdk/client-ssm')
      return new SSMClient(optionsWith(credentials))
    },
    roleCredentials: (roleArn) => {
      let held: (Credentials & { readonly expiration: Date }) | undefined
      return async () => {
        if (held === undefined || held.expiration.getTime() - now().getTime() < RENEWAL_MS) held = await assume(roleArn)
        return held
      }
    },
    validateCredentials: async () => {
      const { GetCallerIdentityCommand } = await import('@aws-sdk/client-sts')
      sts ??= openSts()
      try {
        await (await sts).send(new GetCallerIdentityCommand({}), { abortSignal: AbortSignal.timeout(secretTimeoutMs) })
        return undefined
      } catch (error) {
        if (ignoreTransientErrors && isTransient(error)) return error
        const { name, code } = toldOf(error)
        throw new StartError(
          `STS does not take the credentials (${code ?? name}): mend them, or set validate_credentials = false`,
        )
      }
    },
  }
}

/** What may be over soon. Without credentials nothing is. */
export function isTransient(error: unknown): boolean {
  const kind = failureKindOf(error)
  return (kind === 'outage' || kind === 'throttled') && (error as Error).name !== 'CredentialsProviderError'
}

export type Told = {
  readonly name: string
  readonly code?: string
  readonly status?: number
  readonly message?: string
}

/** What may be told of a failed call: of an answer, what the service said; else only names, since an error of a parser repeats what it read. */
export function toldOf(error: unknown): Told {
  const {
    name = 'Error',
    code,
    message,
    $fault,
    $metadata,
  } = (error ?? {}) as Error & {
    readonly code?: unknown
    readonly $fault?: unknown
    readonly $metadata?: { readonly httpStatusCode?: number }
  }
  const status = $metadata?.httpStatusCode
  const isAnswer = $fault !== undefined && status !== undefined && status >= 400
  return {
    name,
    ...(typeof code === 'string' && { code }),
    // UnknownError is what the SDK says where the service said nothing.
    ...(isAnswer && { status, ...(message !== '' && message !== 'UnknownError' && { message }) }),
  }
}

/** A shared-credentials file that somebody renews. As with AWS's agent, keys that do not expire are none. */
function fileCredentials(filepath: string, { profile, now }: Pick<Parts, 'profile' | 'now'>): CredentialProvider {
  return async () => {
    const { fromIni } = await import('@aws-sdk/credential-provider-ini')
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = await fromIni({
      filepath,
      ignoreCache: true,
      ...(profile !== undefined && { profile }),
    })()
    if (sessionToken === undefined) throw new LongTermKeysError()
    const soon = new Date(now().getTime() + FILE_CREDENTIALS_MS)
    return {
      accessKeyId,
      secretAccessKey,
      sessionToken,
      expiration: expiration && expiration < soon ? expiration : soon,
    }
  }
}

class LongTermKeysError extends Error {
  // As the SDK calls it where there are none.
  override readonly name = 'CredentialsProviderError'
  constructor() {
    super('The credentials file must have temporary credentials, with aws_session_token.')
  }
}
