// Which database a call is about, and what policies and refusals may see of it. Databases of other accounts cannot be named.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonrds.html

import type { Call } from '../../call.ts'
import type { Target } from '../../operation.ts'
import * as errors from './errors.ts'
import { databaseArn, type Kind, parseIdentifier, parseReference, RESOURCE_TYPES } from './model.ts'
import { findDatabase, type StoredDatabase } from './store.ts'
import { resourceTagContext } from './tags.ts'

export type DatabaseTarget = Target & {
  readonly kind: Kind
  /** As it was named. */
  readonly named: string
  readonly identifier: string | undefined
  /** Undefined where there is none: known to `run`, but not told before authorization. */
  readonly stored: StoredDatabase | undefined
}

/** What an identifier or ARN means to the caller. @param waiting whether an endpoint that waits for Create is found */
export async function resolveDatabase(call: Call, kind: Kind, named: string, waiting = false): Promise<DatabaseTarget> {
  const { account, region } = call
  const identifier = parseReference(call, kind, named)
  const found = identifier === undefined ? undefined : await findDatabase(call, { account, region, kind, identifier })
  const stored = found?.database.awaitsCreate && !waiting ? undefined : found
  // What is elsewhere is asked for by its ARN, so that no policy for the caller's own databases covers it.
  const resource =
    identifier === undefined && named.startsWith('arn:') ? named : databaseArn(call, kind, identifier ?? named)
  return {
    resource,
    shown: resource,
    account,
    resourceType: RESOURCE_TYPES[kind],
    kind,
    named,
    identifier,
    stored,
    ...(stored && { context: resourceTagContext(kind, stored.database.tags) }),
  }
}

export const instanceTarget = (call: Call<{ readonly DBInstanceIdentifier: string }>) =>
  resolveDatabase(call, 'db', call.input.DBInstanceIdentifier)

export const clusterTarget = (call: Call<{ readonly DBClusterIdentifier: string }>) =>
  resolveDatabase(call, 'cluster', call.input.DBClusterIdentifier)

/** @throws ServiceError DBInstanceNotFound, DBClusterNotFoundFault */
export function existingDatabase({ stored, kind, named }: DatabaseTarget): StoredDatabase {
  if (stored === undefined) throw errors.notFound(kind, named)
  return stored
}

/** @throws InvalidParameterValue for an ARN that is of no database */
export function arnTarget(call: Call<{ readonly ResourceName: string }>): Promise<DatabaseTarget> {
  const { ResourceName: arn } = call.input
  const match = /^arn:[a-z-]+:rds:[a-z0-9-]*:\d{12}:(db|cluster):([^:]+)$/.exec(arn)
  if (match === null || parseIdentifier(match[2]!) === undefined) {
    throw errors.invalidValue(`Invalid resource name: ${arn}`)
  }
  return resolveDatabase(call, match[1] as Kind, arn)
}
