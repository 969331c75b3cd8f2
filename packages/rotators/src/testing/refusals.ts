// What tests expect of an error: its kind, its words, and that no value stands in it.

import assert from 'node:assert/strict'
import { RotatorError, type RotatorErrorKind } from '../errors.ts'

/** For `assert.rejects`. What `hidden` matches may stand neither in the message nor in the cause. */
export const refusal =
  (kind: RotatorErrorKind, message?: RegExp, hidden?: RegExp) =>
  (error: unknown): true => {
    assert.ok(error instanceof RotatorError, String(error))
    assert.equal(error.kind, kind, error.message)
    if (message) assert.match(error.message, message)
    if (hidden) assert.doesNotMatch(JSON.stringify([error.message, error.cause]), hidden)
    return true
  }

export const fails = (kind: RotatorErrorKind, work: Promise<unknown>, message?: RegExp): Promise<void> =>
  assert.rejects(work, refusal(kind, message))
