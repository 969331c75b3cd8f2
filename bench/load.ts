// A load generator over bare sockets: every connection keeps one request in flight, so that the server is what is measured.

import { createHash, createHmac } from 'node:crypto'
import { connect, type Socket } from 'node:net'

export type Result = {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly requests: number
  /** Answers that were not 200. */
  readonly failures: number
}

export type LoadOptions = {
  /** On 127.0.0.1, or the path of a Unix socket. */
  readonly port: number | string
  readonly connections: number
  readonly seconds: number
  /** The bytes of the next request. */
  readonly next: () => Buffer
  /** How long a connection rests between an answer and its next request. */
  readonly pauseMs?: number
}

/** Runs for a time and tells what came back. */
export async function load({ port, connections, seconds, next, pauseMs }: LoadOptions): Promise<Result> {
  const latencies: number[] = []
  let failures = 0
  let running = true
  const started = performance.now()

  const drive = (): Promise<void> =>
    new Promise((resolve, reject) => {
      let sentAt = 0
      let received: Buffer = Buffer.alloc(0) as Buffer
      const socket: Socket =
        typeof port === 'string' ? connect(port) : connect({ port, host: '127.0.0.1', noDelay: true })
      const send = (): void => {
        sentAt = performance.now()
        socket.write(next())
      }
      socket.on('connect', send)
      socket.on('error', reject)
      socket.on('close', () => resolve())
      socket.on('data', (chunk: Buffer) => {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
        const end = received.indexOf('\r\n\r\n')
        if (end < 0) return
        const head = received.toString('latin1', 0, end)
        const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
        if (received.length < end + 4 + length) return
        if (!head.startsWith('HTTP/1.1 200')) failures++
        latencies.push(performance.now() - sentAt)
        received = received.subarray(end + 4 + length)
        if (!running) socket.end()
        else if (pauseMs === undefined) send()
        else setTimeout(() => (running ? send() : socket.end()), pauseMs)
      })
    })

  const all = Promise.all(Array.from({ length: connections }, drive))
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  running = false
  const elapsed = (performance.now() - started) / 1000
  const requests = latencies.length
  await all
  latencies.sort((a, b) => a - b)
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0
  return { perSecond: requests / elapsed, p50Ms: at(0.5), p99Ms: at(0.99), requests, failures }
}

export type Signer = {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
  readonly host: string
}

/** The bytes of one signed call, good for five minutes. */
export function signedCall(signer: Signer, target: string, input: object, service = 'secretsmanager'): Buffer {
  const body = JSON.stringify(input)
  const date = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '')
  const day = date.slice(0, 8)
  const scope = `${day}/${signer.region}/${service}/aws4_request`
  const names = 'content-type;host;x-amz-date;x-amz-target'
  const type = 'application/x-amz-json-1.1'
  const canonical = [
    'POST\n/\n',
    `content-type:${type}\nhost:${signer.host}\nx-amz-date:${date}\nx-amz-target:${target}\n`,
    names,
    createHash('sha256').update(body).digest('hex'),
  ].join('\n')
  const toSign = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${createHash('sha256').update(canonical).digest('hex')}`
  const key = [day, signer.region, service, 'aws4_request'].reduce<Buffer | string>(
    (previous, part) => createHmac('sha256', previous).update(part).digest(),
    `AWS4${signer.secretAccessKey}`,
  )
  const signature = createHmac('sha256', key).update(toSign).digest('hex')
  return Buffer.from(
    `POST / HTTP/1.1\r\nHost: ${signer.host}\r\nContent-Type: ${type}\r\nX-Amz-Date: ${date}\r\nX-Amz-Target: ${target}\r\n` +
      `Authorization: AWS4-HMAC-SHA256 Credential=${signer.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
