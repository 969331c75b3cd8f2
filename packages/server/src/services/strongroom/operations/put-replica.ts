// PutReplica takes a replica, or one of its values, from the Strongroom that has the primary. No AWS operation: docs/replication.md and
// docs/adr/0010-replication-over-the-wire.md.

import { operation } from '../../../operation.ts'
import { blob, boolean, enumeration, integer, list, optional, string, structure } from '../../../shape/shape.ts'
import { RotationRules, receivedTarget, receiveReplica } from '../../secretsmanager/port.ts'

const Name = string({ min: 1, max: 128 })
const VersionId = string({ min: 32, max: 64 })

export const putReplica = operation({
  name: 'PutReplica',
  readOnly: false,
  path: '/_strongroom/replicas/put',

  input: {
    PrimaryArn: string({ min: 20, max: 2048 }),
    /** Of the primary: a later one takes the place of an earlier one, never the other way round. */
    Revision: integer({ min: 1 }),
    Create: boolean(),
    Overwrite: boolean(),
    KmsKeyId: optional(string({ min: 1, max: 2048 })),
    Description: optional(string({ min: 1, max: 2048 })),
    OwningService: optional(Name),
    Type: optional(string({ min: 1, max: 256 })),
    Tags: list(structure({ Key: Name, Value: string({ max: 256 }) }), { max: 100 }),
    ResourcePolicy: optional(string({ min: 1, max: 20_480 })),
    Rotation: optional(
      structure({
        Enabled: boolean(),
        FunctionArn: optional(string({ max: 2048 })),
        Rules: optional(RotationRules),
        ConfiguredAt: integer({ min: 0 }),
        RotatedAt: optional(integer({ min: 0 })),
        DaysBetween: optional(integer({ min: 0 })),
        NextOpensAt: optional(integer({ min: 0 })),
        NextStartsAt: optional(integer({ min: 0 })),
        NextClosesAt: optional(integer({ min: 0 })),
      }),
    ),
    /** Milliseconds since the epoch, as are the dates of versions and of rotation. */
    CreatedAt: integer({ min: 0 }),
    ChangedAt: integer({ min: 0 }),
    Versions: list(
      structure({
        VersionId,
        VersionStages: list(string({ min: 1, max: 256 }), { max: 20 }),
        CreatedAt: integer({ min: 0 }),
        HasValue: boolean(),
      }),
      { max: 500 },
    ),
    /** At most one a call. */
    Value: optional(
      structure({
        VersionId,
        Kind: enumeration('string', 'binary'),
        Bytes: blob({ min: 1, max: 65_536, sensitive: true }),
      }),
    ),
  },

  output: {
    Status: enumeration('InSync', 'ValuesMissing', 'Stopped', 'Gone', 'Newer', 'Failed'),
    StatusMessage: optional(string()),
    MissingVersionIds: optional(list(string())),
    KmsKeyId: optional(string()),
  },

  target: receivedTarget,

  responseElements: ({ Status, StatusMessage }) => ({
    status: Status,
    ...(StatusMessage !== undefined && { statusMessage: StatusMessage }),
  }),

  run: receiveReplica,
})
