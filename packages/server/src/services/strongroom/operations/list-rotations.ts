// ListRotations tells the latest rotations of a secret, step by step. No AWS operation: docs/rotation.md.

import { operation } from '../../../operation.ts'
import { boolean, integer, list, optional, string, structure, timestamp } from '../../../shape/shape.ts'
import { ROTATIONS_KEPT, readRotations, SecretId, secretTarget } from '../../secretsmanager/port.ts'

const Call = structure({
  Step: string(),
  Attempt: integer(),
  StartedAt: timestamp(),
  /** Absent where the call goes on, or nobody knows how it ended. */
  DurationMs: optional(integer()),
  ErrorKind: optional(string()),
  ErrorType: optional(string()),
  Message: optional(string()),
  /** What a ready-made rotator has found besides. `Level` is `ok`, `warning` or `problem`. */
  Findings: optional(list(structure({ Level: string(), Message: string() }))),
  /** After finishSecret: whether the credential of before still works. Absent where that is not promised or not known. */
  PreviousStillValid: optional(boolean()),
  Log: optional(string()),
})

const Rotation = structure({
  RotationId: string(),
  /** `rotation`, or `test` where only testSecret was tried. */
  Kind: string(),
  VersionId: string(),
  FunctionArn: optional(string()),
  /** Absent while it is under way: `succeeded`, `failed`, `abandoned` or `cancelled`. */
  Outcome: optional(string()),
  Reason: optional(string()),
  StartedAt: timestamp(),
  EndedAt: optional(timestamp()),
  /** Absent where it was asked for. */
  WindowOpensAt: optional(timestamp()),
  Attempt: integer(),
  Calls: list(Call),
})

export const listRotations = operation({
  name: 'ListRotations',
  readOnly: true,
  path: '/_strongroom/rotations/list',

  input: { SecretId, MaxResults: optional(integer({ min: 1, max: ROTATIONS_KEPT })) },

  output: {
    ARN: string(),
    Name: string(),
    RunningRotationId: optional(string()),
    NextRotationDate: optional(timestamp()),
    Rotations: list(Rotation),
  },

  target: secretTarget,

  run: (call) => readRotations(call, call.input.MaxResults ?? 10),
})
