// AddPermission lets a service, an account, a user or a role use a function, a version or an alias.
// https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html

import { operation } from '../../../operation.ts'
import { boolean, optional, string } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { type FunctionPolicy, policyPart } from '../model.ts'
import { LATEST } from '../names.ts'
import { acceptStatements, statementOf, statementsOf } from '../policy.ts'
import {
  Action,
  EventSourceToken,
  FunctionName,
  Principal,
  PrincipalOrgID,
  Qualifier,
  RevisionId,
  SourceAccount,
  SourceArn,
  StatementId,
} from '../shapes.ts'
import { findPart, updateFunction, writePart } from '../store.ts'
import { existingFunction, functionTarget } from '../target.ts'
import { refuseUnsupported } from '../unsupported.ts'
import { mustBeRevision, readVersion } from '../versions.ts'

export const addPermission = operation({
  name: 'AddPermission',
  readOnly: false,
  http: {
    method: 'POST',
    uri: '/2015-03-31/functions/{FunctionName}/policy',
    code: 201,
    query: { Qualifier: 'Qualifier' },
  },

  input: {
    FunctionName,
    StatementId,
    Action,
    Principal,
    SourceArn: optional(SourceArn),
    FunctionUrlAuthType: optional(string()),
    InvokedViaFunctionUrl: optional(boolean()),
    SourceAccount: optional(SourceAccount),
    EventSourceToken: optional(EventSourceToken),
    Qualifier: optional(Qualifier),
    RevisionId: optional(RevisionId),
    PrincipalOrgID: optional(PrincipalOrgID),
  },

  output: { Statement: optional(string()) },
  target: functionTarget,
  conditions: ({ Principal }) => ({ 'lambda:Principal': Principal }),
  responseElements: ({ Statement }) => ({ statement: Statement }),

  async run(call) {
    const { input, partition, target } = call
    refuseUnsupported({
      FunctionUrlAuthType: input.FunctionUrlAuthType,
      InvokedViaFunctionUrl: input.InvokedViaFunctionUrl,
    })
    const stored = existingFunction(target)
    const { fn } = stored
    const { qualifier } = target.reference
    if (qualifier === LATEST) throw errors.policyOfLatest()
    await readVersion(call, fn, qualifier)
    const part = policyPart(qualifier)
    const policy = await findPart<FunctionPolicy>(call, fn, part)
    mustBeRevision(input.RevisionId, policy?.revisionId)
    const statements = statementsOf(policy)
    if (statements.some(({ Sid }) => Sid === input.StatementId)) throw errors.statementExists(input.StatementId)
    const statement = statementOf(partition, target.resource, input)
    const changed = await acceptStatements(call, [...statements, statement])
    await updateFunction(call, stored, { ...fn, parts: await writePart(call, stored, part, changed) })
    return { Statement: JSON.stringify(statement) }
  },
})
