// What is done with the user's own client besides calling operations: its signer, credentials, endpoint and connections are used as they are,
// through middleware of one command.

import { ListSecretsCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager'

/** A request as the SDK has it before it is signed. */
export type SdkRequest = {
  method: string
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  path: string
  headers: { [name: string]: string }
  body?: unknown
}

export type SdkResponse = { readonly statusCode: number; readonly body: unknown }

/** Any client of the SDK, as far as its endpoint goes. */
export type SdkClient = {
  readonly config: { readonly region: () => Promise<string> }
  readonly middlewareStack: { clone(): { remove(name: string): boolean } }
}

/** Any command of the SDK. */
type SdkCommand = {
  readonly middlewareStack: unknown
  resolveMiddleware(stack: never, config: never, options: object): (command: never) => Promise<unknown>
}

type Stack = {
  add(middleware: unknown, where: object): void
  addRelativeTo(middleware: unknown, where: object): void
}
type Next = (args: { readonly request: SdkRequest }) => Promise<unknown>

/** What a client talks to, without talking to it: the service, and the protocol, host, port, path and Region of its requests. */
export async function placeOf(service: string, client: SdkClient, command: SdkCommand): Promise<readonly string[]> {
  const enough = new Error('No request is sent.')
  let place: readonly string[] | undefined
  const look = () => async (args: { readonly request: SdkRequest }) => {
    const { protocol, hostname, port, path } = args.request
    place = [protocol, hostname, String(port ?? ''), path]
    throw enough
  }
  ;(command.middlewareStack as Stack).add(look, { step: 'build', priority: 'high', name: 'strongroomPlace' })
  const stack = client.middlewareStack.clone()
  // Credentials are not needed, and may not be to be had.
  stack.remove('httpAuthSchemeMiddleware')
  const send = command.resolveMiddleware(stack as never, client.config as never, {})
  await send(command as never).catch((error: unknown) => {
    if (error !== enough) throw error
  })
  return [service, ...(place ?? []), await client.config.region()]
}

/**
 * Opens GET `path` at the endpoint of the client, signed as its calls are.
 * @returns undefined where the endpoint is not asked: `asks` says no
 * @throws what the client throws of a refusal or a failure
 */
export async function openStream(
  client: SecretsManagerClient,
  {
    path,
    headers,
    asks,
    signal,
  }: {
    readonly path: string
    readonly headers: { readonly [name: string]: string }
    readonly asks: (request: SdkRequest) => boolean
    readonly signal: AbortSignal
  },
): Promise<SdkResponse | undefined> {
  const notAsked = new Error('No request is sent.')
  // A command without input; what it would ask never leaves.
  const command = new ListSecretsCommand({})
  const stack = command.middlewareStack as unknown as Stack
  let answer: SdkResponse | undefined
  const ask = (next: Next) => async (args: { readonly request: SdkRequest }) => {
    const { request } = args
    if (!asks(request)) throw notAsked
    request.method = 'GET'
    request.path = `${request.path.replace(/\/$/, '')}${path}`
    request.headers = { ...headers }
    request.body = undefined
    return next(args)
  }
  // A refusal goes on to the SDK, which makes an error of it; a stream does not.
  const take = (next: Next) => async (args: { readonly request: SdkRequest }) => {
    const { response } = (await next(args)) as { readonly response: SdkResponse }
    if (response.statusCode !== 200) return { response }
    answer = response
    const empty = { statusCode: 200, headers: {}, body: new Uint8Array() }
    return { response: Object.assign(Object.create(Object.getPrototypeOf(response)), empty) }
  }
  stack.add(ask, { step: 'build', priority: 'high', name: 'strongroomStream' })
  stack.addRelativeTo(take, { relation: 'after', toMiddleware: 'deserializerMiddleware', name: 'strongroomAnswer' })
  try {
    await client.send(command, { abortSignal: signal })
  } catch (error) {
    if (error !== notAsked) throw error
  }
  return answer
}
