// IAM: its operations, alphabetical. What the API has beyond them answers UnknownOperationException; README.md lists it.

import type { Service } from '../../operation.ts'
import { createUser } from './operations/create-user.ts'
import { getUser } from './operations/get-user.ts'

export const iam: Service = {
  name: 'iam',
  protocol: 'query',
  version: '2010-05-08',
  xmlNamespace: 'https://iam.amazonaws.com/doc/2010-05-08/',
  global: true,
  // A policy document may have 131,072 characters, which the form may percent-encode.
  bodyBytesMax: 256 * 1024,
  faultCode: 'ServiceFailure',
  operations: [createUser, getUser],
}
