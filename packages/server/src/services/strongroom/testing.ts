// A client of the live stream of change events, for tests and benchmarks: signed by AWS's own signer, read as server-sent events.

import { type IncomingMessage, request } from 'node:http'
import { SignatureV4 } from '@smithy/signature-v4'
import { NodeSha256, TEST_REGION, type TestCredentials } from '../../testing.ts'

export type Frame = {
  /** `message` where the server named none. */
  readonly event: string
  /** The last id so far. */
  readonly id: string
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts on whatever came
  readonly data: any
}

export type Listening = {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** The body of a refusal. */
  readonly body: () => Promise<string>
  /** The frames that came so far. */
  readonly frames: readonly Frame[]
  /** By its id the next stream goes on after this one. */
  readonly lastId: () => string
  /** Comments, such as heartbeats. */
  readonly comments: readonly string[]
  /** Waits for a frame, also one that came already. @throws where none comes within `ms` */
  waitFor(matches: (frame: Frame) => boolean, ms?: number): Promise<Frame>
  /** Resolves when the server has ended the stream. */
  readonly ended: Promise<void>
  /** Reads no more, and leaves the connection open. */
  pause(): void
  close(): void
}

export async function listenTo(
  url: string,
  credentials: TestCredentials,
  { lastId, region = TEST_REGION }: { readonly lastId?: string; readonly region?: string } = {},
): Promise<Listening> {
  const { hostname, port } = new URL(url)
  const path = '/_strongroom/events'
  const signer = new SignatureV4({
    service: 'secretsmanager',
    region,
    credentials: { ...credentials },
    sha256: NodeSha256,
  })
  const { headers } = await signer.sign({
    method: 'GET',
    protocol: 'http:',
    hostname,
    port: Number(port),
    path,
    query: {},
    headers: { host: `${hostname}:${port}`, ...(lastId !== undefined && { 'last-event-id': lastId }) },
  } as Parameters<typeof signer.sign>[0])
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ hostname, port, path, headers, agent: false }, resolve).on('error', reject).end()
  })

  const frames: Frame[] = []
  const comments: string[] = []
  const waiting = new Set<() => void>()
  let id = ''
  let rest = ''
  let body = ''
  const parse = (text: string): void => {
    let event = 'message'
    let data: string | undefined
    for (const line of text.split('\n')) {
      if (line.startsWith('id: ')) id = line.slice(4)
      if (line.startsWith('event: ')) event = line.slice(7)
      if (line.startsWith('data: ')) data = line.slice(6)
      if (line.startsWith(': ')) comments.push(line.slice(2))
    }
    if (data !== undefined) frames.push({ event, id, data: JSON.parse(data) })
  }
  const ended = new Promise<void>((resolve) => response.on('close', resolve))
  response.on('error', () => undefined)
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    if (response.statusCode !== 200) {
      body += chunk
      return
    }
    const parts = `${rest}${chunk}`.split('\n\n')
    rest = parts.pop()!
    for (const part of parts) parse(part)
    for (const look of [...waiting]) look()
  })

  return {
    status: response.statusCode!,
    headers: response.headers,
    body: async () => {
      await ended
      return body
    },
    frames,
    comments,
    lastId: () => id,
    ended,
    waitFor: (matches, ms = 60_000) =>
      new Promise((resolve, reject) => {
        const end = (): void => {
          clearTimeout(timer)
          waiting.delete(look)
        }
        const look = (): void => {
          const found = frames.find(matches)
          if (found === undefined) return
          end()
          resolve(found)
        }
        const timer = setTimeout(() => {
          end()
          reject(new Error(`no such event came within ${ms} ms, but ${JSON.stringify(frames)}`))
        }, ms)
        waiting.add(look)
        look()
      }),
    pause: () => void response.pause(),
    close: () => response.destroy(),
  }
}
