// An AuditEvent as one line of JSON in the form of a CloudTrail record. Every field is escaped and bounded; a line holds no newline.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html

import type { FederatedFacts, Identity, SessionFacts } from '../call.ts'
import { inOneRun } from '../one-run.ts'
import type { AuditEvent, AuditResource } from './event.ts'
import { IDS_LENGTH, type Piece, type PieceOf, type Pieces } from './pieces.ts'

/** Characters of JSON that requestParameters and responseElements may have, and additionalEventData. CloudTrail: 100 KB and 28 KB. */
export const PARAMETERS_CHARACTERS_MAX = 102_400
export const ADDITIONAL_CHARACTERS_MAX = 28_672
/** Characters of any other text. */
export const TEXT_CHARACTERS_MAX = 1_024
export const RESOURCES_MAX = 100

/** Where an object is too large, what is long in it is cut to this before all of it is left out. */
const CUT_TEXT_CHARACTERS = 2_048
const CUT_LIST_ITEMS = 100
const CUT_MARK = '...[truncated]'

type Plain = { readonly [key: string]: unknown }

/** Whether anything of the record being encoded was cut. Encoding is synchronous, so one flag serves. */
let omitted = false

/** A record but for what no two events share, its time and its ids; in parts, each of which may stand in other records too. */
type EventForm = {
  readonly head: readonly string[]
  readonly middle: readonly string[]
  readonly tail: readonly string[]
}

/** The event's record, without a newline. */
export function encodeEvent(event: AuditEvent): string {
  const { head, middle, tail } = formOf(event)
  const ids = `"requestID":${quote(event.requestId)},"eventID":${quote(event.eventId)}`
  return `${head.join('')}${isoSecond(event.time)}${middle.join('')}${ids}${tail.join('')}`
}

/** The record of every event that differs from this one in its time and its ids alone. */
export function piecesOf(event: AuditEvent, pieceOf: PieceOf): Pieces {
  const { head, middle, tail } = formOf(event)
  const pieces = (parts: readonly string[]): readonly Piece[] => parts.map((part) => pieceOf(inOneRun(part)))
  const sum = (parts: readonly string[]): number => parts.reduce((length, part) => length + part.length, 0)
  return {
    head: pieces(head),
    middle: pieces(middle),
    tail: pieces(tail),
    length: IDS_LENGTH + sum([...head, ...middle, ...tail]),
  }
}

/** Members stand in the order in which CloudTrail writes them. */
function formOf(event: AuditEvent): EventForm {
  omitted = false
  const source = `${clip(event.service, 64)}.amazonaws.com`
  const { identity } = event
  const service = identity === undefined
  const head = `{"eventVersion":"1.11","userIdentity":${service ? serviceIdentity(event, source) : callerIdentity(event, identity)},"eventTime":"`
  let asked = `","eventSource":${quote(source)}`
  asked += `,"eventName":${text(event.eventName)},"awsRegion":${text(event.region)}`
  asked += `,"sourceIPAddress":${text(event.sourceIpAddress || source)},"userAgent":${text(event.userAgent || (service ? source : ''))}`
  if (event.errorCode !== undefined) asked += `,"errorCode":${text(event.errorCode)}`
  if (event.errorMessage !== undefined) asked += `,"errorMessage":${text(event.errorMessage)}`
  const parameters = `,"requestParameters":${object('requestParameters', event.requestParameters, PARAMETERS_CHARACTERS_MAX)}`
  let answered = `,"responseElements":${object('responseElements', event.responseElements, PARAMETERS_CHARACTERS_MAX)}`
  if (event.additionalEventData !== undefined) {
    answered += `,"additionalEventData":${object('additionalEventData', event.additionalEventData, ADDITIONAL_CHARACTERS_MAX)}`
  }
  let line = `,"readOnly":${event.readOnly ? 'true' : 'false'}`
  const isAbout = event.resources !== undefined && event.resources.length > 0
  const about = isAbout ? `${line},"resources":${resources(event.resources)}` : line
  line = `,"eventType":"${service || event.ofService ? 'AwsServiceEvent' : 'AwsApiCall'}","managementEvent":true`
  line += `,"recipientAccountId":${text(event.account)}`
  if (event.sharedEventId !== undefined) line += `,"sharedEventID":${text(event.sharedEventId)}`
  line += ',"eventCategory":"Management"'
  if (event.tlsVersion !== undefined) line += `,"tlsDetails":{"tlsVersion":${text(event.tlsVersion)}}`
  const end = omitted ? `${line},"omitted":true}` : `${line}}`
  return { head: [head], middle: [asked, ...halves(parameters), `${answered},`], tail: [...halves(about), end] }
}

/** What calls of one operation have in common, and the name, or the end of the ARN, of what they are about. */
function halves(part: string): readonly [shared: string, own: string] {
  const ownAt = part.lastIndexOf(':') + 1
  return [part.slice(0, ownAt), part.slice(ownAt)]
}

/** Of a caller from elsewhere an account learns the account and the unique id, as on AWS, but neither name nor access key. */
const callerIdentity = (event: AuditEvent, identity: Identity): string =>
  event.account === identity.account
    ? userIdentity(identity)
    : `{"type":"AWSAccount","principalId":${quote(identity.userId)},"accountId":${quote(identity.account)}}`

/** What never changes of an identity, as JSON; built once. */
const identities = new WeakMap<Identity, string>()

function userIdentity(identity: Identity): string {
  const known = identities.get(identity)
  if (known !== undefined) return known
  const { kind, userId, arn, account, accessKeyId, userName, session, federated } = identity
  if (federated !== undefined) return federatedIdentity(identity, federated)
  const element = JSON.stringify({
    type: IDENTITY_TYPES[kind],
    principalId: userId,
    arn,
    accountId: account,
    accessKeyId,
    ...(userName !== undefined && { userName }),
    ...(session && { sessionContext: sessionContext(session, account) }),
  })
  identities.set(identity, element)
  return element
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html (AssumeRoleWithWebIdentity) */
function federatedIdentity(identity: Identity, { provider, subject, service }: FederatedFacts): string {
  const element = JSON.stringify({
    type: IDENTITY_TYPES[identity.kind],
    principalId: clip(identity.userId, TEXT_CHARACTERS_MAX),
    userName: clip(subject, TEXT_CHARACTERS_MAX),
    identityProvider: clip(provider, TEXT_CHARACTERS_MAX),
    ...(service !== undefined && { invokedBy: service }),
  })
  identities.set(identity, element)
  return element
}

const IDENTITY_TYPES: { readonly [kind in Identity['kind']]: string } = {
  root: 'Root',
  user: 'IAMUser',
  'role-session': 'AssumedRole',
  'federated-user': 'FederatedUser',
  federated: 'WebIdentityUser',
}

const sessionContext = ({ role, user, issuedAt, context, sourceIdentity }: SessionFacts, account: string) => ({
  ...(user && {
    sessionIssuer: {
      type: 'IAMUser',
      principalId: user.userId,
      arn: user.arn,
      accountId: account,
      userName: user.userName,
    },
  }),
  ...(role && {
    sessionIssuer: {
      type: 'Role',
      principalId: role.roleId,
      arn: role.arn,
      accountId: account,
      userName: role.roleName,
    },
  }),
  attributes: {
    creationDate: isoSecond(issuedAt),
    mfaAuthenticated: context['aws:MultiFactorAuthPresent'] === 'true' ? 'true' : 'false',
  },
  ...(sourceIdentity !== undefined && { sourceIdentity }),
})

const serviceIdentity = (event: AuditEvent, source: string): string =>
  `{"type":"AWSService","accountId":${text(event.account)},"invokedBy":${quote(source)}}`

let lastSecond = Number.NaN
let lastIsoSecond = ''

/** `2026-03-01T12:00:00Z` */
export function isoSecond(time: number): string {
  const second = Math.floor(time / 1000)
  if (second !== lastSecond) {
    lastIsoSecond = `${new Date(second * 1000).toISOString().slice(0, 19)}Z`
    lastSecond = second
  }
  return lastIsoSecond
}

function clip(value: string, charactersMax: number): string {
  if (value.length <= charactersMax) return value
  omitted = true
  return value.slice(0, charactersMax - CUT_MARK.length) + CUT_MARK
}

/** Text that JSON writes as it is: testing for it is quicker than escaping. */
const PLAIN = /^[ !#-[\]-~]*$/

const quote = (value: string): string => (PLAIN.test(value) ? `"${value}"` : JSON.stringify(value))

const text = (value: string): string => quote(clip(value, TEXT_CHARACTERS_MAX))

/**
 * An object within its bound. CloudTrail leaves a larger one out whole, which lets a caller hide a policy behind padding; here the
 * long texts and lists in it are cut first, so that what was asked for still shows.
 */
function object(name: string, value: Plain | null, charactersMax: number): string {
  if (value === null) return 'null'
  const whole = JSON.stringify(value)
  if (whole.length <= charactersMax) return whole
  omitted = true
  const shorter = JSON.stringify(cut(value))
  if (shorter.length <= charactersMax) return shorter
  return `{"reason":"${name} too large","omitted":true,"originalSize":${whole.length}}`
}

function cut(value: unknown): unknown {
  if (typeof value === 'string') {
    return value.length <= CUT_TEXT_CHARACTERS ? value : value.slice(0, CUT_TEXT_CHARACTERS) + CUT_MARK
  }
  if (Array.isArray(value)) return value.slice(0, CUT_LIST_ITEMS).map(cut)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, CUT_LIST_ITEMS)
      .map(([key, member]) => [key, cut(member)]),
  )
}

function resources(list: readonly AuditResource[]): string {
  let items = ''
  for (const { arn, accountId, type } of list.slice(0, RESOURCES_MAX)) {
    items += `${items === '' ? '' : ','}{"accountId":${text(accountId)},"type":${text(type)},"ARN":${text(arn)}}`
  }
  if (list.length > RESOURCES_MAX) omitted = true
  return `[${items}]`
}
