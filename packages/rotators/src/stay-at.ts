// The only place that a process may connect to. For processes that have but one connection: it changes Node's own functions.

import { promises } from 'node:dns'
import { isIP, Socket } from 'node:net'
import type { Login } from './engine.ts'

/** Drivers that look names up themselves, or follow a server that sends on, come to the address that was checked, or nowhere. */
export function stayAt(address: string, { host, port }: Pick<Login, 'host' | 'port'>): void {
  const refused = (): Error => Object.assign(new Error('another address'), { code: 'ENOTFOUND' })
  const lookup = async (name: string): Promise<readonly { readonly address: string; readonly family: number }[]> => {
    if (name !== host) throw refused()
    return [{ address, family: isIP(address) }]
  }
  Object.assign(promises, { lookup })
  const connect = Socket.prototype.connect as (...args: readonly unknown[]) => Socket
  const guarded = function (this: Socket, ...args: readonly unknown[]): Socket {
    // As Node calls itself, with what it has made of the arguments, or as its documentation has it.
    const [first] = Array.isArray(args[0]) ? args[0] : args
    const to = typeof first === 'object' && first !== null ? first : { port: first, host: args[1] }
    if (to.host !== address || Number(to.port) !== port) {
      this.destroy(refused())
      return this
    }
    return connect.apply(this, [...args])
  }
  Object.assign(Socket.prototype, { connect: guarded })
}
