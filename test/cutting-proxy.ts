// A proxy between a driver and its server that counts what the driver sends, and stops at a piece of it.

import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Place } from './rotated-servers.ts'

export type CuttingProxy = Place & {
  /** Pieces of data that drivers sent since the last time this was asked, or `stopAt` was called. */
  sent(): number
  /** Once so many pieces came: `then`, with the last of them sent on or not. Where fewer come than the last time: once no more do. */
  stopAt(pieces: number, forwarded: boolean, then: () => Promise<void>): void
  close(): void
}

/** Longer than a driver that has more to send is quiet. */
const QUIET_MS = 5_000
const BEGINS_MS = 60_000

/** Between the driver and the server, with a port for each of its ports: TLS goes through it as it is. */
export async function startProxy({
  host = '127.0.0.1',
  port: serverPort,
  otherPorts: otherServerPorts = [],
}: Place): Promise<CuttingProxy> {
  const sockets = new Set<Socket>()
  let count = 0
  let stop: { readonly at: number; readonly forwarded: boolean; readonly then: () => Promise<void> } | undefined
  let quiet: NodeJS.Timeout | undefined
  const fire = (): void => {
    clearTimeout(quiet)
    const due = stop
    stop = undefined
    void due?.then()
  }
  const wait = (ms: number): void => {
    clearTimeout(quiet)
    quiet = setTimeout(fire, ms)
  }
  const forward = (inward: Socket, to: number): void => {
    const outward = connect(to, host)
    for (const [one, other] of [
      [inward, outward],
      [outward, inward],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
    outward.pipe(inward)
    inward.on('data', (piece) => {
      count++
      const due = stop !== undefined && count >= stop.at ? stop : undefined
      if (due === undefined || due.forwarded) outward.write(piece)
      if (due !== undefined) fire()
      else if (stop !== undefined) wait(QUIET_MS)
    })
    inward.on('end', () => outward.end())
  }
  const servers: Server[] = []
  const listen = async (to: number): Promise<number> => {
    const server = createServer((inward) => forward(inward, to))
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as { port: number }).port
  }
  return {
    port: await listen(serverPort),
    otherPorts: await Promise.all(otherServerPorts.map(listen)),
    sent: () => {
      const sent = count
      count = 0
      return sent
    },
    stopAt: (at, forwarded, then) => {
      count = 0
      stop = { at, forwarded, then }
      wait(BEGINS_MS)
    },
    close: () => {
      clearTimeout(quiet)
      for (const socket of sockets) socket.destroy()
      for (const server of servers) server.close()
    },
  }
}
