// CloudTrail, as far as it reads events: what happened, from the audit trail.

import type { Service } from '../../operation.ts'
import { lookupEvents } from './operations/lookup-events.ts'

export const cloudtrail: Service = {
  name: 'cloudtrail',
  protocol: 'json',
  // The model of botocore gives the long prefix, that of the newer SDKs the short one.
  targetPrefixes: ['com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101', 'CloudTrail_20131101'],
  bodyBytesMax: 65_536,
  operations: [lookupEvents],
}
