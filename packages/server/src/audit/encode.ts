// An AuditEvent as one line of JSON in the form of a CloudTrail record. Every field is escaped and bounded; a line holds no newline.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html

import type { FederatedFacts, Identity, SessionFacts } from '../call.ts'
import { inOneRun } from '../one-run.ts'
import type { AuditEvent, AuditResource } from './event.ts'

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

/** A record but for what no two events share: its time and its ids. */
export type EventForm = { readonly head: string; readonly middle: string; readonly tail: string }

/** The event's record, without a newline. */
export const encodeEvent = (event: AuditEvent): string =>
  fillForm(formOf(event), event.time, event.requestId, event.eventId)

/** `time` in milliseconds since the epoch. */
export const fillForm = ({ head, middle, tail }: EventForm, time: number, requestId: string, eventId: string): string =>
  `${head}${isoSecond(time)}${middle}${quote(requestId)},"eventID":${quote(eventId)}${tail}`

/** The form of many events: one run of characters each, where what was put together from pieces would be put together again every time. */
export const lastingForm = (event: AuditEvent): EventForm => {
  const { head, middle, tail } = formOf(event)
  return { head: inOneRun(head), middle: inOneRun(middle), tail: inOneRun(tail) }
}

/** Members stand in the order in which CloudTrail writes them. */
function formOf(event: AuditEvent): EventForm {
  omitted = false
  const source = `${clip(event.service, 64)}.amazonaws.com`
  const { identity } = event
  const service = identity === undefined
  const head = `{"eventVersion":"1.11","userIdentity":${service ? serviceIdentity(event, source) : callerIdentity(event, identity)},"eventTime":"`
  let line = `","eventSource":${quote(source)}`
  line += `,"eventName":${text(event.eventName)},"awsRegion":${text(event.region)}`
  line += `,"sourceIPAddress":${text(event.sourceIpAddress || source)},"userAgent":${text(event.userAgent || (service ? source : ''))}`
  if (event.errorCode !== undefined) line += `,"errorCode":${text(event.errorCode)}`
  if (event.errorMessage !== undefined) line += `,"errorMessage":${text(event.errorMessage)}`
  line += `,"requestParameters":${object('requestParameters', event.requestParameters, PARAMETERS_CHARACTERS_MAX)}`
  line += `,"responseElements":${object('responseElements', event.responseElements, PARAMETERS_CHARACTERS_MAX)}`
  if (event.additionalEventData !== undefined) {
    line += `,"additionalEventData":${object('additionalEventData', event.additionalEventData, ADDITIONAL_CHARACTERS_MAX)}`
  }
  const middle = `${line},"requestID":`
  line = `,"readOnly":${event.readOnly ? 'true' : 'false'}`
  if (event.resources !== undefined && event.resources.length > 0) line += `,"resources":${resources(event.resources)}`
  line += `,"eventType":"${service || event.ofService ? 'AwsServiceEvent' : 'AwsApiCall'}","managementEvent":true`
  line += `,"recipientAccountId":${text(event.account)}`
  if (event.sharedEventId !== undefined) line += `,"sharedEventID":${text(event.sharedEventId)}`
  line += ',"eventCategory":"Management"'
  if (event.tlsVersion !== undefined) line += `,"tlsDetails":{"tlsVersion":${text(event.tlsVersion)}}`
  return { head, middle, tail: omitted ? `${line},"omitted":true}` : `${line}}` }
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

function isoSecond(time: number): string {
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
