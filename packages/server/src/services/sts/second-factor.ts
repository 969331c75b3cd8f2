// The code of an MFA device that comes with a call, as GetSessionToken and AssumeRole take it. It is used up before anything else is decided, in
// a transaction of its own, so that a code is good once whatever becomes of the call, and a wrong one is counted though the call fails.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html

import type { SecondFactor } from '../../operation.ts'
import { optional, type ValuesOf } from '../../shape/shape.ts'
import { acceptMfaCode, type MfaVerdict } from '../iam/port.ts'
import * as errors from './errors.ts'
import { SerialNumber, TokenCode } from './shapes.ts'

export const secondFactorInput = { SerialNumber: optional(SerialNumber), TokenCode: optional(TokenCode) }

export const secondFactor: SecondFactor<ValuesOf<typeof secondFactorInput>> = {
  isGiven: ({ SerialNumber, TokenCode }) => SerialNumber !== undefined || TokenCode !== undefined,

  async accept({ app, identity, input: { SerialNumber, TokenCode } }) {
    if (SerialNumber === undefined || TokenCode === undefined) throw errors.mfaIncomplete()
    const now = app.wallNow()
    const verdict = await app.database.transaction('write', (tx) =>
      acceptMfaCode(app, tx, identity, SerialNumber, TokenCode, now),
    )
    if (verdict !== 'accepted') throw REFUSALS[verdict]()
    return now
  },
}

const REFUSALS: { readonly [verdict in Exclude<MfaVerdict, 'accepted'>]: () => Error } = {
  unknown: errors.mfaNotValid,
  wrong: errors.mfaCodeWrong,
  throttled: errors.mfaThrottled,
}
