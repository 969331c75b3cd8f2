// Events of KMS's own work, which is nobody's call: a key rotated, or deleted when its time had come.
// https://docs.aws.amazon.com/kms/latest/developerguide/logging-using-cloudtrail.html

import type { App } from '../../app.ts'
import type { AuditEvent } from '../../audit/event.ts'
import { arnOf, type KmsKey } from './model.ts'

export const keyServiceEvent = (app: App, key: KmsKey, eventName: string): AuditEvent => ({
  eventId: app.uuid(),
  time: app.wallNow(),
  requestId: app.uuid(),
  service: 'kms',
  eventName,
  region: key.region,
  readOnly: false,
  ofService: true,
  account: key.accountId,
  sourceIpAddress: 'kms.amazonaws.com',
  userAgent: 'kms.amazonaws.com',
  requestParameters: null,
  responseElements: null,
  additionalEventData: { keyId: key.keyId },
  resources: [{ arn: arnOf(key), accountId: key.accountId, type: 'AWS::KMS::Key' }],
})
