// Session tokens: what a session is, sealed and handed to its holder, so that nothing is stored and every server of the installation knows
// every session. A token opens for its own access key only, for as long as the keyring has the key it was sealed under.

import type { App } from '../../app.ts'
import type { Session } from '../../auth/authenticate.ts'
import type { Identity } from '../../call.ts'
import { sameBytes } from '../../crypto/mac.ts'
import { findTokenKeyVersion, openSessionToken, sealSessionToken } from '../../crypto/session-token.ts'
import { Lru } from '../../storage/cache.ts'
import { newTemporaryAccessKeyId, roleArn, rootArn, userArn } from '../iam/port.ts'
import { decodeClaims, encodeClaims, SESSION_TOKEN_CHARACTERS_MAX, type SessionClaims } from './session-claims.ts'

export type SessionCredentials = {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
}

export type SessionTokens = {
  /** New credentials. The token has at least `tokenCharactersMin` characters and at most SESSION_TOKEN_CHARACTERS_MAX. */
  issue(claims: SessionClaims, tokenCharactersMin?: number): SessionCredentials
  /**
   * Undefined where the token is not one of this installation for this access key. The same object as long as it is remembered. Whether the
   * session still holds is for who reads the database.
   */
  open(token: string, accessKeyId: string): Session | undefined
}

/** Which keys of the keyring's family `token` seal sessions. */
const PURPOSE = 'session'
const REMEMBERED_MAX = 1_024

type Opened = { readonly token: Buffer; readonly session: Session }

/** One per process: it remembers the tokens that were opened, and no others, so that strangers cannot push these out. */
export function createSessionTokens({
  keyring,
  partition,
  randomBytes,
}: Pick<App, 'keyring' | 'partition' | 'randomBytes'>): SessionTokens {
  const remembered = new Lru<string, Opened>(REMEMBERED_MAX)

  return {
    issue: (claims, tokenCharactersMin) => {
      const { version, key } = keyring.newestKey('token', PURPOSE)
      const accessKeyId = newTemporaryAccessKeyId(claims.account, randomBytes)
      const payload = encodeClaims(claims, tokenCharactersMin)
      const { token, secretAccessKey } = sealSessionToken(key, version, accessKeyId, payload, randomBytes)
      return { accessKeyId, secretAccessKey, sessionToken: token.toString('base64') }
    },

    open: (text, accessKeyId) => {
      const token = decodeToken(text)
      const keyVersion = token && findTokenKeyVersion(token)
      if (token === undefined || keyVersion === undefined) return undefined
      const key = keyring.findKey('token', PURPOSE, keyVersion)
      if (key === undefined) return undefined
      const known = remembered.get(accessKeyId)
      if (known !== undefined && sameBytes(known.token, token)) return known.session

      const opened = openSessionToken(key, accessKeyId, token)
      const claims = opened && decodeClaims(opened.payload)
      if (opened === undefined || claims === undefined) return undefined
      const session: Session = {
        identity: identityOf(partition, accessKeyId, claims),
        secretAccessKey: opened.secretAccessKey,
        expiresMs: claims.expiresAt,
      }
      remembered.set(accessKeyId, { token, session })
      return session
    },
  }
}

/** Decoding skips what is not base64 and ignores spare bits: only the one spelling of a token is a token. */
function decodeToken(text: string): Buffer | undefined {
  if (text.length > SESSION_TOKEN_CHARACTERS_MAX) return undefined
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

function identityOf(partition: string, accessKeyId: string, claims: SessionClaims): Identity {
  const { account, issuedAt, expiresAt, chain, sourceIdentity, provider, mfaAt } = claims
  const { policies, policyArns, tags, transitiveTagKeys } = claims
  const session = {
    issuedAt,
    expiresAt,
    ...(sourceIdentity !== undefined && { sourceIdentity }),
    ...(policies.length > 0 && { policies }),
    ...(policyArns.length > 0 && { policyArns }),
    ...(mfaAt !== undefined && { mfaAt }),
    tags,
    transitiveTagKeys,
    chain,
    context: {
      'aws:TokenIssueTime': new Date(issuedAt).toISOString(),
      'aws:SourceIdentity': sourceIdentity,
      'aws:MultiFactorAuthPresent': String(mfaAt !== undefined),
      'aws:FederatedProvider': provider,
    },
  }
  if (claims.kind !== 'role-session') {
    const { user, name = '' } = claims
    const owner = user === undefined ? rootArn(partition, account) : userArn(partition, account, user)
    const facts = { ...session, ...(user !== undefined && { user: { ...user, arn: owner } }) }
    if (claims.kind === 'federated-user') {
      const arn = federatedUserArn(partition, account, name)
      return { accessKeyId, account, kind: 'federated-user', userId: `${account}:${name}`, arn, session: facts }
    }
    if (user === undefined) return { accessKeyId, account, kind: 'root', userId: account, arn: owner, session: facts }
    const { userId, userName } = user
    return { accessKeyId, account, kind: 'user', userId, arn: owner, userName, session: facts }
  }
  const { role, sessionName } = claims
  return {
    accessKeyId,
    account,
    kind: 'role-session',
    userId: `${role.roleId}:${sessionName}`,
    arn: assumedRoleArn(partition, account, role.roleName, sessionName),
    session: {
      ...session,
      role: { arn: roleArn(partition, account, role), roleId: role.roleId, roleName: role.roleName },
    },
  }
}

export const federatedUserArn = (partition: string, account: string, name: string): string =>
  `arn:${partition}:sts::${account}:federated-user/${name}`

/** Without the path of the role. */
export const assumedRoleArn = (partition: string, account: string, roleName: string, sessionName: string): string =>
  `arn:${partition}:sts::${account}:assumed-role/${roleName}/${sessionName}`
