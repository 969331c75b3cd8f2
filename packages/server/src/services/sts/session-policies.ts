// The session policies of a call: a document and the ARNs of managed policies of the role's account, or of AWS. Together they say what the
// session may at most.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session

import type { App } from '../../app.ts'
import { compilePolicy } from '../../policy/compile.ts'
import { MalformedPolicyError } from '../../policy/errors.ts'
import type { Transaction } from '../../storage/database.ts'
import { sessionPolicyExists } from '../iam/port.ts'
import * as errors from './errors.ts'
import type { SessionClaims } from './session-claims.ts'
import { SESSION_POLICIES_CHARACTERS_MAX } from './shapes.ts'

export type SessionPoliciesInput = {
  readonly Policy?: string | undefined
  readonly PolicyArns?: readonly { readonly arn?: string | undefined }[] | undefined
}

/** @throws MalformedPolicyDocument; ValidationError for policies that do not exist, or are too long together. */
export async function readSessionPolicies(
  app: App,
  tx: Transaction,
  account: string,
  { Policy, PolicyArns = [] }: SessionPoliciesInput,
): Promise<Pick<SessionClaims, 'policies' | 'policyArns'>> {
  const policies = Policy === undefined ? [] : [Policy]
  const policyArns = PolicyArns.map(({ arn }, index) => {
    if (arn === undefined) throw errors.policyArnMissing(index)
    return arn
  })
  const characters = [...policies, ...policyArns].reduce((sum, text) => sum + text.length, 0)
  if (characters > SESSION_POLICIES_CHARACTERS_MAX) throw errors.sessionPoliciesTooLong(SESSION_POLICIES_CHARACTERS_MAX)
  for (const document of policies) mustCompile(document)
  for (const arn of policyArns) if (!(await sessionPolicyExists(app, tx, account, arn))) throw errors.noSuchPolicy(arn)
  return { policies, policyArns }
}

function mustCompile(document: string): void {
  try {
    compilePolicy(document, 'session')
  } catch (error) {
    throw error instanceof MalformedPolicyError ? errors.malformedPolicy(error.message) : error
  }
}
