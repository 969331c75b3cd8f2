// IP addresses and blocks of them, as 16-bit words: two of IPv4, eight of IPv6. An IPv4-mapped IPv6 address is the IPv4 address.
// https://www.rfc-editor.org/rfc/rfc4291#section-2.2, https://www.rfc-editor.org/rfc/rfc4632

export type Address = readonly number[]
export type Block = { readonly address: Address; readonly prefixBits: number }

const WORD_BITS = 16

/** Undefined where the text is no address. Zones, and octets with leading zeros, are refused: readers differ in what they mean. */
export function parseAddress(text: string): Address | undefined {
  // The longest is 45 characters: six words, and an IPv4 address at the end.
  if (text.length > 45) return undefined
  if (!text.includes(':')) return parseIpv4(text)
  const words = parseIpv6(text)
  return words !== undefined && isMapped(words) ? words.slice(6) : words
}

/** `203.0.113.0/24`, `2001:db8::/32`, or an address alone. Bits beyond the prefix do not matter. */
export function parseBlock(text: string): Block | undefined {
  const slash = text.indexOf('/')
  if (slash < 0) {
    const address = parseAddress(text)
    return address && { address, prefixBits: address.length * WORD_BITS }
  }
  const size = text.slice(slash + 1)
  // Up to three digits, without a leading zero.
  if (!/^(0|[1-9][0-9]{0,2})$/.test(size)) return undefined
  const prefixBits = Number(size)
  const written = text.slice(0, slash)
  if (written.length > 45) return undefined
  const address = written.includes(':') ? parseIpv6(written) : parseIpv4(written)
  if (address === undefined || prefixBits > address.length * WORD_BITS) return undefined
  return isMapped(address) && prefixBits >= 96
    ? { address: address.slice(6), prefixBits: prefixBits - 96 }
    : { address, prefixBits }
}

export function isInBlock(address: Address, block: Block): boolean {
  if (address.length !== block.address.length) return false
  for (let i = 0, bits = block.prefixBits; bits > 0; i += 1, bits -= WORD_BITS) {
    const ignored = Math.max(0, WORD_BITS - bits)
    if (address[i]! >> ignored !== block.address[i]! >> ignored) return false
  }
  return true
}

const isMapped = (words: Address): boolean =>
  words.length === 8 && words[5] === 0xffff && words.slice(0, 5).every((word) => word === 0)

/** Four decimal octets. */
function parseIpv4(text: string): Address | undefined {
  const octets: number[] = []
  let octet: number | undefined
  for (let at = 0; at <= text.length; at += 1) {
    const digit = text.charCodeAt(at) - 48
    if (at === text.length || text[at] === '.') {
      if (octet === undefined) return undefined
      octets.push(octet)
      octet = undefined
    } else if (digit >= 0 && digit <= 9 && octet !== 0) {
      octet = (octet ?? 0) * 10 + digit
      if (octet > 255) return undefined
    } else {
      return undefined
    }
  }
  const [a = 0, b = 0, c = 0, d = 0] = octets
  return octets.length === 4 ? [a * 256 + b, c * 256 + d] : undefined
}

function parseIpv6(text: string): Address | undefined {
  const halves = text.split('::', 3)
  if (halves.length > 2) return undefined
  const tail = parseWords(halves.at(-1)!, true)
  if (halves.length === 1) return tail?.length === 8 ? tail : undefined
  const head = parseWords(halves[0]!, false)
  if (head === undefined || tail === undefined || head.length + tail.length > 7) return undefined
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail]
}

/** The words between colons. At its end an address may have an IPv4 address for its last two. */
function parseWords(text: string, atEnd: boolean): Address | undefined {
  if (text === '') return []
  const words: number[] = []
  const parts = text.split(':', 9)
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) words.push(Number.parseInt(part, 16))
    else {
      const ipv4 = atEnd && i === parts.length - 1 ? parseIpv4(part) : undefined
      if (ipv4 === undefined) return undefined
      words.push(...ipv4)
    }
  }
  return words
}
