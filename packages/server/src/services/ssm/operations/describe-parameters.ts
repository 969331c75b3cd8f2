// DescribeParameters lists what there is to know of parameters but their values, in the order of their names.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeParameters.html

import type { Call } from '../../../call.ts'
import { operation } from '../../../operation.ts'
import { boolean, list, optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { compileFilters, rangeOf } from '../filters.ts'
import { latestOf } from '../model.ts'
import { parameterArn } from '../names.ts'
import { openNextToken, readPage, sealNextToken } from '../paging.ts'
import { shownPolicies } from '../policies.ts'
import { Filters, MaxResults, NextToken, ParameterFilters, ParameterMetadata } from '../shapes.ts'
import type { StoredParameter } from '../store.ts'
import { accountTarget } from '../target.ts'

const PAGE_MAX = 10

export const describeParameters = operation({
  name: 'DescribeParameters',
  readOnly: true,

  input: {
    Filters: optional(Filters),
    ParameterFilters: optional(ParameterFilters),
    MaxResults: optional(MaxResults),
    NextToken: optional(NextToken),
    Shared: optional(boolean()),
  },

  output: { Parameters: optional(list(ParameterMetadata)), NextToken: optional(NextToken) },

  target: accountTarget,

  async run(call) {
    const { Filters: former, ParameterFilters: given, MaxResults: max, Shared = false } = call.input
    if (former !== undefined && given !== undefined) throw errors.bothFilters()
    const filters = given ?? former ?? []
    const passes = compileFilters(filters)
    const question = [filters, Shared]
    const after = openNextToken(call, 'DescribeParameters', question, call.input.NextToken)
    // What RAM's standard resource shares share: there is no RAM here, and AWS does not list what PutResourcePolicy alone shares.
    if (Shared) return { Parameters: [] }
    const page = await readPage(
      call,
      rangeOf(filters),
      after,
      max ?? PAGE_MAX,
      (stored) => (passes(stored) ? stored : undefined),
      filters.length === 0,
    )
    return {
      Parameters: page.items.map((stored) => metadata(call, stored)),
      NextToken: sealNextToken(call, 'DescribeParameters', question, page.next),
    }
  },
})

function metadata({ partition }: Call, { account, region, path, parameter }: StoredParameter) {
  const { details, policies } = parameter
  return {
    Name: parameter.name,
    ARN: parameterArn({ partition, region, account }, path),
    Type: parameter.type,
    KeyId: details.keyId,
    LastModifiedDate: details.modifiedAt,
    LastModifiedUser: details.modifiedBy,
    Description: details.description,
    AllowedPattern: details.allowedPattern,
    Version: latestOf(parameter).version,
    Tier: details.tier,
    Policies: shownPolicies(policies),
    DataType: details.dataType,
  }
}
