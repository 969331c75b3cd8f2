// RemovePermission takes a statement out of the policy of a function, a version or an alias.
// https://docs.aws.amazon.com/lambda/latest/api/API_RemovePermission.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { type FunctionPolicy, policyPart } from '../model.ts'
import { statementsOf } from '../policy.ts'
import { FunctionName, Qualifier, RevisionId, StatementId } from '../shapes.ts'
import { findPart, removePart, updateFunction, writePart } from '../store.ts'
import { existingFunction, functionTarget } from '../target.ts'
import { mustBeRevision } from '../versions.ts'

export const removePermission = operation({
  name: 'RemovePermission',
  readOnly: false,
  http: {
    method: 'DELETE',
    uri: '/2015-03-31/functions/{FunctionName}/policy/{StatementId}',
    code: 204,
    query: { Qualifier: 'Qualifier', RevisionId: 'RevisionId' },
  },
  input: { FunctionName, StatementId, Qualifier: optional(Qualifier), RevisionId: optional(RevisionId) },
  target: functionTarget,

  async run(call) {
    const { app, input, target } = call
    const stored = existingFunction(target)
    const { fn } = stored
    const part = policyPart(target.reference.qualifier)
    const policy = await findPart<FunctionPolicy>(call, fn, part)
    if (policy === undefined) throw errors.policyNotFound()
    mustBeRevision(input.RevisionId, policy.revisionId)
    const statements = statementsOf(policy)
    const left = statements.filter(({ Sid }) => Sid !== input.StatementId)
    if (left.length === statements.length) throw errors.statementNotFound(input.StatementId)
    const document = JSON.stringify({ ...JSON.parse(policy.document), Statement: left })
    const parts =
      left.length === 0
        ? await removePart(call, fn, part)
        : await writePart(call, stored, part, { ...policy, document, revisionId: app.uuid() })
    await updateFunction(call, stored, { ...fn, parts })
    return {}
  },
})
