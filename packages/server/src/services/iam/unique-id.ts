// Ids in AWS's form. An access key id carries the number of its account, so that GetAccessKeyInfo and leak scanners can tell whose it is.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids

/** RFC 4648 base32. */
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

type RandomBytes = (size: number) => Uint8Array

const ACCOUNT_BITS = 40n
const RANDOM_BITS = 39n
const ID_CHARACTERS = 16

/** AKIA and 16 characters: a set bit, 40 bits of the account's number, 39 random bits. `account` has 12 digits. */
export const newAccessKeyId = (account: string, randomBytes: RandomBytes): string =>
  accessKeyId('AKIA', account, randomBytes)

/** The same for a session: it begins with ASIA. */
export const newTemporaryAccessKeyId = (account: string, randomBytes: RandomBytes): string =>
  accessKeyId('ASIA', account, randomBytes)

function accessKeyId(prefix: 'AKIA' | 'ASIA', account: string, randomBytes: RandomBytes): string {
  const random = BigInt(`0x${Buffer.from(randomBytes(5)).toString('hex')}`) & ((1n << RANDOM_BITS) - 1n)
  let bits = (((1n << ACCOUNT_BITS) | BigInt(account)) << RANDOM_BITS) | random
  let id = ''
  for (let i = 0; i < ID_CHARACTERS; i += 1) {
    id = BASE32[Number(bits & 31n)] + id
    bits >>= 5n
  }
  return prefix + id
}

/** The account that an access key id carries; undefined where it has not the form of one that carries any. */
export function accountOfAccessKeyId(accessKeyId: string): string | undefined {
  if (!/^A[KS]IA[A-Z2-7]{16}$/.test(accessKeyId)) return undefined
  let bits = 0n
  for (const character of accessKeyId.slice(4)) bits = (bits << 5n) | BigInt(BASE32.indexOf(character))
  const account = (bits >> RANDOM_BITS) & ((1n << ACCOUNT_BITS) - 1n)
  return account < 1_000_000_000_000n ? account.toString().padStart(12, '0') : undefined
}

/** 40 characters of base64, from 30 random bytes. */
export function newSecretAccessKey(randomBytes: RandomBytes): string {
  return Buffer.from(randomBytes(30)).toString('base64')
}

/** AIDA of a user, AGPA of a group, AROA of a role, ANPA of a managed policy, and 17 characters. */
export function newUniqueId(prefix: 'AIDA' | 'AGPA' | 'AROA' | 'ANPA', randomBytes: RandomBytes): string {
  let id: string = prefix
  for (const byte of randomBytes(17)) id += BASE32[byte & 31]
  return id
}

/** a- and 17 characters. https://docs.aws.amazon.com/eks/latest/APIReference/API_PodIdentityAssociation.html */
export function newAssociationId(randomBytes: RandomBytes): string {
  let id = 'a-'
  for (const byte of randomBytes(17)) id += BASE32[byte & 31]!.toLowerCase()
  return id
}

/** 12 digits, the first not 0, so that no tool takes it for an octal number or drops a digit. */
export function newAccountId(randomBytes: RandomBytes): string {
  const random = Buffer.from(randomBytes(16)).toString('hex')
  return (100_000_000_000n + (BigInt(`0x${random}`) % 900_000_000_000n)).toString()
}
