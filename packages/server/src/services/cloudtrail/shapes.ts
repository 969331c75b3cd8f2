// The members of CloudTrail's calls. Limits that CloudTrail refuses with errors of its own are checked in model.ts.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html

import { list, optional, string, structure, timestamp } from '../../shape/shape.ts'

export const LookupAttributes = list(structure({ AttributeKey: string(), AttributeValue: string() }))

export const Event = structure({
  EventId: optional(string()),
  EventName: optional(string()),
  /** `true` or `false`, as text. */
  ReadOnly: optional(string()),
  AccessKeyId: optional(string()),
  EventTime: optional(timestamp()),
  EventSource: optional(string()),
  Username: optional(string()),
  Resources: optional(list(structure({ ResourceType: optional(string()), ResourceName: optional(string()) }))),
  /** The whole record, as JSON. */
  CloudTrailEvent: optional(string()),
})
