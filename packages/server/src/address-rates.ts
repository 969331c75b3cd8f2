// How often one address may call the routes that take no signature. A bucket of tokens for each address, in the memory of the process, on the
// wall clock; a failed call costs more than one that succeeds. The address is that of the connection: what a header says of it is not asked.

import { isIP } from 'node:net'
import { Lru } from './storage/cache.ts'

/**
 * `proof`: has its proof in the request itself, such as a token. `open`: health and metrics. `published`: what anybody may read. Each is counted
 * apart, so that nobody's failures hide the others.
 */
export type UnsignedRoute = 'proof' | 'open' | 'published'

export type AddressRates = {
  /** Whether a call may go on. It has then paid as one that fails, however many go on beside it. `now` is the wall clock, in milliseconds. */
  take(route: UnsignedRoute, address: string, now: number): boolean
  /** It did not fail: gives back what it paid too much. */
  succeeded(route: UnsignedRoute, address: string): void
}

type Bucket = { tokens: number; at: number }

/** Addresses that called lately. A bucket that is forgotten is a full one. */
const BUCKETS_MAX = 20_000
/** Seconds whose calls may come at once: the pods of a node, behind its one address, start together. */
const BURST_SECONDS = 50
const PRICE: { readonly [route in UnsignedRoute]: number } = { proof: 5, open: 1, published: 1 }

/** @param perSecond calls of one address; 0: any number */
export function createAddressRates(perSecond: number): AddressRates {
  if (perSecond === 0) return { take: () => true, succeeded: () => undefined }
  const burst = perSecond * BURST_SECONDS
  const buckets = new Lru<string, Bucket>(BUCKETS_MAX)
  return {
    take: (route, address, now) => {
      const key = `${route} ${networkOf(address)}`
      let bucket = buckets.get(key)
      if (bucket === undefined) {
        bucket = { tokens: burst, at: now }
        buckets.set(key, bucket)
      }
      // Where the clock went back, nothing is added, and time counts from there.
      const elapsedMs = Math.max(0, now - bucket.at)
      bucket.tokens = Math.min(burst, bucket.tokens + (elapsedMs * perSecond) / 1_000)
      bucket.at = now
      if (bucket.tokens < PRICE[route]) return false
      bucket.tokens -= PRICE[route]
      return true
    },
    succeeded: (route, address) => {
      const bucket = buckets.get(`${route} ${networkOf(address)}`)
      if (bucket !== undefined) bucket.tokens = Math.min(burst, bucket.tokens + PRICE[route] - 1)
    },
  }
}

const MAPPED = /^::ffff:(?=\d+\.)/i

/** Of IPv6 the first 64 bits, which one site has whole; an IPv4 address by itself, also on an IPv6 socket. */
export function networkOf(text: string): string {
  const address = text.replace(MAPPED, '').replace(/%.*$/, '')
  if (isIP(address) !== 6) return address
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  // An IPv4 address at the end stands for two groups.
  const missing = 8 - left.length - right.length - (address.includes('.') ? 1 : 0)
  const groups = [...left, ...Array<string>(tail === undefined ? 0 : missing).fill('0'), ...right]
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
