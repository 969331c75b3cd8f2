// STS: who the caller is, and (later) temporary credentials.

import type { Service } from '../../operation.ts'
import { getCallerIdentity } from './operations/get-caller-identity.ts'

export const sts: Service = {
  name: 'sts',
  protocol: 'query',
  version: '2011-06-15',
  xmlNamespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
  bodyBytesMax: 65_536,
  operations: [getCallerIdentity],
}
