// The Regions that are on another Strongroom: where they are, and one signed call to them. docs/adr/0010-replication-over-the-wire.md.

import { signedHeaders } from '../../auth/sign.ts'
import { findCredentials } from '../../credentials-file.ts'

export type RemoteRegions = {
  has(region: string): boolean
  /**
   * POSTs JSON to a route of the Strongroom that has the Region, signed with the profile of the account.
   * @throws RemoteError
   */
  call(request: RemoteCall): Promise<{ readonly [member: string]: unknown }>
}

export type RemoteCall = {
  readonly region: string
  /** Whose secret it is about, and whose profile signs. */
  readonly account: string
  readonly path: string
  readonly input: object
  readonly signal: AbortSignal
}

/** The call had no effect that is known of. The message is for users: it names the Region and no value. */
export class RemoteError extends Error {
  /** The other side answered, and will answer the same again until somebody mends it. */
  readonly refused: boolean

  constructor(message: string, refused: boolean) {
    super(message)
    this.name = 'RemoteError'
    this.refused = refused
  }
}

const ANSWER_BYTES_MAX = 65_536

/** `endpoints` as --region-endpoint has them. The file is read at each call, so that its keys can be changed while the server runs. */
export function createRemoteRegions(
  endpoints: readonly string[],
  credentialsFile: string,
  wallNow: () => number,
): RemoteRegions {
  const urls = new Map(
    endpoints.map((given) => [given.slice(0, given.indexOf('=')), given.slice(given.indexOf('=') + 1)]),
  )

  const credentialsOf = (account: string, region: string) => {
    let found: ReturnType<typeof findCredentials>
    try {
      found = findCredentials(credentialsFile, account)
    } catch {
      throw new RemoteError(`The credentials for Region ${region} cannot be read`, true)
    }
    if (found === undefined)
      throw new RemoteError(`There are no credentials of this account for Region ${region}`, true)
    return found
  }

  return {
    has: (region) => urls.has(region),
    call: async ({ region, account, path, input, signal }) => {
      const url = new URL(path, urls.get(region))
      const body = Buffer.from(JSON.stringify(input))
      const headers = signedHeaders({
        url,
        body,
        headers: { 'content-type': 'application/x-amz-json-1.1' },
        region,
        service: 'secretsmanager',
        credentials: credentialsOf(account, region),
        time: wallNow(),
      })
      let status: number
      let text: string
      try {
        const response = await fetch(url, { method: 'POST', headers, body, redirect: 'error', signal })
        status = response.status
        text = await readBounded(response)
      } catch (error) {
        throw new RemoteError(`Region ${region} cannot be reached (${codeOf(error)})`, false)
      }
      const answer = parse(text)
      if (status === 200 && answer !== undefined) return answer
      const code = typeof answer?.__type === 'string' ? answer.__type.slice(0, 100) : `status ${status}`
      throw new RemoteError(`Region ${region} refused the replication (${code})`, status >= 400 && status < 500)
    },
  }
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > ANSWER_BYTES_MAX) throw new RangeError('the answer is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** What went wrong below HTTP, in the system's word: ECONNREFUSED, SELF_SIGNED_CERT_IN_CHAIN. */
function codeOf(error: unknown): string {
  const { cause, name } = error as { readonly cause?: { readonly code?: unknown }; readonly name?: string }
  return typeof cause?.code === 'string' ? cause.code : (name ?? 'unknown')
}

function parse(text: string): { readonly [member: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}
