// What is asked of the services: their clients, with the agent's own credentials or those of a role.

import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { SSMClient } from '@aws-sdk/client-ssm'
import type { AgentConfig } from './config.ts'
import { fileCredentials } from './file-credentials.ts'
import { StartError } from './start-error.ts'
import { isTransient, toldOf } from './told.ts'

/** The SDK calls it again five minutes before the credentials expire. */
export type CredentialProvider = () => Promise<{
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiration: Date
}>

export type Upstream = {
  /** Of these and the next, undefined: the agent's own credentials. */
  secretsManager(credentials: CredentialProvider | undefined): SecretsManagerClient
  ssm(credentials: CredentialProvider | undefined): Promise<SSMClient>
  /** Those of a role, by the agent's own. They are asked for when they are needed, and reject with what STS says. */
  roleCredentials(roleArn: string): CredentialProvider
  /** @throws StartError where STS refuses the agent's own credentials. @returns what failed where STS did not answer */
  validateCredentials(): Promise<unknown>
}

type Parts = Pick<
  AgentConfig,
  'region' | 'credentialsFile' | 'profile' | 'upstreamConnectionsMax' | 'ignoreTransientErrors' | 'secretTimeoutMs'
> & { readonly now: () => Date }

/** The name of the sessions of roles, and what the agent is called in the trail. */
const NAME = 'strongroom-agent'
const RENEWAL_MS = 300_000

export function openUpstream(parts: Parts): Upstream {
  const { region, credentialsFile, upstreamConnectionsMax, secretTimeoutMs, ignoreTransientErrors, now } = parts
  const own = credentialsFile === undefined ? undefined : fileCredentials(credentialsFile, parts)

  const optionsOf = (credentials = own, maxSockets = upstreamConnectionsMax) => ({
    customUserAgent: NAME,
    ...(region !== undefined && { region }),
    ...(credentials !== undefined && { credentials }),
    ...(maxSockets !== undefined && { requestHandler: { httpAgent: { maxSockets }, httpsAgent: { maxSockets } } }),
  })

  const openSts = async () => {
    const { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts')
    const client = new STSClient(optionsOf())
    const inTime = () => ({ abortSignal: AbortSignal.timeout(secretTimeoutMs) })
    return {
      assumeRole: (RoleArn: string) => client.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: NAME }), inTime()),
      getCallerIdentity: () => client.send(new GetCallerIdentityCommand({}), inTime()),
    }
  }
  let opening: ReturnType<typeof openSts> | undefined
  const sts = () => {
    opening ??= openSts()
    return opening
  }

  const assume = async (roleArn: string) => {
    const { Credentials: given } = await (await sts()).assumeRole(roleArn)
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
      new SecretsManagerClient(optionsOf(credentials, upstreamConnectionsMax && upstreamConnectionsMax + 1)),
    ssm: async (credentials) => {
      const { SSMClient } = await import('@aws-sdk/client-ssm')
      return new SSMClient(optionsOf(credentials))
    },
    roleCredentials: (roleArn) => {
      let held: Awaited<ReturnType<typeof assume>> | undefined
      return async () => {
        if (held === undefined || held.expiration.getTime() - now().getTime() < RENEWAL_MS) held = await assume(roleArn)
        return held
      }
    },
    validateCredentials: async () => {
      try {
        await (await sts()).getCallerIdentity()
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
