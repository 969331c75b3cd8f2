// Policies for property tests. Most of a policy is made to fit its request or to miss it narrowly, so that every layer often decides.
// Compiling takes every policy that is made here. Test code only.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of policies

import fc, { type Arbitrary } from 'fast-check'
import type { PolicyGrammar } from './engine.ts'
import type { ConditionValue, PolicyRequest, PrincipalElement, Statement } from './testing-oracle.ts'
import {
  ACTIONS,
  ARNS,
  type Ask,
  ask,
  FEDERATED_USERS,
  HERE,
  KEYS,
  maybe,
  PROVIDERS,
  percent,
  principalIds,
  ROOTS,
  SERVICES,
  SESSIONS,
  TYPES,
  type Type,
  USERS,
  VALUES,
  weighed,
} from './testing-requests.ts'

/** A part of a policy, once the request is known. */
export type Fitted<Part> = (ask: Ask) => Part

// Elements of statements.

const fixed = <Part>(...parts: readonly Part[]): readonly Fitted<Part>[] => parts.map((part) => () => part)

/** One, or a list of one to three. */
function some<Part>(one: Arbitrary<Fitted<Part>>): Arbitrary<Fitted<Part | readonly Part[]>> {
  const list = fc.array(one, { minLength: 1, maxLength: 3 }).map(
    (parts): Fitted<readonly Part[]> =>
      (request) =>
        parts.map((part) => part(request)),
  )
  return fc.oneof<Arbitrary<Fitted<Part | readonly Part[]>>[]>(one, list)
}

const actionPattern = weighed<Fitted<string>>(
  [3, fixed('*', '*:*')],
  [
    6,
    [
      ({ action }) => action,
      ({ action }) => action.toUpperCase(),
      ({ action }) => `${action.split(':')[0]}:*`,
      ({ action }) => `${action.slice(0, -3)}*`,
      ({ action }) => `${action.slice(0, -2)}?${action.slice(-1)}`,
    ],
  ],
  [3, fixed(...ACTIONS, 'secretsmanager:*et*', 'kms:*', 'iam:*User', 'secretsmanager:*e')],
  // Narrow misses.
  [1, [({ action }) => `${action}?`, ({ action }) => action.slice(0, -1)]],
)

/** Trust policies speak of sts only. */
const trustActionPattern = weighed<Fitted<string>>(
  [5, fixed('sts:*', 'sts:AssumeRole', 'STS:assumerole', 'sts:Assume*')],
  [1, fixed('sts:TagSession', 'sts:AssumeRole?')],
)

const VARIABLES = [
  '${aws:username}',
  '${AWS:UserName}',
  '${aws:PrincipalTag/Team}',
  '${aws:TagKeys}',
  "${aws:username, 'alice'}",
  "${aws:PrincipalTag/Team, 'blue'}",
  "${aws:PrincipalTag/Team, '*'}",
  "${aws:TagKeys, ''}",
  '${*}',
  '${?}lue',
  '${$}{aws:username}',
]

/** The resource asked for; of a request without one, some other. */
const arnOf = ({ resource }: Ask) => (ARNS.includes(resource) ? resource : ARNS[0]!)

/** What `change` makes of the segments of the resource. */
const resegmented =
  (change: (segments: readonly string[]) => readonly string[]): Fitted<string> =>
  (request) =>
    change(arnOf(request).split(':')).join(':')

const resourcePattern = weighed<Fitted<string>>(
  [4, fixed('*')],
  [
    6,
    [
      arnOf,
      (request) => arnOf(request).replace(/[^:/]+$/, '*'),
      (request) => arnOf(request).replace(/.{4}$/, '????'),
      resegmented(([arn, aws, service, region, , ...rest]) => [arn!, aws!, service!, region!, '*', ...rest]),
      resegmented((segments) => [...segments.slice(0, 3), '*']),
      resegmented((segments) => [...segments.slice(0, 3), 'eu*']),
      resegmented((segments) => [...segments.slice(0, 4), '1*']),
      resegmented((segments) => [...segments.slice(0, 5), `*${segments.at(-1)!.slice(-4)}`]),
    ],
  ],
  [
    2,
    VARIABLES.map(
      (name): Fitted<string> =>
        (request) =>
          arnOf(request).replace(/alice|blue|odd/, () => name),
    ),
  ],
  [
    1,
    [(request) => arnOf(request).replace('*', () => '${*}'), (request) => arnOf(request).replace('${', () => '${$}{')],
  ],
  // Narrow misses.
  [
    1,
    [
      (request) => `${arnOf(request)}?`,
      (request) => arnOf(request).slice(0, -1),
      (request) => arnOf(request).replace(/[^:]+$/, (name) => name.toUpperCase()),
      resegmented(([arn, aws, service, , account, , ...rest]) => [
        arn!,
        aws!,
        service!,
        `*${account!.slice(-4)}`,
        '*',
        ...rest,
      ]),
    ],
  ],
  [1, fixed(...ARNS)],
)

// Conditions.

const ORDERS = ['Equals', 'NotEquals', 'LessThan', 'LessThanEquals', 'GreaterThan', 'GreaterThanEquals']
const OPERATORS: { readonly [type in Type]: readonly string[] } = {
  string: [
    'StringEquals',
    'StringNotEquals',
    'StringEqualsIgnoreCase',
    'StringNotEqualsIgnoreCase',
    'StringLike',
    'StringNotLike',
  ],
  number: ORDERS.map((order) => `Numeric${order}`),
  date: ORDERS.map((order) => `Date${order}`),
  boolean: ['Bool'],
  binary: ['BinaryEquals'],
  address: ['IpAddress', 'NotIpAddress'],
  arn: ['ArnEquals', 'ArnNotEquals', 'ArnLike', 'ArnNotLike'],
}

/** Values that only a policy may have. */
const PATTERNS: { readonly [type in Type]: readonly ConditionValue[] } = {
  string: [...VARIABLES, 'a-${aws:username}', '?lue', 'bl*', true, 7],
  number: [7, -3.5],
  date: ['2025-12-31T23:59Z', '2027'],
  boolean: [true, false],
  binary: ['AQID'],
  address: [
    '192.0.2.0/24',
    '192.0.2.77/25',
    '::ffff:192.0.2.0/120',
    '::ffff:192.0.2.0/90',
    '0.0.0.0/0',
    '2001:db8::/32',
    '::/0',
  ],
  arn: [
    '*',
    'arn:aws:*',
    'arn:aws:iam::*:user/*',
    'arn:aws:sts::*:assumed-role/reader/*',
    `arn:aws:secretsmanager:*:${HERE}:secret:*`,
    `arn:aws:*:${HERE}:*:user/alice`,
    `arn:aws:iam::${HERE}:user/\${aws:username}`,
    'arn:aws:secretsmanager:*:${aws:PrincipalTag/Team}:secret:*',
    "arn:aws:secretsmanager:*:*:secret:${aws:PrincipalTag/Team, 'blue'}/db-??????",
  ],
}

type Condition = NonNullable<Statement['Condition']>

const NEARLY: readonly ((text: string) => string)[] = [
  (text) => text.toUpperCase(),
  (text) => `?${text.slice(1)}`,
  (text) => `${text.slice(0, 1)}*`,
]

/** Mostly with a value that the request has. */
function conditionOn(key: string, type: Type): Arbitrary<Fitted<Condition>> {
  const own: Fitted<ConditionValue> = ({ context }) =>
    [context[key] ?? []].flat().find((value) => VALUES[type].includes(value)) ?? VALUES[type][0]!
  const near = NEARLY.map(
    (change): Fitted<ConditionValue> =>
      (request) =>
        type === 'string' ? change(`${own(request)}`) : own(request),
  )
  const value = weighed([3, [own]], [1, near], [2, fixed(...VALUES[type])], [3, fixed(...PATTERNS[type])])
  const nullValue = weighed<Fitted<ConditionValue>>([1, fixed<ConditionValue>('true', 'false', true, false)])
  const operator = fc
    .tuple(
      weighed([8, ['']], [2, ['ForAnyValue:', 'ForAllValues:']]),
      fc.constantFrom(...OPERATORS[type]),
      weighed([3, ['']], [1, ['IfExists']]),
    )
    .map((parts) => parts.join(''))
  const spelled = weighed([5, [key]], [1, [key.toLowerCase()]])
  return fc
    .oneof(
      { weight: 9, arbitrary: fc.tuple(operator, spelled, some(value)) },
      { weight: 1, arbitrary: fc.tuple(fc.constant('Null'), spelled, some(nullValue)) },
    )
    .map(
      ([name, of, values]): Fitted<Condition> =>
        (request) => ({ [name]: { [of]: values(request) } }),
    )
}

/** One operator on one key, seldom one of another type. */
const condition = fc.oneof(
  ...KEYS.flatMap(([key, own]) =>
    TYPES.map((type) => ({ weight: type === own ? 100 : 1, arbitrary: conditionOn(key, type) })),
  ),
)

/** None, or one to three operators. */
const conditions: Arbitrary<Fitted<Condition> | undefined> = fc.oneof(
  { weight: 5, arbitrary: fc.constant(undefined) },
  {
    weight: 5,
    arbitrary: fc.array(condition, { minLength: 1, maxLength: 3 }).map(
      (all): Fitted<Condition> =>
        (request) => {
          const merged: { [operator: string]: Condition[string] } = {}
          for (const [operator, keys] of all.flatMap((one) => Object.entries(one(request)))) {
            merged[operator] = { ...merged[operator], ...keys }
          }
          return merged
        },
    ),
  },
)

// Principals.

/** All that names the principal, from the account to the session. */
function namesOf({ principal: { arn, account, userId, role, kind } }: Ask): readonly string[] {
  if (kind === 'root') return [account, arn]
  if (kind === 'user') return [account, arn, userId]
  if (kind === 'federated-user') return [account, arn]
  if (kind === 'role-session') return [account, role!.arn, arn, role!.roleId]
  return [HERE]
}

const AWS_NAMES = [
  ...ROOTS.flatMap(({ arn, account }) => [arn, account]),
  ...USERS.flatMap(({ arn, userId }) => [arn, userId]),
  ...SESSIONS.flatMap(({ arn, role }) => [arn, role!.arn, role!.roleId]),
  ...FEDERATED_USERS.map(({ arn }) => arn),
  '*',
]

const awsName = weighed<Fitted<string>>(
  [
    4,
    [0, 1, 2, 3].map(
      (at): Fitted<string> =>
        (request) =>
          namesOf(request)[at] ?? namesOf(request)[1] ?? HERE,
    ),
  ],
  [2, fixed(...AWS_NAMES)],
)

const principalElement: Arbitrary<Fitted<PrincipalElement>> = fc.oneof(
  { weight: 1, arbitrary: fc.constant<Fitted<PrincipalElement>>(() => '*') },
  {
    weight: 7,
    arbitrary: some(awsName).map(
      (AWS): Fitted<PrincipalElement> =>
        (request) =>
          ofAWS(AWS(request), request),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...SERVICES), fc.constantFrom(...PROVIDERS), some(awsName)).map(
      ([{ arn: Service }, { arn: Federated }, AWS]): Fitted<PrincipalElement> =>
        (request) => ({ AWS: AWS(request), Service, Federated }),
    ),
  },
)

/** Who is no principal of AWS is named as what it is. */
function ofAWS(AWS: string | readonly string[], { principal: { kind, arn } }: Ask): PrincipalElement {
  if (kind === 'service') return { Service: arn }
  if (kind === 'federated') return { Federated: arn }
  return { AWS }
}

/** Mostly all that must be listed to exempt the principal, or all but one. */
const exemptions: Arbitrary<Fitted<PrincipalElement>> = fc.oneof(
  { weight: 1, arbitrary: principalElement },
  {
    weight: 3,
    arbitrary: fc.integer({ min: -1, max: 2 }).map(
      (left): Fitted<PrincipalElement> =>
        (request) => {
          const names = namesOf(request)
            .slice(0, 3)
            .filter((_, at) => at !== left)
          return ofAWS(names, request)
        },
    ),
  },
)

// Statements, policies, and requests with all that bears on them.

/** A statement that the grammar takes; so many in a hundred deny. */
export function statement(grammar: PolicyGrammar, denies: number): Arbitrary<Fitted<Statement>> {
  const hasPrincipal = grammar !== 'identity' && grammar !== 'session'
  return fc
    .record({
      isDeny: percent(denies),
      principal: principalElement,
      exempt: maybe(30, exemptions),
      isNotAction: percent(12),
      action: some(grammar === 'trust' ? trustActionPattern : actionPattern),
      isNotResource: percent(12),
      resource: some(resourcePattern),
      condition: conditions,
    })
    .map((make) => (request) => ({
      Effect: make.isDeny ? 'Deny' : 'Allow',
      ...(hasPrincipal &&
        (make.isDeny && make.exempt ? { NotPrincipal: make.exempt(request) } : { Principal: make.principal(request) })),
      [make.isNotAction ? 'NotAction' : 'Action']: make.action(request),
      ...(grammar !== 'trust' && { [make.isNotResource ? 'NotResource' : 'Resource']: make.resource(request) }),
      ...(make.condition && { Condition: make.condition(request) }),
    }))
}

const version = weighed([6, ['2012-10-17']], [2, ['2008-10-17']], [2, [undefined]])

/** The JSON text of a policy of one to three statements. */
function policy(grammar: PolicyGrammar, denies: number): Arbitrary<Fitted<string>> {
  return fc
    .tuple(version, fc.array(statement(grammar, denies), { minLength: 1, maxLength: 3 }), percent(80))
    .map(([Version, statements, isList]) => (request) => {
      const all = statements.map((one) => one(request))
      return JSON.stringify({ Version, Statement: all.length === 1 && !isList ? all[0] : all })
    })
}

const EVERYTHING: Statement = { Effect: 'Allow', Action: '*', Resource: '*' }
const ALLOW_ALL = JSON.stringify({ Version: '2012-10-17', Statement: EVERYTHING })

/** What limits other policies allows everything as often as not. */
function limit(grammar: 'identity' | 'session'): Arbitrary<Fitted<string>> {
  return fc.oneof<Arbitrary<Fitted<string>>[]>(
    fc.constant(() => ALLOW_ALL),
    policy(grammar, 12),
  )
}

const level = fc.oneof(
  { weight: 9, arbitrary: fc.array(limit('identity'), { minLength: 1, maxLength: 2 }) },
  { weight: 1, arbitrary: fc.constant([]) },
)
const levels = fc.array(level, { maxLength: 2 })

function resourcePolicyOf(kind: 'normal' | 'key' | 'trust') {
  return fc
    .record({ document: policy(kind === 'normal' ? 'resource' : kind, 20), principalIds })
    .map(({ document, principalIds }) => ({ kind, document, ...(principalIds && { principalIds }) }))
}

const resourcePolicy = fc.oneof(
  { weight: 5, arbitrary: resourcePolicyOf('normal') },
  { weight: 2, arbitrary: resourcePolicyOf('key') },
  { weight: 2, arbitrary: resourcePolicyOf('trust') },
)

/** Who asks a role for what only a trust policy answers. */
const ASSUMING = { action: 'sts:AssumeRole', resource: `arn:aws:iam::${HERE}:role/reader`, resourceAccount: HERE }

/** A request with policies in any of the layers. */
export const policyRequest: Arbitrary<PolicyRequest> = fc
  .record({
    ask,
    identity: fc.array(policy('identity', 8), { maxLength: 3 }),
    boundary: maybe(45, limit('identity')),
    session: maybe(40, fc.array(limit('session'), { maxLength: 2 })),
    resourcePolicy: maybe(65, resourcePolicy),
    grant: maybe(12, fc.constantFrom('direct', 'role', 'role')),
    scp: maybe(25, levels),
    rcp: maybe(25, levels),
  })
  .map(({ ask, identity, boundary, session, resourcePolicy, grant, scp, rcp }) => {
    const request = resourcePolicy?.kind === 'trust' ? { ...ask, ...ASSUMING } : ask
    const fit = (part: Fitted<string>) => part(request)
    return {
      ...request,
      identity: identity.map(fit),
      ...(boundary && { boundary: fit(boundary) }),
      ...(session && { session: session.map(fit) }),
      ...(resourcePolicy && { resourcePolicy: { ...resourcePolicy, document: fit(resourcePolicy.document) } }),
      // A grant to a role is for its sessions.
      ...(grant && (grant === 'direct' || request.principal.role) && { grant: { name: 'grant', to: grant } }),
      ...(scp && { scp: scp.map((level) => level.map(fit)) }),
      ...(rcp && { rcp: rcp.map((level) => level.map(fit)) }),
    }
  })

/** Within one account, one statement of the layer decides; where it denies, the identity policies allow everything. */
function decidedBy(layer: 'identity' | 'resource', denies: number, elements: Arbitrary<Fitted<object>>) {
  return fc
    .record({ ask, version, isDeny: percent(denies), elements, principalIds })
    .map(({ ask, version, isDeny, elements, principalIds }): PolicyRequest => {
      const request = { ...ask, resourceAccount: ask.principal.account || HERE }
      const Statement = { ...EVERYTHING, Effect: isDeny ? 'Deny' : 'Allow', ...elements(request) }
      const document = JSON.stringify({ Version: version, Statement })
      const others = isDeny ? [ALLOW_ALL] : []
      if (layer === 'identity') return { ...request, identity: [...others, document] }
      const resourcePolicy = { kind: 'normal', document, ...(principalIds && { principalIds }) } as const
      return { ...request, identity: others, resourcePolicy }
    })
}

/** A request that one statement decides, by one of its elements. */
export const statementRequest: Arbitrary<PolicyRequest> = fc.oneof(
  { weight: 6, arbitrary: decidedBy('identity', 40, element('Condition', condition)) },
  { weight: 2, arbitrary: decidedBy('identity', 40, element('Resource', some(resourcePattern))) },
  { weight: 2, arbitrary: decidedBy('identity', 40, element('NotResource', some(resourcePattern))) },
  { weight: 1, arbitrary: decidedBy('resource', 40, element('Principal', principalElement)) },
  { weight: 1, arbitrary: decidedBy('resource', 100, element('NotPrincipal', exemptions)) },
)

function element(name: keyof Statement, value: Arbitrary<Fitted<unknown>>): Arbitrary<Fitted<object>> {
  const instead = name === 'NotResource' ? { Resource: undefined } : {}
  return value.map((fit) => (request) => ({ ...instead, [name]: fit(request) }))
}
