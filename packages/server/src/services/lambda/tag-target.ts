// The function whose ARN the tag operations take.
// https://docs.aws.amazon.com/lambda/latest/dg/tagging-resources.html

import type { Call } from '../../call.ts'
import * as errors from './errors.ts'
import { parseFunctionName } from './names.ts'
import { type FunctionTarget, resolveFunction } from './target.ts'

/** @throws ServiceError InvalidParameterValueException for the ARN of anything else, of a version and of an alias too */
export async function tagTarget(call: Call<{ readonly Resource: string }>): Promise<FunctionTarget> {
  const { Resource } = call.input
  if (Resource.split(':')[5] !== 'function') throw errors.notTaggable()
  const reference = parseFunctionName(call, Resource)
  if (reference.qualifier !== undefined) throw errors.notTaggable()
  return resolveFunction(call, reference)
}
