// Changes of requests for property tests: of every policy, every statement or every name at once. Test code only.

import type { Layer, PolicyGrammar } from './engine.ts'
import type { ConditionValue, PolicyDocument, PolicyRequest, Statement } from './testing-oracle.ts'

/** Where a policy stands, and a name that no other of the request has. */
export type Place = { readonly name: string; readonly layer: Layer; readonly grammar: PolicyGrammar }

export type Policies<Policy> = {
  readonly identity: readonly Policy[]
  readonly boundary?: Policy
  readonly session?: readonly Policy[]
  readonly resourcePolicy?: Policy
  readonly scp?: readonly (readonly Policy[])[]
  readonly rcp?: readonly (readonly Policy[])[]
}

/** What `make` makes of the texts of the policies, in their places. */
export function eachPolicy<Policy>(
  { identity, boundary, session, resourcePolicy, scp, rcp }: PolicyRequest,
  make: (document: string, place: Place) => Policy,
): Policies<Policy> {
  const all = (layer: Layer, documents: readonly string[], level = 0) =>
    documents.map((document, at) =>
      make(document, { name: `${layer} ${level} ${at}`, layer, grammar: layer === 'session' ? 'session' : 'identity' }),
    )
  const grammar = resourcePolicy?.kind === 'normal' ? 'resource' : resourcePolicy?.kind
  return {
    identity: all('identity', identity),
    ...(boundary !== undefined && { boundary: all('boundary', [boundary])[0]! }),
    ...(session && { session: all('session', session) }),
    ...(grammar && {
      resourcePolicy: make(resourcePolicy!.document, { name: 'resource', layer: 'resource', grammar }),
    }),
    ...(scp && { scp: scp.map((level, at) => all('scp', level, at)) }),
    ...(rcp && { rcp: rcp.map((level, at) => all('rcp', level, at)) }),
  }
}

export function withDocuments(
  request: PolicyRequest,
  change: (document: PolicyDocument, place: Place) => PolicyDocument,
): PolicyRequest {
  const { resourcePolicy: document, ...policies } = eachPolicy(request, (text, place) =>
    JSON.stringify(change(JSON.parse(text), place)),
  )
  const { resourcePolicy } = request
  return { ...request, ...policies, ...(document && { resourcePolicy: { ...resourcePolicy!, document } }) }
}

export function withStatements(
  request: PolicyRequest,
  change: (statement: Statement, place: Place & { readonly index: number }) => readonly Statement[],
): PolicyRequest {
  return withDocuments(request, (document, place) => ({
    ...document,
    Statement: list(document.Statement).flatMap((statement, index) => change(statement, { ...place, index })),
  }))
}

/** The statement, never to apply. */
export function voided({ Condition, ...rest }: Statement): Statement {
  return { ...rest, Condition: { ...Condition, Null: { ...Condition?.Null, 'test:Absent': 'false' } } }
}

// A statement as several that say the same.

export type Split = (statement: Statement) => readonly Statement[]

export const byAction: Split = (one) =>
  one.Action === undefined ? [one] : list(one.Action).map((Action) => ({ ...one, Action }))

export const byResource: Split = (one) =>
  one.Resource === undefined ? [one] : list(one.Resource).map((Resource) => ({ ...one, Resource }))

export const byPrincipal: Split = (one) =>
  typeof one.Principal !== 'object'
    ? [one]
    : Object.entries(one.Principal).flatMap(([type, names]) =>
        list(names).map((name) => ({ ...one, Principal: { [type]: name } })),
      )

/** By the first key with several values of which one is enough: not where none may match, or all of the request's must. */
export const byConditionValue: Split = (one) => {
  for (const [operator, keys] of Object.entries(one.Condition ?? {})) {
    if (operator.includes('Not') || operator.startsWith('ForAllValues:')) continue
    for (const [key, values] of Object.entries(keys)) {
      if (list(values).length > 1) return list(values).map((value) => withValue(one, operator, key, value))
    }
  }
  return [one]
}

function withValue({ Condition, ...rest }: Statement, operator: string, key: string, value: ConditionValue): Statement {
  return { ...rest, Condition: { ...Condition, [operator]: { ...Condition?.[operator], [key]: value } } }
}

// The same in other words.

/** The statements of each policy, the policies of each layer and the levels of organizations in the opposite order. */
export function reversed(request: PolicyRequest): PolicyRequest {
  const inside = withDocuments(request, (document) => ({
    ...document,
    Statement: list(document.Statement).toReversed(),
  }))
  const { identity, session, scp, rcp } = inside
  return {
    ...inside,
    identity: identity.toReversed(),
    ...(session && { session: session.toReversed() }),
    ...(scp && { scp: scp.map((level) => level.toReversed()).toReversed() }),
    ...(rcp && { rcp: rcp.map((level) => level.toReversed()).toReversed() }),
  }
}

/** Actions and names of condition keys in the other case. */
export function inOtherCase(request: PolicyRequest): PolicyRequest {
  const keys = <Value>(of: { readonly [key: string]: Value }): { readonly [key: string]: Value } =>
    Object.fromEntries(Object.entries(of).map(([key, value]) => [otherCase(key), value]))
  const actions = (of: string | readonly string[]) => list(of).map(otherCase)
  const changed = withStatements(request, ({ Action, NotAction, Condition, ...rest }) => [
    {
      ...rest,
      ...(Action !== undefined && { Action: actions(Action) }),
      ...(NotAction !== undefined && { NotAction: actions(NotAction) }),
      ...(Condition !== undefined && {
        Condition: Object.fromEntries(Object.entries(Condition).map(([operator, of]) => [operator, keys(of)])),
      }),
    },
  ])
  return { ...changed, action: otherCase(request.action), context: keys(request.context) }
}

function otherCase(text: string): string {
  return text.replace(/[a-z]/gi, (letter) => (/[a-z]/.test(letter) ? letter.toUpperCase() : letter.toLowerCase()))
}

/** Other names, ids and accounts throughout. Beginnings stay, since there are patterns that hold no more. */
export function renamed(request: PolicyRequest): PolicyRequest {
  let text = JSON.stringify(request)
  for (const [from, to] of RENAMED) text = text.replaceAll(from, to)
  return JSON.parse(text)
}

const RENAMED = [
  ['lice', 'gnes'], // alice
  ['LICE', 'GNES'],
  ['bob', 'bub'],
  ['ade', 'omp'], // reader
  ['ADE', 'OMP'],
  ['rite', 'eave'], // writer
  ['RITE', 'EAVE'],
  ['fran', 'fern'],
  ['11122223333', '55566667777'],
  ['44455556666', '88899990000'],
] as const

export function list<Item>(one: Item | readonly Item[]): readonly Item[] {
  return Array.isArray(one) ? one : [one as Item]
}
