// Which addresses the drivers of rotations may connect to. Databases stand in the operator's own networks, so these are open; what no database
// is at, and what only the machine itself should reach, is not. A name is resolved once, and every address it has is checked; of several, one that
// answers is taken.

import { lookup } from 'node:dns/promises'
import { BlockList, connect, isIP } from 'node:net'
import { OutboundError } from './outbound.ts'

export type TargetOptions = {
  /** `10.1.0.0/16`, `fd00::/8`: where any is given, nothing else may be connected to. */
  readonly networks: readonly string[]
  /** Whether loopback may be, where no networks are given. */
  readonly loopback: boolean
  /** The system's resolver unless it is given. */
  readonly addressesOf?: (name: string) => Promise<readonly Address[]>
}

type Address = { readonly address: string; readonly family: number }

/** @returns the address to connect to. @throws OutboundError `forbidden`, `unreachable` */
export function createTargets({
  networks,
  loopback,
  addressesOf = (name) => lookup(name, { all: true }),
}: TargetOptions): (host: string, port: number) => Promise<string> {
  const given = new BlockList()
  for (const network of networks) addNetwork(given, network)
  const isAllowed = (address: string): boolean => {
    if (isIn(never, address) || !isUsual(address)) return false
    return networks.length > 0 ? isIn(given, address) : loopback || !isIn(loopbacks, address)
  }
  return async (host, port) => {
    const bare = host.replace(/^\[|\]$/g, '')
    const found: readonly Address[] =
      isIP(bare) !== 0
        ? [{ address: bare, family: isIP(bare) }]
        : await addressesOf(bare).catch((cause: unknown) => {
            throw new OutboundError('unreachable', `The name ${host} has no address.`, { cause })
          })
    if (!found.every(({ address }) => isAllowed(address))) {
      throw new OutboundError(
        'forbidden',
        `Rotations may not connect to the address of ${host}: see --rotation-network.`,
      )
    }
    return (found.length > 1 ? await answering(bare, found, port) : undefined) ?? found[0]!.address
  }
}

/** Of one address, and of all of them. */
const ADDRESS_MS = 2_000
const ADDRESSES_MS = 5_000

/** The first of the addresses that takes a connection, as Node.js tries them by turns of their families; nothing is sent there. */
function answering(host: string, addresses: readonly Address[], port: number): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const socket = connect({
    host,
    port,
    lookup: (_name, _options, done) => done(null, [...addresses]),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ADDRESS_MS,
    signal: AbortSignal.timeout(ADDRESSES_MS),
  })
  const end = (address: string | undefined): void => {
    socket.destroy()
    resolve(address)
  }
  socket.on('connect', () => end(socket.remoteAddress))
  socket.on('error', () => end(undefined))
  return promise
}

/** Whether it is a network that --rotation-network can name. */
export function isNetwork(text: string): boolean {
  try {
    addNetwork(new BlockList(), text)
    return true
  } catch {
    return false
  }
}

/** @throws where it is none */
function addNetwork(list: BlockList, text: string): void {
  const [address = '', prefix = ''] = text.split('/')
  if (!/^[0-9]{1,3}$/.test(prefix)) throw new Error('no prefix')
  list.addSubnet(address, Number(prefix), familyOf(address))
}

const isIn = (list: BlockList, address: string): boolean => list.check(address, familyOf(address))

/** Whether it is an address is for the list to say: isIP compiles an expression first, which takes long at a start. */
const familyOf = (address: string): 'ipv4' | 'ipv6' => (address.includes(':') ? 'ipv6' : 'ipv4')

function listOf(...networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) addNetwork(list, network)
  return list
}

const loopbacks = listOf('127.0.0.0/8', '::1/128')

/** Unspecified, link-local, multicast and reserved addresses, and where clouds answer about their machines. */
const never = listOf(
  '0.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/3',
  '100.100.100.200/32',
  '168.63.129.16/32',
  '192.0.0.192/32',
  'fd00:ec2::/32',
  'fd20:ce::254/128',
)

/** Of IPv6 only global unicast, unique local and loopback addresses, without what stands for an IPv4 address (6to4, Teredo). */
const usual6 = listOf('2000::/3', 'fc00::/7', '::1/128')
const standIns6 = listOf('2002::/16', '2001::/32')

const isUsual = (address: string): boolean =>
  isIP(address) === 4 || (isIP(address) === 6 && isIn(usual6, address) && !isIn(standIns6, address))
