// The shapes of RDS, as far as a registered database has them. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_Types.html

import { boolean, integer, list, optional, string, structure, timestamp } from '../../shape/shape.ts'

/** An identifier, or an ARN with one. */
export const Identifier = string({ min: 1, max: 255 })
export const MasterUserPassword = string({ sensitive: true, max: 4_096 })
export const KmsKeyId = string({ min: 1, max: 2_048 })

const Tag = structure({ Key: optional(string({ max: 128 })), Value: optional(string({ max: 256 })) })
export const TagList = list(Tag, { itemName: 'Tag', max: 50 })
export const TagKeys = list(string({ max: 128 }), { max: 50 })

export const Filters = list(
  structure({ Name: string({ max: 255 }), Values: list(string({ max: 255 }), { itemName: 'Value', max: 100 }) }),
  { itemName: 'Filter', max: 20 },
)
export const MaxRecords = integer({ min: 20, max: 100 })
export const Marker = string({ max: 4_096 })

export const MasterUserSecret = structure({
  SecretArn: optional(string()),
  SecretStatus: optional(string()),
  KmsKeyId: optional(string()),
})

const PendingModifiedValues = structure({ MasterUserPassword: optional(string({ sensitive: true })) })

export const DBInstance = structure({
  DBInstanceIdentifier: optional(string()),
  DBInstanceClass: optional(string()),
  Engine: optional(string()),
  DBInstanceStatus: optional(string()),
  MasterUsername: optional(string()),
  DBName: optional(string()),
  Endpoint: optional(structure({ Address: optional(string()), Port: optional(integer()) })),
  InstanceCreateTime: optional(timestamp()),
  PendingModifiedValues: optional(PendingModifiedValues),
  DbiResourceId: optional(string()),
  DBInstanceArn: optional(string()),
  TagList: optional(TagList),
  MasterUserSecret: optional(MasterUserSecret),
})

export const DBCluster = structure({
  DatabaseName: optional(string()),
  DBClusterIdentifier: optional(string()),
  Status: optional(string()),
  Endpoint: optional(string()),
  Engine: optional(string()),
  Port: optional(integer()),
  MasterUsername: optional(string()),
  DbClusterResourceId: optional(string()),
  DBClusterArn: optional(string()),
  ClusterCreateTime: optional(timestamp()),
  PendingModifiedValues: optional(PendingModifiedValues),
  TagList: optional(TagList),
  MasterUserSecret: optional(MasterUserSecret),
})

/** What a caller may do to the master password. */
export const masterMembers = {
  ManageMasterUserPassword: optional(boolean()),
  RotateMasterUserPassword: optional(boolean()),
  MasterUserPassword: optional(MasterUserPassword),
  MasterUserSecretKmsKeyId: optional(KmsKeyId),
  ApplyImmediately: optional(boolean()),
} as const
