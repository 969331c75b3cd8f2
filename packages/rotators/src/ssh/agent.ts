// An SSH agent with one key, for one run of `ssh`: the private key stays in this process, and on no disk.
// https://www.ietf.org/archive/id/draft-miller-ssh-agent-14.html

import { sign } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import type { SshKey } from './keys.ts'
import { SshReader, sshMpint, sshString, sshUint32 } from './wire.ts'

const FAILURE = 5
const REQUEST_IDENTITIES = 11
const IDENTITIES_ANSWER = 12
const SIGN_REQUEST = 13
const SIGN_RESPONSE = 14
const RSA_SHA2_256 = 2
const RSA_SHA2_512 = 4
const REQUEST_BYTES_MAX = 256 * 1024

/** At a socket of this path, in a folder that nobody else may enter. @returns what ends it */
export async function startAgent(path: string, key: SshKey): Promise<() => void> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    let received: Buffer = Buffer.alloc(0)
    socket.on('data', (piece: Buffer) => {
      received = Buffer.concat([received, piece])
      while (received.length >= 4 && received.length >= 4 + received.readUInt32BE()) {
        const end = 4 + received.readUInt32BE()
        socket.write(sshString(answer(received.subarray(4, end), key)))
        received = received.subarray(end)
      }
      if (received.length > REQUEST_BYTES_MAX) socket.destroy()
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  return () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
}

function answer(request: Buffer, key: SshKey): Buffer {
  const failure = Buffer.of(FAILURE)
  try {
    const reader = new SshReader(request)
    const kind = reader.take(1)[0]
    if (kind === REQUEST_IDENTITIES) {
      return Buffer.concat([Buffer.of(IDENTITIES_ANSWER), sshUint32(1), sshString(key.blob), sshString('')])
    }
    if (kind !== SIGN_REQUEST || !reader.string().equals(key.blob)) return failure
    const signature = signatureOf(key, reader.string(), reader.uint32())
    return signature ? Buffer.concat([Buffer.of(SIGN_RESPONSE), sshString(signature)]) : failure
  } catch {
    // What is cut off, and a key whose numbers do not fit each other: nobody else would hear of it than the whole process.
    return failure
  }
}

/** Undefined where it is asked for what is not made: RSA with SHA-1. */
function signatureOf({ privateKey, type }: SshKey, data: Buffer, flags: number): Buffer | undefined {
  const made = (algorithm: string, signature: Buffer) => Buffer.concat([sshString(algorithm), sshString(signature)])
  if (type === 'ssh-ed25519') return made(type, sign(null, data, privateKey))
  if (type === 'ssh-rsa') {
    if (flags & RSA_SHA2_512) return made('rsa-sha2-512', sign('sha512', data, privateKey))
    return flags & RSA_SHA2_256 ? made('rsa-sha2-256', sign('sha256', data, privateKey)) : undefined
  }
  const hash = type.endsWith('256') ? 'sha256' : type.endsWith('384') ? 'sha384' : 'sha512'
  const pair = sign(hash, data, { key: privateKey, dsaEncoding: 'ieee-p1363' })
  const [r, s] = [pair.subarray(0, pair.length / 2), pair.subarray(pair.length / 2)]
  return made(type, Buffer.concat([sshMpint(r), sshMpint(s)]))
}
