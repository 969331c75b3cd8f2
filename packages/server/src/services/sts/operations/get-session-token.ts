// GetSessionToken hands out temporary credentials of the user who asks. It takes no permission: it is for proving who one is, as on AWS.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { optional } from '../../../shape/shape.ts'
import { secondFactor, secondFactorInput } from '../second-factor.ts'
import { MinimumSessionTokenSize, UserDurationSeconds } from '../shapes.ts'
import { userSession, userSessionOutput } from '../user-session.ts'

export const getSessionToken = operation({
  name: 'GetSessionToken',
  readOnly: true,

  input: {
    DurationSeconds: optional(UserDurationSeconds),
    ...secondFactorInput,
    MinimumSessionTokenSize: optional(MinimumSessionTokenSize),
  },

  output: userSessionOutput,

  secondFactor,

  target: async ({ account }) => ({ resource: '*', account }),

  permissions: () => [],

  responseElements: (result) => redact(userSessionOutput, result),

  run: async (call) =>
    userSession(call, { kind: 'user-session', policies: [], policyArns: [], tags: {}, transitiveTagKeys: [] }),
})
