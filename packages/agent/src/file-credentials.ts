// Credentials in a shared-credentials file that somebody renews, as the agent of AWS takes them: read every five minutes, and only temporary ones.

import type { CredentialProvider } from './upstream.ts'

/** The SDK asks again five minutes before credentials expire. */
const TAKEN_FOR_MS = 600_000

/** @throws CredentialsProviderError, as the SDK has it, where the file has none that do */
export function fileCredentials(
  filepath: string,
  { profile, now }: { readonly profile: string | undefined; readonly now: () => Date },
): CredentialProvider {
  return async () => {
    const { fromIni } = await import('@aws-sdk/credential-provider-ini')
    const read = fromIni({ filepath, ignoreCache: true, ...(profile !== undefined && { profile }) })
    const { accessKeyId, secretAccessKey, sessionToken } = await read()
    if (sessionToken === undefined) throw new LongTermKeysError()
    return { accessKeyId, secretAccessKey, sessionToken, expiration: new Date(now().getTime() + TAKEN_FOR_MS) }
  }
}

class LongTermKeysError extends Error {
  override readonly name = 'CredentialsProviderError'
  constructor() {
    super('The credentials file must have temporary credentials, with aws_session_token.')
  }
}
