// Asks a running server something over its admin socket.

import { request } from 'node:http'
import { AdminError, type AdminInput, type AdminOutput } from './command.ts'
import { socketPath } from './socket.ts'

const ANSWER_BYTES_MAX = 16_777_216

/** No server answers on the data directory's socket. */
export class NoServerError extends AdminError {
  constructor(dataDir: string, cause?: unknown) {
    super(`no server runs on ${dataDir}: start it, or name its data directory with --data-dir`, cause)
    this.name = 'NoServerError'
  }
}

/** There is no socket, or nobody listens on it; nor is there one where the directory is a file, or a loop of links. */
const NOBODY = ['ENOENT', 'ECONNREFUSED', 'ENOTSOCK', 'ENOTDIR', 'ELOOP']

/** @throws NoServerError @throws AdminError with what the server says. */
export async function callAdmin(dataDir: string, command: string, input: AdminInput = {}): Promise<AdminOutput> {
  const socket = findSocket(dataDir)
  try {
    const { status, body } = await post(socket.path, `/${command}`, JSON.stringify(input))
    const answer = parse(body)
    if (answer === undefined) throw new AdminError(`what answers on the admin socket of ${dataDir} is no server`)
    if (status !== 200) throw new AdminError(String(answer.error))
    return answer
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== undefined && NOBODY.includes(code)) throw new NoServerError(dataDir, error)
    if (code === 'EACCES' || code === 'EPERM') {
      throw new AdminError(
        `the admin socket of ${dataDir} is another user's: run this as the user that runs the server`,
        error,
      )
    }
    if (code === 'ECONNRESET' || code === 'EPIPE') throw new AdminError('the server stopped before it answered', error)
    throw error
  } finally {
    socket.release()
  }
}

function parse(body: string): AdminOutput | undefined {
  try {
    const answer: unknown = JSON.parse(body)
    return typeof answer === 'object' && answer !== null ? (answer as AdminOutput) : undefined
  } catch {
    return undefined
  }
}

function findSocket(dataDir: string) {
  try {
    const socket = socketPath(dataDir)
    if (socket !== undefined) return socket
  } catch (error) {
    throw new NoServerError(dataDir, error)
  }
  throw new AdminError(`the path of ${dataDir} is too long for a unix socket: change to it and give --data-dir .`)
}

const post = (
  socketPath: string,
  path: string,
  body: string,
): Promise<{ readonly status: number; readonly body: string }> =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const outgoing = request({ socketPath, path, method: 'POST', headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > ANSWER_BYTES_MAX) outgoing.destroy(new AdminError('the answer of the server is too large'))
        else chunks.push(chunk)
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }))
      response.on('error', reject)
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
