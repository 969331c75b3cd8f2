// The Runtime API of one instance: an HTTP server on a loopback port of its own, from which the runtime takes invocations and to which
// it gives answers, and where SDKs fetch the instance's credentials. The protocol has no authentication, so only connections that a
// process of the instance holds are served (see the package's README for why this and not a Unix socket).
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type Failure, PAYLOAD_BYTES_MAX, reported, tooLarge } from './failures.ts'
import type { Endpoint } from './processes.ts'

const RUNTIME = '/2018-06-01/runtime'
/** As AWS's own emulator names it; SDKs take it from AWS_CONTAINER_CREDENTIALS_FULL_URI. */
const CREDENTIALS_PATH = '/2021-04-23/credentials'
const HEADER_BYTES_MAX = 16_384
const CONNECTIONS_MAX = 64
const HEADER_VALUE_CHARACTERS_MAX = 256

/** A session of the role that the function runs under. */
export type Credentials = {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiration: Date
}

export type Delivery = {
  readonly requestId: string
  readonly payload: Uint8Array
  /** Milliseconds since the epoch. */
  readonly deadlineMs: number
  /** As it was invoked: with the alias or version of the call. */
  readonly functionArn: string
  readonly traceId: string
  /** JSON, as the caller of Invoke gave it. */
  readonly clientContext: string | undefined
}

/** What the runtime gave: the function's answer, or why there is none. */
export type Answer = { readonly payload: Buffer; readonly failure: undefined } | { readonly failure: Failure }

export type RuntimeApi = {
  readonly port: number
  /** For AWS_CONTAINER_CREDENTIALS_FULL_URI. */
  readonly credentialsUrl: string
  /** Resolves when the runtime has asked for an invocation and none was delivered since. */
  polled(): Promise<void>
  /** Resolves when the runtime reports that it cannot begin; it may never do so. */
  readonly initFailure: Promise<Failure>
  /** Gives the invocation to the runtime that has asked, and resolves with its answer, which may never come. */
  deliver(delivery: Delivery): Promise<Answer>
  /** Ends every connection. */
  close(): void
}

export type RuntimeApiOptions = {
  /** What SDKs must send as `Authorization` to be given credentials. */
  readonly token: string
  readonly credentials: () => Promise<Credentials>
  /** Whether a process of the instance holds the other end of the connection from `peer` to `own`. */
  readonly isOurs: (peer: Endpoint, own: Endpoint) => Promise<boolean>
  /** A connection of somebody else, or a failure to give credentials. */
  readonly onTrouble: (trouble: string, cause?: unknown) => void
}

/** The states that AWS's own emulator names in its refusals. */
type State = 'Started' | 'RuntimeInitError' | 'Ready' | 'Running' | 'InvocationResponse' | 'InvocationErrorResponse'

/** Listens on a free port of 127.0.0.1. */
export async function startRuntimeApi(options: RuntimeApiOptions): Promise<RuntimeApi> {
  const { token, credentials, isOurs, onTrouble } = options
  const initFailure = Promise.withResolvers<Failure>()
  let polled = Promise.withResolvers<void>()
  let poll: ServerResponse | undefined
  let state: State = 'Started'
  let current: { readonly requestId: string; readonly answered: (answer: Answer) => void } | undefined

  /** Answers with a refusal where the runtime may not go on to the state from the present one. */
  const goOn = (to: State, response: ServerResponse): boolean => {
    if (NEXT[state].includes(to)) {
      state = to
      return true
    }
    const errorMessage = `State transition from ${state} to ${to} failed for runtime. Error: State transition is not allowed`
    answerJson(response, 403, { errorMessage, errorType: 'InvalidStateTransition' })
    return false
  }

  const next = (response: ServerResponse): void => {
    if (!goOn('Ready', response)) return
    poll = response
    response.on('close', () => {
      if (poll !== response) return
      // It asks again on another connection, or ends.
      poll = undefined
      polled = Promise.withResolvers()
    })
    polled.resolve()
  }

  const answer = async (request: IncomingMessage, response: ServerResponse, id: string, to: State): Promise<void> => {
    if (current !== undefined && current.requestId !== id) return answerJson(response, 400, INVALID_REQUEST_ID)
    if (current === undefined || state !== 'Running') return void goOn(to, response)
    const { answered } = current
    const body = await readBody(request)
    if (!goOn(to, response)) return
    if (body === undefined) {
      answerJson(response, 413, TOO_LARGE)
      return answered({ failure: tooLarge() })
    }
    answerJson(response, 202, ACCEPTED)
    const errorType = errorTypeOf(request)
    const failed = to === 'InvocationErrorResponse' || request.trailers[TYPE_HEADER] !== undefined
    answered(failed ? { failure: reported(body, errorType) } : { payload: body, failure: undefined })
  }

  const failInit = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(request)
    if (!goOn('RuntimeInitError', response)) return
    answerJson(response, 202, ACCEPTED)
    initFailure.resolve(body === undefined ? tooLarge() : reported(body, errorTypeOf(request)))
  }

  const giveCredentials = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (!sameText(request.headers.authorization ?? '', token)) return answerJson(response, 403, FORBIDDEN)
    try {
      const { accessKeyId, secretAccessKey, sessionToken, expiration } = await credentials()
      answerJson(response, 200, {
        AccessKeyId: accessKeyId,
        SecretAccessKey: secretAccessKey,
        Token: sessionToken,
        Expiration: expiration.toISOString(),
      })
    } catch (cause) {
      onTrouble('no credentials could be made for a function', cause)
      answerJson(response, 500, { code: 'InternalServerError', message: 'No credentials can be given now.' })
    }
  }

  const route = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (!(await isTrusted(request.socket))) {
      onTrouble('a process that is not of the instance connected to its runtime API')
      answerJson(response, 403, FORBIDDEN)
      return void request.socket.destroySoon()
    }
    const call = `${request.method} ${request.url}`
    if (call === `GET ${RUNTIME}/invocation/next`) return next(response)
    if (call === `POST ${RUNTIME}/init/error`) return failInit(request, response)
    if (call === `GET ${CREDENTIALS_PATH}`) return giveCredentials(request, response)
    const [, id, kind] = INVOCATION.exec(call) ?? []
    if (id !== undefined) {
      return answer(request, response, id, kind === 'response' ? 'InvocationResponse' : 'InvocationErrorResponse')
    }
    answerJson(response, 404, { errorMessage: 'Not found', errorType: 'NotFound' })
  }

  const trusted = new WeakMap<Socket, Promise<boolean>>()
  const isTrusted = (socket: Socket): Promise<boolean> => {
    const known = trusted.get(socket)
    if (known !== undefined) return known
    const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = socket
    const asked = isOurs({ address: remoteAddress, port: remotePort }, { address: localAddress, port: localPort })
    trusted.set(socket, asked)
    return asked
  }

  const server = createServer({
    maxHeaderSize: HEADER_BYTES_MAX,
    requestTimeout: 0,
    headersTimeout: 0,
    keepAliveTimeout: 0,
  })
  server.maxConnections = CONNECTIONS_MAX
  server.on('request', (request, response) => {
    request.on('error', () => undefined) // A runtime that goes away is told of by its end.
    route(request, response).catch((cause: unknown) => {
      onTrouble('a request to the runtime API failed', cause)
      response.destroy()
    })
  })
  const port = await listen(server)

  return {
    port,
    credentialsUrl: `http://127.0.0.1:${port}${CREDENTIALS_PATH}`,
    polled: () => polled.promise,
    initFailure: initFailure.promise,
    deliver: (delivery) => {
      const { promise, resolve } = Promise.withResolvers<Answer>()
      const response = poll
      if (response === undefined) throw new Error('the runtime has not asked for an invocation')
      poll = undefined
      polled = Promise.withResolvers()
      state = 'Running'
      current = { requestId: delivery.requestId, answered: resolve }
      response.writeHead(200, headersOf(delivery))
      response.end(delivery.payload)
      return promise
    },
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** A runtime whose poll was interrupted asks again; everything else has its one order. */
const NEXT: { readonly [state in State]: readonly State[] } = {
  Started: ['Ready', 'RuntimeInitError'],
  RuntimeInitError: [],
  Ready: ['Ready'],
  Running: ['InvocationResponse', 'InvocationErrorResponse'],
  InvocationResponse: ['Ready'],
  InvocationErrorResponse: ['Ready'],
}

const INVOCATION = /^POST \/2018-06-01\/runtime\/invocation\/([^/]+)\/(response|error)$/
const TYPE_HEADER = 'lambda-runtime-function-error-type'
const ACCEPTED = { status: 'OK' }
const INVALID_REQUEST_ID = { errorMessage: 'Invalid request ID', errorType: 'InvalidRequestID' }
const TOO_LARGE = {
  errorMessage: `Exceeded maximum allowed payload size (${PAYLOAD_BYTES_MAX} bytes).`,
  errorType: 'RequestEntityTooLarge',
}
const FORBIDDEN = { errorMessage: 'Forbidden', errorType: 'Forbidden' }

function answerJson(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body)
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) })
  response.end(text)
}

function headersOf({ requestId, deadlineMs, functionArn, traceId, clientContext, payload }: Delivery) {
  return {
    'Content-Type': 'application/json',
    'Content-Length': payload.byteLength,
    'Lambda-Runtime-Aws-Request-Id': requestId,
    'Lambda-Runtime-Deadline-Ms': String(deadlineMs),
    'Lambda-Runtime-Invoked-Function-Arn': functionArn,
    'Lambda-Runtime-Trace-Id': traceId,
    ...(clientContext === undefined ? {} : { 'Lambda-Runtime-Client-Context': inAscii(clientContext) }),
  }
}

/** The same JSON in characters that a header may hold: control characters can only stand between its tokens. */
const inAscii = (json: string): string =>
  json
    .replace(/[\u0000-\u001f]/g, ' ')
    .replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

function errorTypeOf({ headers, trailers }: IncomingMessage): string | undefined {
  const given = headers[TYPE_HEADER] ?? trailers[TYPE_HEADER]
  return typeof given === 'string' ? given.slice(0, HEADER_VALUE_CHARACTERS_MAX) : undefined
}

/** Undefined when it is too large: the rest is read and thrown away, so that the runtime hears the refusal. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  let chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= PAYLOAD_BYTES_MAX) chunks.push(chunk)
    else chunks = []
  }
  return size > PAYLOAD_BYTES_MAX ? undefined : Buffer.concat(chunks)
}

function sameText(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return (server.address() as AddressInfo).port
}
