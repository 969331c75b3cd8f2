// `strongroom policy explain`: POST /_strongroom/policy/explain, told in words. What is asked stands on the command line, or is taken from the
// message that a refusal carried, or from the refusal in the trail.

import { DecodeAuthorizationMessageCommand, STSClient } from '@aws-sdk/client-sts'
import type { Connection } from './connection.ts'
import { signedCall } from './signed-call.ts'
import { UsageError } from './usage-error.ts'

export type ExplainOptions = {
  readonly principal?: string
  readonly action?: string
  readonly resource?: string
  /** `key=value` each. */
  readonly context?: readonly string[]
  readonly sessionPolicy?: string
  readonly sessionPolicyArn?: readonly string[]
  readonly message?: string
  readonly event?: string
  readonly requestId?: string
}

type Context = { readonly [key: string]: readonly string[] }

/** What is asked, as ExplainAccess takes it. */
type Question = {
  readonly PrincipalArn?: string
  readonly Action: string
  readonly Resource?: string
  readonly Context?: Context
  readonly SessionPolicy?: string
  readonly SessionPolicyArns?: readonly string[]
}

type Statement = {
  readonly PolicyName: string
  readonly PolicyHolder?: string
  readonly StatementIndex: number
  readonly Sid?: string
  readonly Effect: string
  readonly Statement: string
}

type MissedStatement = Statement & {
  readonly PrincipalCovered: boolean
  readonly ResourceCovered: boolean
  readonly FailedConditions: readonly {
    readonly Operator: string
    readonly Key: string
    readonly Wanted: readonly string[]
    readonly Actual: readonly string[]
  }[]
}

export type Explained = {
  readonly Decision: 'allowed' | 'explicitDeny' | 'implicitDeny'
  readonly DecidingLayer: string
  readonly DecidingStatements: readonly Statement[]
  readonly Mend?: string
  readonly PrincipalArn: string
  readonly Action: string
  readonly Resource: string
  readonly Layers: readonly {
    readonly Layer: string
    readonly Outcome: 'denies' | 'allows' | 'doesNotAllow'
    readonly OtherAccount?: string
    readonly Policies?: number
    readonly Statements: readonly Statement[]
    readonly MissedStatements: readonly MissedStatement[]
    readonly Omitted?: number
  }[]
  /** Of a question that was taken from a refusal: what the refusal said, and what of it could not be asked again. */
  readonly Refusal?: Refusal
}

type Refusal = { readonly Told?: string; readonly Notes: readonly string[] }

/** @throws UsageError */
export async function explainAccess(given: ExplainOptions, connection: Connection): Promise<Explained> {
  const { question, refusal } = await questionOf(given, connection)
  const told = await signedCall<Explained>('/_strongroom/policy/explain', withOptions(question, given), connection)
  return refusal === undefined ? told : { ...told, Refusal: refusal }
}

async function questionOf(
  given: ExplainOptions,
  connection: Connection,
): Promise<{ readonly question: Partial<Question>; readonly refusal?: Refusal }> {
  const { message, event, requestId } = given
  const sources = [given.action, message, event, requestId].filter((one) => one !== undefined)
  if (sources.length !== 1) throw new UsageError('give one of --action, --message, --event and --request-id')
  if (message !== undefined) return fromMessage(message, connection)
  if (event !== undefined || requestId !== undefined) return fromTrail({ event, requestId }, connection)
  return { question: {} }
}

/** What the command line says stands for what a refusal says. */
function withOptions(question: Partial<Question>, given: ExplainOptions): Partial<Question> {
  const { principal, action, resource, sessionPolicy, sessionPolicyArn } = given
  const context = { ...question.Context, ...parseContext(given.context ?? []) }
  return {
    ...question,
    ...(principal !== undefined && { PrincipalArn: principal }),
    ...(action !== undefined && { Action: action }),
    ...(resource !== undefined && { Resource: resource }),
    ...(Object.keys(context).length > 0 && { Context: context }),
    ...(sessionPolicy !== undefined && { SessionPolicy: sessionPolicy }),
    ...(sessionPolicyArn !== undefined && { SessionPolicyArns: sessionPolicyArn }),
  }
}

function parseContext(pairs: readonly string[]): Context {
  const context: Record<string, string[]> = {}
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    if (at < 1) throw new UsageError(`--context ${pair} is not KEY=VALUE`)
    const key = pair.slice(0, at)
    context[key] = [...(context[key] ?? []), pair.slice(at + 1)]
  }
  return context
}

// From the message of a refusal.

type Decoded = {
  readonly context: {
    readonly principal: { readonly arn: string }
    readonly action: string
    readonly resource: string
    readonly conditions: {
      readonly items: readonly {
        readonly key: string
        readonly values: { readonly items: readonly { readonly value: string }[] }
      }[]
    }
  }
}

/** What is so of the principal and the resource is asked as it is now, so that what has changed since shows. */
const OF_STATE =
  /^aws:(Principal(Arn|Account|Type|OrgID|OrgPaths|IsAWSService)|userid|username|Resource\w+)$|:ResourceTag\/|^secretsmanager:(resource\/|SecretPrimaryRegion$)|^kms:(Key(Spec|Usage|Origin)|CustomerMasterKey\w+|MultiRegion\w*|ResourceAliases)$|^strongroom:/i

async function fromMessage(EncodedMessage: string, connection: Connection) {
  const { endpoint, region, credentials } = connection
  const sts = new STSClient({ endpoint: endpoint.origin, region, credentials: { ...credentials }, maxAttempts: 1 })
  const { DecodedMessage = '' } = await sts
    .send(new DecodeAuthorizationMessageCommand({ EncodedMessage }))
    .catch((error: Error) => {
      throw new UsageError(error.message)
    })
    .finally(() => sts.destroy())
  const { principal, action, resource, conditions } = (JSON.parse(DecodedMessage) as Decoded).context
  const context = conditions.items
    .filter(({ key }) => !OF_STATE.test(key))
    .map(({ key, values }) => [key, values.items.map(({ value }) => value)] as const)
  return {
    question: asked(principal.arn, action, resource, Object.fromEntries(context)),
    refusal: notesOf(principal.arn),
  }
}

/** Of a resource of another account, what the server itself says of a request is not asked. */
function asked(PrincipalArn: string, Action: string, Resource: string, context: Context): Question {
  const accountOf = (arn: string) => arn.split(':')[4] || undefined
  const foreign =
    Resource.startsWith('arn:') && (accountOf(Resource) ?? accountOf(PrincipalArn)) !== accountOf(PrincipalArn)
  const kept = Object.entries(context).filter(
    ([key]) => !foreign || !/^aws:(?!RequestTag\/|TagKeys$)|^kms:CallerAccount$/i.test(key),
  )
  return { PrincipalArn, Action, Resource, Context: Object.fromEntries(kept) }
}

const notesOf = (principalArn: string, Told?: string): Refusal => ({
  ...(Told !== undefined && { Told }),
  Notes: principalArn.includes(':assumed-role/')
    ? ['Session policies are known to the session alone: give them by --session-policy and --session-policy-arn.']
    : [],
})

// From the trail.

type TrailRecord = {
  readonly requestID: string
  readonly eventID: string
  readonly eventName: string
  readonly eventTime: string
  readonly sourceIPAddress: string
  readonly userAgent: string
  readonly errorMessage?: string
  readonly userIdentity: { readonly arn?: string }
  readonly resources?: readonly { readonly ARN: string }[]
  readonly requestParameters: { readonly [name: string]: unknown } | null
  readonly tlsDetails?: object
}

/** Pages of 50 that a request id is looked for in, newest first. */
const PAGES_MAX = 40

async function fromTrail(
  wanted: { readonly event?: string | undefined; readonly requestId?: string | undefined },
  connection: Connection,
) {
  const record = await findRecord(wanted, connection)
  const { errorMessage = '', userIdentity, resources = [], eventTime } = record
  const [, action, shown] =
    / is not authorized to perform: (\S+)(?: on resource: (.+?))? (?:because|with an) /.exec(errorMessage) ?? []
  if (action === undefined || userIdentity.arn === undefined) {
    throw new UsageError(
      `the trail does not hold enough to ask again about ${record.eventName} of ${eventTime}${errorMessage === '' ? ', which was not refused' : `: ${errorMessage}`}. Give --message with the header x-strongroom-authorization-message of the refusal, or --action`,
    )
  }
  const resource = resources.length === 1 ? resources[0]!.ARN : (shown ?? '*')
  const context = {
    'aws:SourceIp': [record.sourceIPAddress],
    'aws:UserAgent': [record.userAgent],
    'aws:CurrentTime': [eventTime],
    'aws:EpochTime': [String(Date.parse(eventTime) / 1_000)],
    'aws:SecureTransport': [String(record.tlsDetails !== undefined)],
    ...parametersOf(record.requestParameters ?? {}),
  }
  const { Notes } = notesOf(userIdentity.arn)
  return {
    question: asked(userIdentity.arn, action, resource, context),
    refusal: {
      Told: errorMessage,
      Notes: [
        ...Notes,
        'Of the request the trail holds the address, the time, the user agent, version and encryption context: give other condition keys by --context.',
      ],
    },
  }
}

function parametersOf({ versionId, versionStage, encryptionContext }: { readonly [name: string]: unknown }): Context {
  const pairs = Object.entries((encryptionContext ?? {}) as { readonly [key: string]: string })
  return {
    ...(typeof versionId === 'string' && { 'secretsmanager:VersionId': [versionId] }),
    ...(typeof versionStage === 'string' && { 'secretsmanager:VersionStage': [versionStage] }),
    ...Object.fromEntries(pairs.map(([key, value]) => [`kms:EncryptionContext:${key}`, [value]])),
    ...(pairs.length > 0 && { 'kms:EncryptionContextKeys': pairs.map(([key]) => key) }),
  }
}

async function findRecord(
  { event, requestId }: { readonly event?: string | undefined; readonly requestId?: string | undefined },
  connection: Connection,
): Promise<TrailRecord> {
  const attributes =
    event === undefined ? {} : { LookupAttributes: [{ AttributeKey: 'EventId', AttributeValue: event }] }
  let next: string | undefined
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    type Page = { readonly Events: readonly { readonly CloudTrailEvent: string }[]; readonly NextToken?: string }
    const { Events, NextToken }: Page = await signedCall<Page>(
      '/',
      { ...attributes, ...(next !== undefined && { NextToken: next }) },
      connection,
      { service: 'cloudtrail', target: 'com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents' },
    )
    for (const { CloudTrailEvent } of Events) {
      const record = JSON.parse(CloudTrailEvent) as TrailRecord
      if (event !== undefined || record.requestID === requestId) return record
    }
    if (NextToken === undefined) break
    next = NextToken
  }
  throw new UsageError(
    event !== undefined
      ? `no event ${event} is in the trail of this account in ${connection.region}`
      : `no request ${requestId} is among the last ${PAGES_MAX * 50} events of this account in ${connection.region}`,
  )
}

// In words.

const DECISIONS = { allowed: 'Allowed', explicitDeny: 'Denied explicitly', implicitDeny: 'Not allowed' } as const
const OUTCOMES = { allows: 'Allow', denies: 'Deny', doesNotAllow: 'no Allow' } as const
const LAYERS: { readonly [layer: string]: string } = {
  identity: 'identity-based policies',
  boundary: 'permissions boundary',
  session: 'session policies',
  resource: 'policy of the resource',
  grant: 'grant',
  scp: 'service control policies',
  rcp: 'resource control policies',
}

export function explanationText({ Layers, ...told }: Explained): string {
  const { Refusal } = told
  const lines = [
    `${DECISIONS[told.Decision]}, by the ${LAYERS[told.DecidingLayer]}: ${told.Action}`,
    `  principal  ${told.PrincipalArn}`,
    `  resource   ${told.Resource}`,
    ...told.DecidingStatements.map((statement) => `  because    ${nameOf(statement)}: ${statement.Statement}`),
    '',
    ...Layers.flatMap((layer) => [
      `${LAYERS[layer.Layer]}: ${OUTCOMES[layer.Outcome]}${layer.OtherAccount ? ` (of account ${layer.OtherAccount}: no more is told)` : layer.Policies === 0 ? ' (there are none)' : ''}`,
      ...layer.Statements.map((statement) => `  applies         ${statement.Effect}  ${nameOf(statement)}`),
      ...layer.MissedStatements.flatMap((statement) => [
        `  does not apply  ${statement.Effect}  ${nameOf(statement)}`,
        ...missing(statement).map((reason) => `                  ${reason}`),
      ]),
      ...(layer.Omitted ? [`  and ${layer.Omitted} more statements on the action`] : []),
    ]),
    ...(told.Mend ? ['', told.Mend] : []),
    ...(Refusal?.Told ? ['', `It was refused with: ${Refusal.Told}`] : []),
    ...(Refusal && told.Decision === 'allowed'
      ? ['', 'It would be allowed now: policies, tags or grants have changed since.']
      : []),
    ...(Refusal?.Notes ?? []),
  ]
  return `${lines.join('\n')}\n`
}

const nameOf = ({ Sid, StatementIndex, PolicyName, PolicyHolder }: Statement): string =>
  `statement ${Sid ? `"${Sid}"` : StatementIndex} of ${PolicyName}${PolicyHolder ? ` (${PolicyHolder})` : ''}`

const missing = ({ PrincipalCovered, ResourceCovered, FailedConditions }: MissedStatement): readonly string[] => [
  ...(PrincipalCovered ? [] : ['its Principal does not cover the caller']),
  ...(ResourceCovered ? [] : ['its Resource does not cover the resource']),
  ...FailedConditions.map(
    ({ Operator, Key, Wanted, Actual }) =>
      `${Operator} ${Key}: wanted ${Wanted.join(' or ')}; the request has ${Actual.length === 0 ? 'no such key' : Actual.join(', ')}`,
  ),
]
