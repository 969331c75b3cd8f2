// Every operation of RDS and of our own routes for databases, with secret passwords, at an endpoint where nobody answers.

import { RDS } from '@aws-sdk/client-rds'
import { REGION, type ServerProcess } from './server-process.ts'

type Journeys = { readonly [operation: string]: () => Promise<string> }
type Route = (name: string, path: string, input: object) => Promise<unknown>

/** By `service operation`; each resolves with what was answered. `route` calls one of our own. */
export function rdsJourneys(
  { url, credentials }: Pick<ServerProcess, 'url' | 'credentials'>,
  secret: () => string,
  after: (end: () => void) => void,
): Journeys {
  const rds = new RDS({ endpoint: url, region: REGION, credentials: { ...credentials }, maxAttempts: 1 })
  after(() => rds.destroy())
  const journeys: Record<string, () => Promise<string>> = {}
  const add = (name: string, call: () => Promise<object>): void => {
    journeys[`rds ${name}`] = async () => `${name} 200 ${JSON.stringify(await call())}`
  }
  const refused = (call: Promise<unknown>): Promise<string> =>
    call.then(
      () => Promise.reject(new Error('was not refused')),
      (error: Error) => `${error.name}: ${error.message}`,
    )
  const [DBInstanceIdentifier, DBClusterIdentifier] = ['awaited', 'awaited']
  let ResourceName = ''
  add('CreateDBInstance', async () => {
    const input = { DBInstanceIdentifier, DBInstanceClass: 'db.external', Engine: 'postgres' }
    const wrong = await refused(rds.createDBInstance({ ...input, MasterUserPassword: `${secret()} @` }))
    const made = await rds.createDBInstance({ ...input, ManageMasterUserPassword: true })
    ResourceName = made.DBInstance!.DBInstanceArn!
    return { wrong, made }
  })
  add('CreateDBCluster', () =>
    rds.createDBCluster({ DBClusterIdentifier, Engine: 'aurora-postgresql', MasterUserPassword: secret() }),
  )
  add('DescribeDBInstances', () => rds.describeDBInstances({}))
  add('DescribeDBClusters', () => rds.describeDBClusters({}))
  add('AddTagsToResource', () => rds.addTagsToResource({ ResourceName, Tags: [{ Key: 'a', Value: 'b' }] }))
  add('ListTagsForResource', () => rds.listTagsForResource({ ResourceName }))
  add('RemoveTagsFromResource', () => rds.removeTagsFromResource({ ResourceName, TagKeys: ['a'] }))
  add('ModifyDBInstance', async () => ({
    wrong: await refused(rds.modifyDBInstance({ DBInstanceIdentifier, MasterUserPassword: secret() })),
    changing: await rds.modifyDBInstance({ DBInstanceIdentifier: 'plain', MasterUserPassword: secret() }),
  }))
  add('ModifyDBCluster', async () => ({
    wrong: await refused(rds.modifyDBCluster({ DBClusterIdentifier, MasterUserPassword: secret() })),
    managed: await rds.modifyDBCluster({ DBClusterIdentifier: 'plain', ManageMasterUserPassword: true }),
  }))
  const gone = { SkipFinalSnapshot: true }
  add('DeleteDBInstance', () => rds.deleteDBInstance({ DBInstanceIdentifier: 'unused', ...gone }))
  add('DeleteDBCluster', () => rds.deleteDBCluster({ DBClusterIdentifier: 'unused', ...gone }))
  return journeys
}

/** Our own routes; RegisterDatabase before all of RDS. */
export function databaseJourneys(
  route: Route,
  secret: () => string,
): { readonly [operation: string]: () => Promise<void> } {
  const registration = (Identifier: string, more: object = {}) => ({
    Identifier,
    Engine: 'postgres',
    Host: 'localhost',
    Port: 1,
    MasterUsername: 'master',
    MasterUserPassword: secret(),
    ...more,
  })
  const register = (identifier: string, more: object = {}) =>
    route('RegisterDatabase', 'databases/register', registration(identifier, { SkipLogin: true, ...more }))
  return {
    'strongroom RegisterDatabase': async () => {
      await route('RegisterDatabase', 'databases/register', registration('unreachable'))
      await register('not an identifier')
      for (const identifier of ['plain', 'unused', 'forgotten']) {
        await register(identifier)
        await register(identifier, { Cluster: true })
      }
      await register('awaited', { AwaitCreate: true })
      await register('awaited', { AwaitCreate: true, Cluster: true, Engine: 'aurora-postgresql' })
    },
    'strongroom ShowDatabase': async () =>
      void (await route('ShowDatabase', 'databases/show', { Identifier: 'plain' })),
    'strongroom ListDatabases': async () => void (await route('ListDatabases', 'databases/list', {})),
    'strongroom DeregisterDatabase': async () =>
      void (await route('DeregisterDatabase', 'databases/deregister', { Identifier: 'forgotten' })),
  }
}
