// GetPolicy shows the policy of a function, a version or an alias.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetPolicy.html

import { operation } from '../../../operation.ts'
import { optional, string } from '../../../shape/shape.ts'
import { shownDocument } from '../../iam/port.ts'
import * as errors from '../errors.ts'
import { type FunctionPolicy, policyPart } from '../model.ts'
import { FunctionName, Qualifier, RevisionId } from '../shapes.ts'
import { findPart } from '../store.ts'
import { existingFunction, functionTarget } from '../target.ts'

export const getPolicy = operation({
  name: 'GetPolicy',
  readOnly: true,
  http: {
    method: 'GET',
    uri: '/2015-03-31/functions/{FunctionName}/policy',
    code: 200,
    query: { Qualifier: 'Qualifier' },
  },
  input: { FunctionName, Qualifier: optional(Qualifier) },
  output: { Policy: optional(string()), RevisionId: optional(RevisionId) },
  target: functionTarget,

  async run(call) {
    const { fn } = existingFunction(call.target)
    const policy = await findPart<FunctionPolicy>(call, fn, policyPart(call.target.reference.qualifier))
    if (policy === undefined) throw errors.policyNotFound()
    return { Policy: await shownDocument(call.app, call.tx, policy), RevisionId: policy.revisionId }
  },
})
