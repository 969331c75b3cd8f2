// What GetAccountAuthorizationDetails pages through: the users, groups and roles of an account, its managed policies, and those of AWS that
// something in the account has.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html

import type { Call } from '../../call.ts'
import type { ValueOf } from '../../shape/shape.ts'
import { attachedSource, shownAttached } from './attachments.ts'
import { listedPolicy, listedRole, listedUser, shownBoundary, shownGroup, shownRoleUse } from './details.ts'
import { encodedDocument } from './documents.ts'
import type { AttachedPolicy, GroupBody, InlinePolicy, PolicyBody, RoleBody, UserBody } from './model.ts'
import { namedSource, type Source } from './paging.ts'
import { readPolicyVersion } from './policies.ts'
import { policySource } from './policy-lists.ts'
import type { GroupDetail, ManagedPolicyDetail, RoleDetail, UserDetail } from './shapes.ts'
import { countAttachments, GROUP, ROLE, readGroups, type Stored, USER } from './store.ts'
import { shownTags } from './tags.ts'

type Filter = 'User' | 'Group' | 'Role' | 'LocalManagedPolicy' | 'AWSManagedPolicy'

type DetailsCall = Pick<Call, 'app' | 'tx' | 'account' | 'partition' | 'now'> & {
  readonly input: { readonly Filter?: readonly Filter[] | undefined }
}

/** The list of the answer that an item goes into, with what is shown of it. Its place begins with the first letter of its kind. */
export type Detail = { readonly place: string } & (
  | { readonly list: 'UserDetailList'; readonly shown: ValueOf<typeof UserDetail> }
  | { readonly list: 'GroupDetailList'; readonly shown: ValueOf<typeof GroupDetail> }
  | { readonly list: 'RoleDetailList'; readonly shown: ValueOf<typeof RoleDetail> }
  | { readonly list: 'Policies'; readonly shown: ValueOf<typeof ManagedPolicyDetail> }
)

/** In the order of kinds as they stand here, each as its own list has it. Without a filter all of them. */
export function authorizationSource(call: DetailsCall): Source<Detail> {
  const { Filter: wanted } = call.input
  const policies = (Scope: 'AWS' | 'Local') =>
    policySource({ ...call, input: { Scope, OnlyAttached: Scope === 'AWS' } })
  const policy = async (stored: Stored<PolicyBody>) =>
    ({ list: 'Policies', shown: await policyDetail(call, stored) }) as const
  const sources = [
    sourceOf('User', namedSource(call, USER), async (user) => ({
      list: 'UserDetailList',
      shown: await userDetail(call, user),
    })),
    sourceOf('Group', namedSource(call, GROUP), async (group) => ({
      list: 'GroupDetailList',
      shown: await groupDetail(call, group),
    })),
    sourceOf('Role', namedSource(call, ROLE), async (role) => ({
      list: 'RoleDetailList',
      shown: await roleDetail(call, role),
    })),
    sourceOf('LocalManagedPolicy', policies('Local'), policy),
    sourceOf('AWSManagedPolicy', policies('AWS'), policy),
  ].filter(({ kind }) => !wanted?.length || wanted.includes(kind))
  return {
    place: ({ place }) => place,
    weight: ({ shown }) => JSON.stringify(shown).length,
    read: async (after, limit) => {
      const items: Detail[] = []
      const from = sources.findIndex(({ kind }) => after[0] === kind[0])
      for (const { kind, read } of sources.slice(Math.max(from, 0))) {
        const place = after[0] === kind[0] ? after.slice(1) : ''
        if (items.length < limit) items.push(...(await read(place, limit - items.length)))
      }
      return items
    },
  }
}

type Shown = Detail extends infer D ? (D extends Detail ? Omit<D, 'place'> : never) : never

function sourceOf<T>(kind: Filter, { read, place }: Source<T>, show: (item: T) => Promise<Shown>) {
  return {
    kind,
    read: async (after: string, limit: number): Promise<readonly Detail[]> => {
      const details: Detail[] = []
      for (const item of await read(after, limit)) {
        details.push({ ...(await show(item)), place: kind[0] + place(item) } as Detail)
      }
      return details
    },
  }
}

async function userDetail({ app, tx, account, partition }: DetailsCall, user: Stored<UserBody>) {
  const { inlinePolicies, boundary, tags, groups } = user.body
  return {
    ...listedUser(partition, user),
    UserPolicyList: shownInline(inlinePolicies),
    GroupList: (await readGroups(app, tx, account, groups)).map(({ body }) => body.groupName),
    AttachedManagedPolicies: await shownPolicies(user.body),
    ...shownBoundary(boundary),
    Tags: shownTags(tags),
  }
}

const groupDetail = async ({ partition }: DetailsCall, group: Stored<GroupBody>) => ({
  ...shownGroup(partition, group),
  GroupPolicyList: shownInline(group.body.inlinePolicies),
  AttachedManagedPolicies: await shownPolicies(group.body),
})

async function roleDetail(call: DetailsCall, stored: Stored<RoleBody>) {
  const { Description: _, MaxSessionDuration: __, ...role } = await listedRole(call, stored)
  const { inlinePolicies, boundary, tags } = stored.body
  return {
    ...role,
    InstanceProfileList: [],
    RolePolicyList: shownInline(inlinePolicies),
    AttachedManagedPolicies: await shownPolicies(stored.body),
    ...shownBoundary(boundary),
    Tags: shownTags(tags),
    RoleLastUsed: await shownRoleUse(call, stored),
  }
}

async function policyDetail({ app, tx, account }: DetailsCall, policy: Stored<PolicyBody>) {
  const { body, key } = policy
  const arn = key[1]!
  const PolicyVersionList = []
  for (const { versionId, createdAt } of body.versions.toReversed()) {
    const { document } = await readPolicyVersion(app, tx, policy, versionId)
    PolicyVersionList.push({
      Document: encodedDocument(document),
      VersionId: versionId,
      IsDefaultVersion: versionId === body.defaultVersionId,
      CreateDate: createdAt,
    })
  }
  return {
    ...listedPolicy(policy, (await countAttachments(tx, account, [arn])).get(arn)),
    ...(body.description !== undefined && { Description: body.description }),
    PolicyVersionList,
  }
}

const shownInline = (policies: readonly InlinePolicy[]) =>
  policies.map(({ policyName, document }) => ({ PolicyName: policyName, PolicyDocument: encodedDocument(document) }))

const shownPolicies = async (holder: { readonly attachedPolicies: readonly AttachedPolicy[] }) =>
  (await attachedSource(holder).read('', holder.attachedPolicies.length)).map(shownAttached)
