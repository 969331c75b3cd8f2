// The condition keys that policies ask for: in their conditions, and as policy variables.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html

import { IntegrityError } from '../../errors.ts'
import { compilePolicy } from '../../policy/compile.ts'
import { MalformedPolicyError } from '../../policy/errors.ts'
import { list, string } from '../../shape/shape.ts'
import type { Transaction } from '../../storage/database.ts'
import * as errors from './errors.ts'
import { storedManagedPolicy } from './managed-policies.ts'
import { PolicyDocument } from './shapes.ts'
import { findPolicies, findRow, type IamReader, POLICY, type PolicyHolder, readGroups } from './store.ts'

export const ContextKeyNames = list(string())
export const ContextPolicies = list(PolicyDocument, { max: 100 })

/**
 * Each key once, whatever its case, as it is written first.
 * @throws InvalidInput for what is no policy of an identity.
 */
export function contextKeysOf(documents: readonly string[]): readonly string[] {
  const names = new Map<string, string>()
  for (const document of documents) {
    for (const name of keysIn(document)) if (!names.has(name.toLowerCase())) names.set(name.toLowerCase(), name)
  }
  return [...names.values()]
}

function keysIn(document: string): readonly string[] {
  try {
    compilePolicy(document, 'identity')
  } catch (error) {
    throw error instanceof MalformedPolicyError ? errors.invalidPolicyInput(error.message) : error
  }
  const { Version, Statement } = JSON.parse(document) as Policy
  return [Statement].flat().flatMap(({ Resource, NotResource, Condition = {} }) => {
    const values = Object.values(Condition).flatMap((keys) => Object.values(keys))
    const texts = [Resource ?? NotResource ?? [], values].flat(3)
    const variables = Version === WITH_VARIABLES ? texts.flatMap(variablesIn) : []
    return [...variables, ...Object.values(Condition).flatMap((keys) => Object.keys(keys))]
  })
}

const WITH_VARIABLES = '2012-10-17'

type Texts = unknown | readonly unknown[]
type Statement = {
  readonly Resource?: Texts
  readonly NotResource?: Texts
  readonly Condition?: { readonly [operator: string]: { readonly [key: string]: Texts } }
}
type Policy = { readonly Version?: string; readonly Statement: Statement | readonly Statement[] }

/** `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`; not the characters themselves: `${*}`, `${?}`, `${$}`. */
const variablesIn = (text: unknown): readonly string[] =>
  [...String(text).matchAll(/\$\{([^},]{2,})/g)].map(([, key]) => key!)

/** The documents in effect of a user and its groups, of a group or of a role. @throws IntegrityError where one was altered or is missing. */
export async function documentsOf(
  app: IamReader,
  tx: Transaction,
  account: string,
  holder: PolicyHolder,
): Promise<readonly string[]> {
  await findPolicies(app, tx, account, holder)
  const documents: string[] = []
  for (const { inlinePolicies, attachedPolicies } of [
    holder,
    ...(await readGroups(app, tx, account, holder.groups)).map(({ body }) => body),
  ]) {
    documents.push(...inlinePolicies.map(({ document }) => document))
    for (const { arn } of attachedPolicies) {
      const policy = storedManagedPolicy(app.partition, arn) ?? (await findRow(app, tx, POLICY, [account, arn]))
      if (policy === undefined) throw new IntegrityError(POLICY.name, [account, arn], 'is attached but is not there')
      documents.push(policy.body.document)
    }
  }
  return documents
}
