// Policies that name principals. Stored, they name them by unique id as well: who is made again under the same name is another and gets
// nothing. Shown, they have ARNs again, but for a principal that is gone, which stays an id that nobody takes for somebody.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html

import { compilePolicy } from '../../policy/compile.ts'
import type { CompiledPolicy, PolicyGrammar, PrincipalIds } from '../../policy/engine.ts'
import { parsePolicyJson } from '../../policy/json.ts'
import { namedPrincipals } from '../../policy/principal.ts'
import type { Transaction } from '../../storage/database.ts'
import { type NamingPolicy, roleArn, rootArn, sessionArn, userArn } from './model.ts'
import { ACCOUNT, findByName, findRow, holdsUniqueId, type IamReader, ROLE, USER } from './store.ts'

/** A policy names a principal that does not exist on this server. Each service says it in its own words. */
export class UnknownPrincipalError extends Error {
  /** As the policy has it, under `AWS`. */
  readonly principal: string

  constructor(principal: string) {
    super(`no such principal: ${principal}`)
    this.name = 'UnknownPrincipalError'
    this.principal = principal
  }
}

/**
 * A document as it is stored: the ARNs of users, roles and role sessions in it, of whatever account, get their unique ids. Accounts and unique
 * ids that it names must exist too. Services and identity providers stay words.
 * @throws MalformedPolicyError @throws UnknownPrincipalError
 */
export async function resolvePrincipals(
  app: IamReader,
  tx: Transaction,
  document: string,
  grammar: PolicyGrammar,
): Promise<NamingPolicy> {
  const { arns, ids, accounts } = namedPrincipals(compilePolicy(document, grammar))
  for (const account of accounts) {
    const found = await findRow(app, tx, ACCOUNT, [account])
    if (found === undefined) throw new UnknownPrincipalError(rootArn(app.partition, account))
  }
  for (const id of ids) {
    if (!(await holdsUniqueId(tx, id))) throw new UnknownPrincipalError(id)
  }
  const principalIds: Record<string, string> = {}
  for (const arn of arns) {
    const id = await findPrincipalId(app, tx, arn)
    if (id === undefined) throw new UnknownPrincipalError(arn)
    principalIds[arn] = id
  }
  return { document, principalIds }
}

/** By the naming policy, which stays the same object while the row that holds it does. */
const compiled = new WeakMap<NamingPolicy, CompiledPolicy>()

/** As the engine asks it: an ARN that got an id matches by that id only. Compiled once for each object; a policy has one grammar. */
export function compileNaming(naming: NamingPolicy, grammar: PolicyGrammar): CompiledPolicy {
  const known = compiled.get(naming)
  if (known?.grammar === grammar) return known
  const policy = compilePolicy(naming.document, grammar, { principalIds: naming.principalIds })
  compiled.set(naming, policy)
  return policy
}

/**
 * The document as it is shown: its own text where every principal still is who it was. Else a principal that is gone, or was made anew, stands
 * there as its unique id, and one that has another name or path now under its new ARN.
 */
export async function shownDocument(app: IamReader, tx: Transaction, naming: NamingPolicy): Promise<string> {
  const shown = await shownPrincipals(app, tx, naming.principalIds)
  if (Object.entries(shown).every(([principal, name]) => principal === name)) return naming.document
  const policy = parsePolicyJson(naming.document) as Policy
  const rename = (name: string): string => (Object.hasOwn(shown, name) ? shown[name]! : name)
  for (const { Principal, NotPrincipal } of [policy.Statement].flat() as readonly Statement[]) {
    for (const element of [Principal, NotPrincipal]) {
      if (typeof element !== 'object' || element.AWS === undefined) continue
      element.AWS = typeof element.AWS === 'string' ? rename(element.AWS) : element.AWS.map(rename)
    }
  }
  return JSON.stringify(policy)
}

// The part of a document that compiled in which principals stand.
type PrincipalElement = '*' | { AWS?: string | readonly string[] } | undefined
type Statement = { readonly Principal?: PrincipalElement; readonly NotPrincipal?: PrincipalElement }
type Policy = { readonly Statement: Statement | readonly Statement[] }

/**
 * The unique id of the user or the role that has the ARN now, of a role session with its name. ARNs are compared to the letter, though names
 * are unique without regard to case.
 */
async function findPrincipalId(app: IamReader, tx: Transaction, arn: string): Promise<string | undefined> {
  const { partition } = app
  const [, , service, , account = '', resource = ''] = arn.split(':')
  const [kind, ...names] = resource.split('/')
  if (service === 'sts') {
    const [roleName = '', sessionName = ''] = names
    const role = await findByName(app, tx, ROLE, account, roleName)
    if (role === undefined || !SESSION_NAME.test(sessionName)) return undefined
    return sessionArn(partition, account, role.body, sessionName) === arn ? `${role.key[1]}:${sessionName}` : undefined
  }
  const name = names.at(-1) ?? ''
  if (kind === 'user') {
    const user = await findByName(app, tx, USER, account, name)
    return user && userArn(partition, account, user.body) === arn ? user.key[1] : undefined
  }
  const role = await findByName(app, tx, ROLE, account, name)
  return role && roleArn(partition, account, role.body) === arn ? role.key[1] : undefined
}

const SESSION_NAME = /^[\w+=,.@-]{2,64}$/

/** What each ARN of a stored policy is shown as now. */
async function shownPrincipals(app: IamReader, tx: Transaction, ids: PrincipalIds): Promise<PrincipalIds> {
  const shown: Record<string, string> = {}
  for (const [arn, id] of Object.entries(ids)) shown[arn] = (await currentArn(app, tx, arn, id)) ?? id
  return shown
}

/** Undefined where nobody has the id any more. */
async function currentArn(app: IamReader, tx: Transaction, arn: string, id: string): Promise<string | undefined> {
  const account = arn.split(':')[4]!
  const [uniqueId = '', sessionName] = id.split(':')
  if (uniqueId.startsWith('AIDA')) {
    const user = await findRow(app, tx, USER, [account, uniqueId])
    return user && userArn(app.partition, account, user.body)
  }
  const role = await findRow(app, tx, ROLE, [account, uniqueId])
  if (role === undefined) return undefined
  return sessionName === undefined
    ? roleArn(app.partition, account, role.body)
    : sessionArn(app.partition, account, role.body, sessionName)
}
