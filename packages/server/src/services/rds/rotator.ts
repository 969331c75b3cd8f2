// The ready-made rotator of a database's engine, for values that hold no more than what RDS keeps in a secret: a username and a password.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html

import { type PendingRun, type Rotator, type Run, rotators, type SecretValue } from '@strongroom/rotators'
import type { Engine, RegisteredDatabase } from './model.ts'

const ROTATORS: { readonly [engine in Engine]: string } = {
  'aurora-mysql': 'mysql-single-user',
  'aurora-postgresql': 'postgresql-single-user',
  mariadb: 'mariadb-single-user',
  mysql: 'mysql-single-user',
  postgres: 'postgresql-single-user',
}

type Endpoint = Pick<RegisteredDatabase, 'engine' | 'host' | 'port' | 'dbname' | 'tls' | 'masterUsername'>

/** Undefined where this server has no rotator for the engine. */
export const findEngine = (engine: Engine): Rotator | undefined =>
  rotators.find(({ name }) => name === ROTATORS[engine])

/** A value of the secret as the engine's rotator reads it: of the registered endpoint and user, whatever else the value says. */
export const wholeValue = (
  { engine, host, port, dbname, tls, masterUsername }: Endpoint,
  { password }: SecretValue,
): SecretValue => ({
  engine,
  host,
  port,
  ssl: tls,
  username: masterUsername,
  password,
  ...(dbname !== undefined && { dbname }),
})

/** What the secret holds, and nothing else. */
export const secretValueOf = (username: string, password: unknown): SecretValue => ({ username, password })

/** Rotates the master user's own password at the endpoint. */
export function masterRotator(database: Endpoint, engine: Rotator): Rotator {
  const value = (of: SecretValue) => wholeValue(database, of)
  const whole = <R extends Run>(run: R): R => ({
    ...run,
    current: value(run.current),
    ...(run.previous && { previous: value(run.previous) }),
    ...('pending' in run && { pending: value((run as unknown as PendingRun).pending) }),
  })
  const { settle } = engine
  return {
    ...engine,
    check: (of, options) => engine.check(value(of), options),
    create: async (run, io) => secretValueOf(database.masterUsername, (await engine.create(whole(run), io)).password),
    set: (run, io) => engine.set(whole(run), io),
    test: (run, io) => engine.test(whole(run), io),
    ...(settle && { settle: (run, io) => settle.call(engine, whole(run), io) }),
    dryRun: (run, io) => engine.dryRun(whole(run), io),
  }
}
