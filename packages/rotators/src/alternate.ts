// The names of the two users that take turns. https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-two-users.html

import { RotatorError } from './errors.ts'

const SUFFIX = '_clone'

/** `u` of `u` and of `u_clone`. */
export const baseOf = (username: string): string =>
  username.endsWith(SUFFIX) && username !== SUFFIX ? username.slice(0, -SUFFIX.length) : username

/** `u_clone` of `u`, and the other way round. */
export const alternateOf = (username: string): string => {
  const base = baseOf(username)
  return base === username ? base + SUFFIX : base
}

/** Of a user that was not there a moment before. */
export const appeared = (username: string): RotatorError =>
  new RotatorError('permission', `The server has a user ${username} by now, which somebody else made.`)
