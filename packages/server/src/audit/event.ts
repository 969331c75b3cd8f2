// One audit event, as the path of a request knows it; encoded as a CloudTrail record.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html

import type { Identity } from '../call.ts'

export type AuditResource = { readonly arn: string; readonly accountId: string; readonly type: string }

export type AuditEvent = {
  readonly eventId: string
  /** Milliseconds since the epoch, wall clock. */
  readonly time: number
  readonly requestId: string
  /** `secretsmanager`: eventSource is `secretsmanager.amazonaws.com`. */
  readonly service: string
  readonly eventName: string
  readonly region: string
  readonly readOnly: boolean
  /** Absent in events of the server's own background work. */
  readonly identity?: Identity
  /** An AwsServiceEvent, though a call may have caused it; otherwise an AwsApiCall. */
  readonly ofService?: true
  /** The account in whose trail the event stands. */
  readonly account: string
  /** Where the same event stands in the trails of two accounts, each with an eventId of its own. */
  readonly sharedEventId?: string
  readonly sourceIpAddress: string
  readonly userAgent: string
  readonly requestParameters: { readonly [key: string]: unknown } | null
  readonly responseElements: { readonly [key: string]: unknown } | null
  readonly additionalEventData?: { readonly [key: string]: unknown }
  readonly resources?: readonly AuditResource[]
  readonly errorCode?: string
  readonly errorMessage?: string
  readonly tlsVersion?: string
}
