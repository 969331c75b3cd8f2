// What a session token says, as bytes: compact, since a token travels with every request. Permissions are not in it, but for what the
// session was narrowed to. docs/keys.md has the table.
//   0 format 01 | 1 principal kind | 2 fields: u8 number, u16 length, bytes

import { SESSION_TOKEN_OVERHEAD_BYTES } from '../../crypto/session-token.ts'

export type SessionClaims = RoleClaims | UserClaims

/** Of AssumeRole and its kin. */
export type RoleClaims = CommonClaims & {
  readonly kind: 'role-session'
  /** As it was when it was assumed. */
  readonly role: { readonly roleId: string; readonly path: string; readonly roleName: string }
  readonly sessionName: string
}

/** Of GetSessionToken, of who asked for it; of GetFederationToken, of the federated user that one of that account is called for. */
export type UserClaims = CommonClaims & {
  readonly kind: 'user-session' | 'federated-user'
  /** As it was then; absent: the root user of the account. */
  readonly user?: { readonly userId: string; readonly path: string; readonly userName: string }
  /** Of a federated user. */
  readonly name?: string
}

type CommonClaims = {
  /** Of the role or the user. */
  readonly account: string
  /** Milliseconds since the epoch, by the wall clock. */
  readonly issuedAt: number
  readonly expiresAt: number
  /** How many roles were assumed one from the other to get here: 1 for the first. */
  readonly chain: number
  readonly sourceIdentity?: string
  /** Documents of session policies. */
  readonly policies: readonly string[]
  readonly policyArns: readonly string[]
  readonly tags: { readonly [key: string]: string }
  /** All of them keys of `tags`. */
  readonly transitiveTagKeys: readonly string[]
  /** The ARN of the identity provider that vouched for who asked. */
  readonly provider?: string
  /** When who asked showed a code of an MFA device, in milliseconds; absent: not at all. */
  readonly mfaAt?: number
}

type Packed = Pick<CommonClaims, 'policies' | 'policyArns' | 'tags' | 'transitiveTagKeys' | 'provider' | 'mfaAt'>

/** Of a token, as the caller sends it. */
export const SESSION_TOKEN_CHARACTERS_MAX = 4_096
const PAYLOAD_BYTES_MAX = (SESSION_TOKEN_CHARACTERS_MAX / 4) * 3 - SESSION_TOKEN_OVERHEAD_BYTES

const FORMAT = 1
const KINDS: { readonly [kind in SessionClaims['kind']]: number } = {
  'role-session': 1,
  'user-session': 2,
  'federated-user': 3,
}
const FIELDS_AT = 2

/** Numbers of fields, which stand in this order. One that was in use is never given to anything else. */
const ACCOUNT = 1
const ROLE_ID = 2
const ROLE_PATH = 3
const ROLE_NAME = 4
const SESSION_NAME = 5
const ISSUED_AT = 6
const EXPIRES_AT = 7
const CHAIN = 8
const SOURCE_IDENTITY = 9
const POLICY = 10
const POLICY_ARN = 11
const TAG = 12
const TRANSITIVE_TAG = 13
const PADDING = 14
const PROVIDER = 15
const MFA_AT = 16
const USER_ID = 17
const NAME = 18
const USER_PATH = 19
const USER_NAME = 20
const NUMBER_MAX = USER_NAME

const FIELD_HEADER_BYTES = 3
const TIME_BYTES = 6

/**
 * The most that session policies and tags may take: what the rest leaves at its longest, with a role path of 512 characters and names of 64.
 * `PackedPolicySize` is in per cent of it.
 */
export const PACKED_BYTES_MAX = 2_256

type Field = readonly [number: number, bytes: Buffer]

/** The bytes of the claims, lengthened so that the token has at least so many characters; no more than SESSION_TOKEN_CHARACTERS_MAX. */
export function encodeClaims(claims: SessionClaims, tokenCharactersMin = 0): Buffer {
  const payload = Buffer.concat([
    Buffer.of(FORMAT, KINDS[claims.kind]),
    ...fixedFields(claims),
    ...packedFields(claims),
  ])
  const missing = Math.ceil(tokenCharactersMin / 4) * 3 - SESSION_TOKEN_OVERHEAD_BYTES - payload.length
  const padding = missing > 0 ? encodeField([PADDING, Buffer.alloc(Math.max(0, missing - FIELD_HEADER_BYTES))]) : []
  const padded = Buffer.concat([payload, ...padding])
  if (padded.length > PAYLOAD_BYTES_MAX) throw new RangeError('claims this long have no token')
  return padded
}

/** How much of PACKED_BYTES_MAX session policies and tags take, in per cent, rounded up; 0 where there are none. */
export const packedPercent = (packed: Packed): number =>
  Math.ceil((packedFields(packed).reduce((sum, part) => sum + part.length, 0) * 100) / PACKED_BYTES_MAX)

function fixedFields(claims: SessionClaims): readonly Buffer[] {
  const { account, issuedAt, expiresAt, chain, sourceIdentity } = claims
  const fields: Field[] = [
    [ACCOUNT, Buffer.from(account)],
    ...holderFields(claims),
    [ISSUED_AT, encodeTime(issuedAt)],
    [EXPIRES_AT, encodeTime(expiresAt)],
    [CHAIN, Buffer.of(Math.min(chain, 255))],
  ]
  if (sourceIdentity !== undefined) fields.push([SOURCE_IDENTITY, Buffer.from(sourceIdentity)])
  return fields.flatMap(encodeField)
}

function holderFields(claims: SessionClaims): readonly Field[] {
  if (claims.kind !== 'role-session') {
    const { user, name } = claims
    return [
      ...(user === undefined
        ? []
        : [
            [USER_ID, Buffer.from(user.userId)] as const,
            [USER_PATH, Buffer.from(user.path)] as const,
            [USER_NAME, Buffer.from(user.userName)] as const,
          ]),
      ...(name === undefined ? [] : [[NAME, Buffer.from(name)] as const]),
    ]
  }
  const { role, sessionName } = claims
  return [
    [ROLE_ID, Buffer.from(role.roleId)],
    [ROLE_PATH, Buffer.from(role.path)],
    [ROLE_NAME, Buffer.from(role.roleName)],
    [SESSION_NAME, Buffer.from(sessionName)],
  ]
}

/** A tag is as long whether it is transitive or not. */
function packedFields({ policies, policyArns, tags, transitiveTagKeys, provider, mfaAt }: Packed): readonly Buffer[] {
  const passing = Object.entries(tags).filter(([key]) => !transitiveTagKeys.includes(key))
  const transitive = transitiveTagKeys.map((key) => [key, tags[key]!] as const)
  return [
    ...policies.map((document): Field => [POLICY, Buffer.from(withoutSpace(document))]),
    ...policyArns.map((arn): Field => [POLICY_ARN, Buffer.from(arn)]),
    ...passing.map(([key, value]): Field => [TAG, Buffer.from(`${key}\0${value}`)]),
    ...transitive.map(([key, value]): Field => [TRANSITIVE_TAG, Buffer.from(`${key}\0${value}`)]),
    ...(provider === undefined ? [] : [[PROVIDER, Buffer.from(provider)] as const]),
    ...(mfaAt === undefined ? [] : [[MFA_AT, encodeTime(mfaAt)] as const]),
  ].flatMap(encodeField)
}

/** JSON without the white space between its tokens. */
const withoutSpace = (json: string): string => json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, '$1')

function encodeField([number, bytes]: Field): readonly Buffer[] {
  const header = Buffer.alloc(FIELD_HEADER_BYTES)
  header[0] = number
  header.writeUInt16BE(bytes.length, 1)
  return [header, bytes]
}

function encodeTime(milliseconds: number): Buffer {
  const bytes = Buffer.alloc(TIME_BYTES)
  bytes.writeUIntBE(milliseconds, 0, TIME_BYTES)
  return bytes
}

/** Undefined where the bytes are of a format, or have a field, that this version does not know. */
export function decodeClaims(payload: Buffer): SessionClaims | undefined {
  const kind = Object.keys(KINDS).find(
    (name): name is SessionClaims['kind'] => KINDS[name as SessionClaims['kind']] === payload[1],
  )
  if (payload[0] !== FORMAT || kind === undefined) return undefined
  const fields = readFields(payload, kind === 'role-session' ? REQUIRED : REQUIRED_OF_USER)
  if (fields === undefined) return undefined
  const all = (number: number): readonly Buffer[] =>
    fields.filter((field) => field[0] === number).map(([, bytes]) => bytes)
  const text = (number: number): string => String(all(number)[0])
  const time = (number: number): number => all(number)[0]!.readUIntBE(0, TIME_BYTES)
  const pair = (bytes: Buffer): [string, string] => {
    const at = bytes.indexOf(0)
    return [bytes.toString('utf8', 0, at), bytes.toString('utf8', at + 1)]
  }
  const transitive = all(TRANSITIVE_TAG).map(pair)
  const has = (number: number): boolean => all(number).length > 0
  const holder =
    kind === 'role-session'
      ? {
          kind,
          role: { roleId: text(ROLE_ID), path: text(ROLE_PATH), roleName: text(ROLE_NAME) },
          sessionName: text(SESSION_NAME),
        }
      : {
          kind,
          ...(has(USER_ID) && { user: { userId: text(USER_ID), path: text(USER_PATH), userName: text(USER_NAME) } }),
          ...(has(NAME) && { name: text(NAME) }),
        }
  return {
    ...holder,
    account: text(ACCOUNT),
    issuedAt: time(ISSUED_AT),
    expiresAt: time(EXPIRES_AT),
    chain: all(CHAIN)[0]![0]!,
    ...(has(SOURCE_IDENTITY) && { sourceIdentity: text(SOURCE_IDENTITY) }),
    policies: all(POLICY).map(String),
    policyArns: all(POLICY_ARN).map(String),
    tags: Object.fromEntries([...all(TAG).map(pair), ...transitive]),
    transitiveTagKeys: transitive.map(([key]) => key),
    ...(has(PROVIDER) && { provider: text(PROVIDER) }),
    ...(has(MFA_AT) && { mfaAt: time(MFA_AT) }),
  }
}

const REQUIRED_OF_USER = [ACCOUNT, ISSUED_AT, EXPIRES_AT, CHAIN]
const REQUIRED = [ACCOUNT, ROLE_ID, ROLE_PATH, ROLE_NAME, SESSION_NAME, ISSUED_AT, EXPIRES_AT, CHAIN]

function readFields(payload: Buffer, required: readonly number[]): readonly Field[] | undefined {
  const fields: Field[] = []
  for (let at = FIELDS_AT; at < payload.length; ) {
    if (at + FIELD_HEADER_BYTES > payload.length) return undefined
    const number = payload[at]!
    const end = at + FIELD_HEADER_BYTES + payload.readUInt16BE(at + 1)
    if (number < ACCOUNT || number > NUMBER_MAX || end > payload.length) return undefined
    fields.push([number, payload.subarray(at + FIELD_HEADER_BYTES, end)])
    at = end
  }
  return required.every((number) => fields.some((field) => field[0] === number)) ? fields : undefined
}
