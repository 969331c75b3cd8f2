// Tags of a parameter: AddTagsToResource, RemoveTagsFromResource and ListTagsForResource name it by type and id, as they do resources that this
// server does not have.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-tagging.html

import type { Call } from '../../call.ts'
import { ServiceError } from '../../errors.ts'
import type { Target } from '../../operation.ts'
import * as errors from './errors.ts'
import { parseName } from './names.ts'
import type { StoredParameter } from './store.ts'
import { type ParameterTarget, resolve } from './target.ts'

type Input = { readonly ResourceType: string; readonly ResourceId: string }

/** `stored` is undefined for whatever is no parameter, or none that is there. */
export type TaggedTarget = Target & Partial<Pick<ParameterTarget, 'stored'>>

export async function taggedTarget(call: Call<Input>): Promise<TaggedTarget> {
  const { ResourceType, ResourceId } = call.input
  const { partition, region, account } = call
  try {
    if (ResourceType === 'Parameter') return await resolve(call, { account, region, path: parseName(call, ResourceId) })
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
  }
  const resource = `arn:${partition}:ssm:${region}:${account}:${ResourceType.toLowerCase()}/${ResourceId}`
  return { resource, shown: resource, account }
}

/** @throws ServiceError InvalidResourceType, InvalidResourceId */
export function taggedParameter({ ResourceType }: Input, { stored }: TaggedTarget): StoredParameter {
  if (ResourceType !== 'Parameter') throw errors.invalidResourceType()
  if (stored === undefined) throw errors.invalidResourceId()
  return stored
}
