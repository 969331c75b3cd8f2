// What lists of managed policies page through: the policies that an account can attach, and who has one of them.

import type { Call } from '../../call.ts'
import { managedPolicies } from './managed-policies.ts'
import type { AttachedPolicy, PolicyBody } from './model.ts'
import type { Source } from './paging.ts'
import {
  type AttachedAs,
  countAttachments,
  findRow,
  GROUP,
  type Holder,
  type HolderKind,
  type IamReader,
  listHolders,
  listPolicies,
  ROLE,
  type Stored,
  USER,
} from './store.ts'

type Usage = 'PermissionsPolicy' | 'PermissionsBoundary'

const USED_AS: { readonly [usage in Usage]: AttachedAs } = {
  PermissionsPolicy: 'policy',
  PermissionsBoundary: 'boundary',
}

type PoliciesCall = Pick<Call, 'app' | 'tx' | 'account' | 'partition'> & {
  readonly input: {
    readonly Scope?: 'All' | 'AWS' | 'Local' | undefined
    readonly OnlyAttached?: boolean | undefined
    readonly PathPrefix?: string | undefined
    readonly PolicyUsageFilter?: Usage | undefined
  }
}

/**
 * Those of AWS, then those of the account, each by ARN. With PolicyUsageFilter only those that something has in this way; with OnlyAttached
 * those that something has in any.
 */
export function policySource(call: PoliciesCall): Source<Stored<PolicyBody>> {
  const { app, tx, account, partition, input } = call
  const { Scope = 'All', OnlyAttached = false, PathPrefix = '/', PolicyUsageFilter: usage } = input
  const usedAs: readonly AttachedAs[] | undefined =
    usage !== undefined ? [USED_AS[usage]] : OnlyAttached ? ['policy', 'boundary'] : undefined

  const ofAws = async (): Promise<readonly Stored<PolicyBody>[]> => {
    const policies = managedPolicies(partition).filter(({ body }) => body.path.startsWith(PathPrefix))
    if (usedAs === undefined) return policies
    const counts = await countAttachments(tx, account, policies.map(arnOf))
    return policies.filter((policy) => usedAs.some((use) => (counts.get(arnOf(policy))?.[use] ?? 0) > 0))
  }

  // No character of a path or a name comes after `~`.
  const from = `arn:${partition}:iam::${account}:policy${PathPrefix}`
  const range = { from, to: `${from}\x7f`, usedAs }

  return {
    place: arnOf,
    read: async (after, limit) => {
      const isOwn = after.startsWith(`arn:${partition}:iam::${account}:`)
      const aws = Scope === 'Local' || isOwn ? [] : (await ofAws()).filter((policy) => arnOf(policy) > after)
      const page = aws.slice(0, limit)
      if (Scope === 'AWS' || page.length === limit) return page
      return [...page, ...(await listPolicies(app, tx, account, range, isOwn ? after : '', limit - page.length))]
    },
  }
}

const arnOf = ({ key }: Stored<PolicyBody>): string => key[1]!

type EntitiesCall = Pick<Call, 'app' | 'tx' | 'account'> & {
  readonly input: {
    readonly EntityFilter?: 'User' | 'Role' | 'Group' | 'LocalManagedPolicy' | 'AWSManagedPolicy' | undefined
    readonly PathPrefix?: string | undefined
    readonly PolicyUsageFilter?: Usage | undefined
  }
}

/** Who has a policy. The index may only lead to it: `path` is undefined where the holder's own row does not list the policy. */
export type Entity = Holder & { readonly name: string; readonly path: string | undefined }

const KINDS: { readonly [filter: string]: HolderKind } = { User: 'user', Group: 'group', Role: 'role' }

/** In the order of kinds and ids. Policies hold no policies, so that a filter for them lists nothing. */
export function entitySource(call: EntitiesCall, policy: Stored<PolicyBody>): Source<Entity> {
  const { app, tx, account, input } = call
  const { EntityFilter: filter, PathPrefix = '/', PolicyUsageFilter: usage } = input
  const kind = filter === undefined ? undefined : KINDS[filter]
  if (filter !== undefined && kind === undefined) return { place: placeOf, read: async () => [] }
  const usedAs = usage && USED_AS[usage]
  return {
    place: placeOf,
    read: async (after, limit) => {
      const holders = await listHolders(tx, account, arnOf(policy), { usedAs, kind }, holderAt(after), limit)
      const entities: Entity[] = []
      for (const holder of holders) entities.push(await entityOf(app, tx, account, holder, policy, usedAs))
      return entities
    },
    passes: ({ path }) => path?.startsWith(PathPrefix) === true,
  }
}

const placeOf = ({ kind, id }: Holder): string => `${kind}/${id}`

function holderAt(place: string): Holder | undefined {
  const [kind, id = ''] = place.split('/')
  return place === '' ? undefined : { kind: kind as HolderKind, id }
}

type Holding = {
  readonly path: string
  readonly attachedPolicies: readonly AttachedPolicy[]
  readonly boundary?: AttachedPolicy
}

async function entityOf(
  app: IamReader,
  tx: Call['tx'],
  account: string,
  { kind, id }: Holder,
  policy: Stored<PolicyBody>,
  usedAs: AttachedAs | undefined,
): Promise<Entity> {
  const { name, body } = await findHolder(app, tx, account, kind, id)
  const isThis = (attached: AttachedPolicy | undefined): boolean =>
    attached?.arn === arnOf(policy) && (attached.policyId ?? policy.body.policyId) === policy.body.policyId
  const holds =
    (usedAs !== 'boundary' && body?.attachedPolicies.some(isThis)) || (usedAs !== 'policy' && isThis(body?.boundary))
  return { kind, id, name, path: holds ? body?.path : undefined }
}

async function findHolder(
  app: IamReader,
  tx: Call['tx'],
  account: string,
  kind: HolderKind,
  id: string,
): Promise<{ readonly name: string; readonly body: Holding | undefined }> {
  const key = [account, id]
  switch (kind) {
    case 'user': {
      const body = (await findRow(app, tx, USER, key))?.body
      return { name: body?.userName ?? '', body }
    }
    case 'group': {
      const body = (await findRow(app, tx, GROUP, key))?.body
      return { name: body?.groupName ?? '', body }
    }
    case 'role': {
      const body = (await findRow(app, tx, ROLE, key))?.body
      return { name: body?.roleName ?? '', body }
    }
  }
}

export const shownEntities = (entities: readonly Entity[]) => {
  const of = (wanted: HolderKind) => entities.filter(({ kind }) => kind === wanted)
  return {
    PolicyGroups: of('group').map(({ name, id }) => ({ GroupName: name, GroupId: id })),
    PolicyUsers: of('user').map(({ name, id }) => ({ UserName: name, UserId: id })),
    PolicyRoles: of('role').map(({ name, id }) => ({ RoleName: name, RoleId: id })),
  }
}
