// Identity providers: issuers of OIDC tokens whose workloads get roles of the account without a key of their own. Who calls them and checks
// their tokens is STS.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html

import type { Transaction } from '../../storage/database.ts'
import * as errors from './errors.ts'
import {
  CLIENT_IDS_PER_PROVIDER_MAX,
  OIDC_PROVIDERS_PER_ACCOUNT_MAX,
  type OidcProviderBody,
  oidcProviderArn,
  type ProviderKey,
  type Tag,
} from './model.ts'
import {
  ACCOUNT,
  countRows,
  findRow,
  type IamReader,
  insertRow,
  isSuspended,
  OIDC_PROVIDER,
  replaceRow,
  type Stored,
} from './store.ts'

/**
 * The URL of a provider as its ARN has it, without `https://`. A host, a port where it is not 443, a path; neither user nor query.
 * @throws ValidationError
 */
export function providerUrl(text: string): string {
  const url = URL.parse(text)
  const rest = text.slice('https://'.length)
  const plain =
    url?.protocol === 'https:' && /^https:\/\/[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:\/[A-Za-z0-9._~/-]*)?$/.test(text)
  if (!plain) throw errors.invalidProviderUrl()
  return rest
}

/** @throws ServiceError EntityAlreadyExists, LimitExceeded, InvalidInput */
export async function createOidcProvider(
  app: IamReader,
  tx: Transaction,
  account: string,
  provider: Omit<OidcProviderBody, 'createdAt'> & { readonly now: number },
): Promise<string> {
  const { now, url, clientIds, thumbprints, tags } = provider
  const arn = oidcProviderArn(app.partition, account, url)
  if ((await findRow(app, tx, OIDC_PROVIDER, [account, arn])) !== undefined) throw errors.oidcProviderExists(url)
  const count = await countRows(tx, OIDC_PROVIDER, account, OIDC_PROVIDERS_PER_ACCOUNT_MAX)
  if (count >= OIDC_PROVIDERS_PER_ACCOUNT_MAX) {
    throw errors.quotaExceeded('OpenIdConnectProvidersPerAccount', OIDC_PROVIDERS_PER_ACCOUNT_MAX)
  }
  await insertRow(app, tx, OIDC_PROVIDER, [account, arn], {
    url,
    clientIds: mustFit([...new Set(clientIds)]),
    thumbprints: plainThumbprints(thumbprints),
    createdAt: now,
    tags,
  })
  return arn
}

type Change = Partial<Pick<OidcProviderBody, 'clientIds' | 'thumbprints'>> & { readonly tags?: readonly Tag[] }

/** Tokens of the provider are checked with these keys alone from now on, and the issuer is not called; `undefined` takes that back. */
export async function setProviderKeys(
  app: IamReader,
  tx: Transaction,
  { key, rev, body: { keys: _, ...body } }: Stored<OidcProviderBody>,
  keys: readonly ProviderKey[] | undefined,
): Promise<void> {
  await replaceRow(app, tx, OIDC_PROVIDER, { key, rev, body }, { ...body, ...(keys && { keys }) })
}

/** @throws ServiceError LimitExceeded, InvalidInput */
export async function updateOidcProvider(
  app: IamReader,
  tx: Transaction,
  provider: Stored<OidcProviderBody>,
  { clientIds, thumbprints, tags }: Change,
): Promise<void> {
  await replaceRow(app, tx, OIDC_PROVIDER, provider, {
    ...provider.body,
    ...(clientIds && { clientIds: mustFit(clientIds) }),
    ...(thumbprints && { thumbprints: plainThumbprints(thumbprints) }),
    ...(tags && { tags }),
  })
}

function mustFit(clientIds: readonly string[]): readonly string[] {
  if (clientIds.length > CLIENT_IDS_PER_PROVIDER_MAX) {
    throw errors.quotaExceeded('ClientIdsPerOpenIdConnectProvider', CLIENT_IDS_PER_PROVIDER_MAX)
  }
  return clientIds
}

function plainThumbprints(thumbprints: readonly string[]): readonly string[] {
  if (!thumbprints.every((one) => /^[0-9A-Fa-f]{40}$/.test(one))) throw errors.invalidThumbprint()
  return thumbprints.map((one) => one.toLowerCase())
}

export type OidcProvider = Pick<OidcProviderBody, 'url' | 'clientIds' | 'thumbprints' | 'keys'> & {
  readonly arn: string
}

/** The provider of an open account for tokens of this issuer (`iss`), with `https://`. */
export async function findOidcProvider(
  app: IamReader,
  tx: Transaction,
  account: string,
  issuer: string,
): Promise<OidcProvider | undefined> {
  if (!issuer.startsWith('https://') || issuer.length > 2_048) return undefined
  const arn = oidcProviderArn(app.partition, account, issuer.slice('https://'.length))
  const [owner, stored] = await Promise.all([
    findRow(app, tx, ACCOUNT, [account]),
    findRow(app, tx, OIDC_PROVIDER, [account, arn]),
  ])
  if (owner === undefined || isSuspended(owner) || stored === undefined) return undefined
  const { url, clientIds, thumbprints, keys } = stored.body
  return { arn, url, clientIds, thumbprints, ...(keys && { keys }) }
}
