// A database as Describe shows it: what is known of it here, and no more.

import type { Call } from '../../call.ts'
import { findOwnedState } from '../secretsmanager/port.ts'
import { DB_INSTANCE_CLASS, databaseArn, type RegisteredDatabase } from './model.ts'
import { shownTags } from './tags.ts'

type SecretStatus = 'creating' | 'active' | 'rotating' | 'impaired'

/** https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_MasterUserSecret.html */
async function shownSecret(call: Call, { secret }: RegisteredDatabase) {
  if (secret === undefined) return undefined
  const state = await findOwnedState(call, 'rds', secret.name)
  const usable = state !== undefined && !state.failing && (await call.app.kms.isEnabled(call, secret.kmsKeyArn))
  const underWay: SecretStatus | undefined = state?.rotating ? (state.fresh ? 'creating' : 'rotating') : undefined
  return {
    SecretArn: secret.arn,
    SecretStatus: usable ? (underWay ?? 'active') : 'impaired',
    KmsKeyId: secret.kmsKeyArn,
  }
}

const statusOf = ({ change }: RegisteredDatabase): string =>
  change === undefined ? 'available' : 'resetting-master-credentials'

export async function shownInstance(call: Call, database: RegisteredDatabase) {
  const { kind, identifier, engine, host, port, dbname, masterUsername, resourceId, createdAt, change, tags } = database
  return {
    DBInstanceIdentifier: identifier,
    DBInstanceClass: DB_INSTANCE_CLASS,
    Engine: engine,
    DBInstanceStatus: statusOf(database),
    MasterUsername: masterUsername,
    DBName: dbname,
    Endpoint: { Address: host, Port: port },
    InstanceCreateTime: createdAt,
    PendingModifiedValues: { MasterUserPassword: change && '****' },
    DbiResourceId: resourceId,
    DBInstanceArn: databaseArn(call, kind, identifier),
    TagList: shownTags(tags),
    MasterUserSecret: await shownSecret(call, database),
  }
}

export async function shownCluster(call: Call, database: RegisteredDatabase) {
  const { kind, identifier, engine, host, port, dbname, masterUsername, resourceId, createdAt, change, tags } = database
  return {
    DatabaseName: dbname,
    DBClusterIdentifier: identifier,
    Status: statusOf(database),
    Endpoint: host,
    Engine: engine,
    Port: port,
    MasterUsername: masterUsername,
    DbClusterResourceId: resourceId,
    DBClusterArn: databaseArn(call, kind, identifier),
    ClusterCreateTime: createdAt,
    PendingModifiedValues: { MasterUserPassword: change && '****' },
    TagList: shownTags(tags),
    MasterUserSecret: await shownSecret(call, database),
  }
}

/** What our own routes show of either kind. */
export async function shownRegistration(call: Call, database: RegisteredDatabase) {
  const { kind, identifier, engine, host, port, dbname, tls, masterUsername, awaitsCreate, refusal, createdAt } =
    database
  return {
    Identifier: identifier,
    Arn: databaseArn(call, kind, identifier),
    Cluster: kind === 'cluster',
    Engine: engine,
    Host: host,
    Port: port,
    DatabaseName: dbname,
    TLS: tls,
    MasterUsername: masterUsername,
    Status: awaitsCreate ? 'awaiting-create' : statusOf(database),
    Refusal: refusal,
    CreatedAt: createdAt,
    MasterUserSecret: await shownSecret(call, database),
  }
}
