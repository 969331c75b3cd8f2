// The shape of a registered database in our own routes.

import { boolean, integer, optional, string, structure, timestamp } from '../../shape/shape.ts'
import { MasterUserSecret } from '../rds/port.ts'

export const Registration = structure({
  Identifier: string(),
  Arn: string(),
  Cluster: boolean(),
  Engine: string(),
  Host: string(),
  Port: integer(),
  DatabaseName: optional(string()),
  TLS: boolean(),
  MasterUsername: string(),
  /** `available`, `resetting-master-credentials`, or `awaiting-create` */
  Status: string(),
  /** Why a password that was to be set was refused. */
  Refusal: optional(string()),
  CreatedAt: timestamp(),
  MasterUserSecret: optional(MasterUserSecret),
})
