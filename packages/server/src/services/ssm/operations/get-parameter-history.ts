// GetParameterHistory returns the versions of a parameter that are kept, oldest first.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameterHistory.html

import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { latestOf } from '../model.ts'
import { openNextToken, sealNextToken } from '../paging.ts'
import { shownFormerPolicies, shownPolicies } from '../policies.ts'
import { Decryption, MaxResults, NextToken, ParameterHistory, ParameterName } from '../shapes.ts'
import { readVersion } from '../store.ts'
import { existingParameter, readableTarget } from '../target.ts'
import { readValue } from '../value.ts'

const PAGE_MAX = 50

export const getParameterHistory = operation({
  name: 'GetParameterHistory',
  readOnly: true,

  input: {
    Name: ParameterName,
    WithDecryption: Decryption,
    MaxResults: optional(MaxResults),
    NextToken: optional(NextToken),
  },

  output: { Parameters: optional(list(ParameterHistory)), NextToken: optional(NextToken) },

  target: readableTarget,

  async run(call) {
    const { input, target } = call
    if (target.reference.selector !== undefined) throw errors.invalidName()
    const { parameter } = existingParameter(target)
    const question = [parameter.id]
    const after = Number(openNextToken(call, 'GetParameterHistory', question, input.NextToken))
    const entries = parameter.versions.filter(({ version }) => version > after)
    const page = entries.slice(0, input.MaxResults ?? PAGE_MAX)
    const Parameters: { readonly [member: string]: unknown }[] = []
    for (const entry of page) {
      const version = await readVersion(call, parameter, entry)
      const { policies = [], modifiedAt, modifiedBy, keyId, description, allowedPattern, tier, dataType } = version
      Parameters.push({
        Name: parameter.name,
        Type: parameter.type,
        KeyId: keyId,
        LastModifiedDate: modifiedAt,
        LastModifiedUser: modifiedBy,
        Description: description,
        Value: await readValue(call, target.resource, parameter, version, input.WithDecryption),
        AllowedPattern: allowedPattern,
        Version: version.version,
        Labels: entry.labels,
        Tier: tier,
        Policies: entry === latestOf(parameter) ? shownPolicies(parameter.policies) : shownFormerPolicies(policies),
        DataType: dataType,
      })
    }
    const next = page.length < entries.length ? String(page.at(-1)!.version) : undefined
    return { Parameters, NextToken: sealNextToken(call, 'GetParameterHistory', question, next) }
  },
})
