// From a LookupEvents request to a search of the trail, and from what it found to CloudTrail's events.

import { createHash } from 'node:crypto'
import type { FoundEvent, LookupKey, TrailPosition, TrailQuery } from '../../audit/query.ts'
import { userNameOf } from '../../audit/query.ts'
import type { Preparation } from '../../call.ts'
import { openPageToken, sealPageToken } from '../../protocol/page-token.ts'
import type { ValueOf } from '../../shape/shape.ts'
import * as errors from './errors.ts'
import type { Event } from './shapes.ts'

const RESULTS_MAX = 50
const ATTRIBUTE_CHARACTERS_MAX = 2_000
/** Characters that CloudTrail counts twice towards the limit. */
const COUNTED_TWICE = /[_ ,\n]/g
/** The last moment of the year 9999: what a record's eventTime can say. */
const TIME_MAX = 253_402_300_799_999

const KEYS: { readonly [key in LookupKey]: true } = {
  AccessKeyId: true,
  EventId: true,
  EventName: true,
  EventSource: true,
  ReadOnly: true,
  ResourceName: true,
  ResourceType: true,
  Username: true,
}

export type LookupInput = {
  readonly LookupAttributes?: readonly { readonly AttributeKey: string; readonly AttributeValue: string }[] | undefined
  readonly StartTime?: number | undefined
  readonly EndTime?: number | undefined
  readonly EventCategory?: string | undefined
  readonly MaxResults?: number | undefined
  readonly NextToken?: string | undefined
}

/** @throws ServiceError in CloudTrail's codes for what it would refuse */
export function toQuery({ app, account, region, input }: Preparation<LookupInput>): TrailQuery {
  if (input.EventCategory !== undefined) {
    throw input.EventCategory === 'insight' ? errors.noInsights() : errors.badEventCategory()
  }
  const limit = input.MaxResults ?? RESULTS_MAX
  if (limit < 1 || limit > RESULTS_MAX) throw errors.badMaxResults()
  const startTime = input.StartTime ?? 0
  const endTime = input.EndTime ?? TIME_MAX
  for (const time of [startTime, endTime]) if (!(time >= 0 && time <= TIME_MAX)) throw errors.badTime()
  if (startTime > endTime) throw errors.startAfterEnd()
  const filter = toFilter(input.LookupAttributes ?? [])
  const after = input.NextToken === undefined ? undefined : openToken(app.keyring, account, region, input)
  return { account, region, startTime, endTime, limit, ...(filter && { filter }), ...(after && { after }) }
}

function toFilter(attributes: NonNullable<LookupInput['LookupAttributes']>): TrailQuery['filter'] {
  if (attributes.length > 1) throw errors.tooManyAttributes()
  const [attribute] = attributes
  if (attribute === undefined) return undefined
  const { AttributeKey: key, AttributeValue: value } = attribute
  if (!Object.hasOwn(KEYS, key)) throw errors.unknownAttribute()
  const length = value.length + (value.match(COUNTED_TWICE)?.length ?? 0)
  if (length < 1 || length > ATTRIBUTE_CHARACTERS_MAX) throw errors.badAttributeValue()
  return { key: key as LookupKey, value }
}

const TOKEN_PURPOSE = 'cloudtrail:LookupEvents'

type Keyring = Preparation<unknown>['app']['keyring']

/** A token goes with the parameters of the request that made it; only the size of the page may change. */
function fingerprint(region: string, { LookupAttributes, StartTime, EndTime }: LookupInput): string {
  const parameters = JSON.stringify([
    region,
    (LookupAttributes ?? []).map(({ AttributeKey, AttributeValue }) => [AttributeKey, AttributeValue]),
    StartTime ?? null,
    EndTime ?? null,
  ])
  return createHash('sha256').update(parameters).digest('base64url').slice(0, 22)
}

export const sealToken = (
  keyring: Keyring,
  account: string,
  region: string,
  input: LookupInput,
  next: TrailPosition,
): string => sealPageToken(keyring, TOKEN_PURPOSE, account, JSON.stringify({ ...next, of: fingerprint(region, input) }))

function openToken(keyring: Keyring, account: string, region: string, input: LookupInput): TrailPosition {
  const json = openPageToken(keyring, TOKEN_PURPOSE, account, input.NextToken ?? '')
  if (json === undefined) throw errors.badNextToken()
  const { of, ...position } = JSON.parse(json) as TrailPosition & { of: string }
  if (of !== fingerprint(region, input)) throw errors.badNextToken()
  return position
}

export function toEvent({ record, json }: FoundEvent): ValueOf<typeof Event> {
  return {
    EventId: record.eventID,
    EventName: record.eventName,
    ReadOnly: String(record.readOnly),
    AccessKeyId: record.userIdentity.accessKeyId,
    EventTime: Date.parse(record.eventTime),
    EventSource: record.eventSource,
    Username: userNameOf(record),
    Resources: (record.resources ?? []).map(({ ARN, type }) => ({ ResourceType: type, ResourceName: ARN })),
    CloudTrailEvent: json,
  }
}
