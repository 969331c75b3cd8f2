// Which workload gets which role: associations of the service accounts of a Kubernetes cluster, known by the OIDC provider of its issuer, with
// roles of the same account. What an account associates is for tokens of its own providers, and nothing to any other account.
// https://docs.aws.amazon.com/eks/latest/userguide/pod-identities.html

import { createHash } from 'node:crypto'
import type { Transaction } from '../../storage/database.ts'
import * as errors from './errors.ts'
import { POD_IDENTITIES_PER_ACCOUNT_MAX, type PodIdentityBody } from './model.ts'
import { type Page, pageOf } from './paging.ts'
import {
  countRows,
  deleteRow,
  findByName,
  findRow,
  type IamReader,
  type IamWriter,
  insertRow,
  listByName,
  type NamedTable,
  type Stored,
} from './store.ts'
import { newAssociationId } from './unique-id.ts'

/** Keyed by account and association id. */
const POD_IDENTITY: NamedTable<PodIdentityBody> = {
  name: 'iam_pod_identity',
  keyColumns: ['account_id', 'association_id'],
  nameColumn: 'service_account_key',
  lookupColumns: ['service_account_key'],
  lookup: (body) => [serviceAccountKey(body)],
}

export type ServiceAccount = Pick<PodIdentityBody, 'provider' | 'namespace' | 'serviceAccount'>

/** In lower case, as names of Kubernetes are; the ARN of the provider, whose case counts, by its digest. */
const serviceAccountKey = ({ provider, namespace, serviceAccount }: ServiceAccount): string =>
  `${createHash('sha256').update(provider).digest('hex')} ${namespace}:${serviceAccount}`

/** @throws ServiceError ResourceInUseException, ResourceLimitExceededException */
export async function createPodIdentity(
  app: IamWriter,
  tx: Transaction,
  account: string,
  body: PodIdentityBody,
): Promise<Stored<PodIdentityBody>> {
  const existing = await findByName(app, tx, POD_IDENTITY, account, serviceAccountKey(body))
  if (existing !== undefined) throw errors.podIdentityExists(existing.key[1]!)
  if ((await countRows(tx, POD_IDENTITY, account, POD_IDENTITIES_PER_ACCOUNT_MAX)) >= POD_IDENTITIES_PER_ACCOUNT_MAX) {
    throw errors.tooManyPodIdentities(POD_IDENTITIES_PER_ACCOUNT_MAX)
  }
  return insertRow(app, tx, POD_IDENTITY, [account, newAssociationId(app.randomBytes)], body)
}

export const findPodIdentity = (
  app: IamReader,
  tx: Transaction,
  account: string,
  associationId: string,
): Promise<Stored<PodIdentityBody> | undefined> => findRow(app, tx, POD_IDENTITY, [account, associationId])

/** What the account associates with a service account. */
export const findPodIdentityOf = (
  app: IamReader,
  tx: Transaction,
  account: string,
  serviceAccount: ServiceAccount,
): Promise<Stored<PodIdentityBody> | undefined> =>
  findByName(app, tx, POD_IDENTITY, account, serviceAccountKey(serviceAccount))

/** By provider, namespace and service account. @throws ServiceError for a token that is none of this list. */
export const listPodIdentities = (
  app: IamReader,
  tx: Transaction,
  account: string,
  { nextToken, maxResults }: { readonly nextToken: string | undefined; readonly maxResults: number | undefined },
): Promise<Page<Stored<PodIdentityBody>>> =>
  pageOf({ app, account, input: { Marker: nextToken, MaxItems: maxResults } }, 'ListPodIdentityAssociations', {
    read: (after, limit) => listByName(app, tx, POD_IDENTITY, account, after, limit),
    place: ({ body }) => serviceAccountKey(body),
  })

/** Sessions that were given out go on until they expire. */
export const deletePodIdentity = async (tx: Transaction, { key }: Stored<PodIdentityBody>): Promise<void> => {
  await deleteRow(tx, POD_IDENTITY, key)
}
