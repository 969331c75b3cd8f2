// The shapes of STS, with the limits of AWS's API reference.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html

import { string } from '../../shape/shape.ts'

/** The id of a user, the account id of a root user, or role id and session name of a session. */
export const UserId = string()

/** 12 digits. */
export const Account = string()

export const Arn = string({ min: 20, max: 2048 })
