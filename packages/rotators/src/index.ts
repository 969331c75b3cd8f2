// Every ready-made rotator: the table of contents. One line an engine and strategy; names are `ENGINE-single-user`, `ENGINE-alternating-users` and
// `ENGINE-dual-passwords`. What issues credentials itself has names of its own.

import { apart } from './apart.ts'
import { activedirectory } from './engines/activedirectory.ts'
import { mariadb } from './engines/mariadb.ts'
import { mongodb } from './engines/mongodb.ts'
import { mysql } from './engines/mysql.ts'
import { openldap } from './engines/openldap.ts'
import { oracle } from './engines/oracle.ts'
import { postgresql } from './engines/postgresql.ts'
import { rabbitmq } from './engines/rabbitmq.ts'
import { redis } from './engines/redis.ts'
import { redshift } from './engines/redshift.ts'
import { sqlserver } from './engines/sqlserver.ts'
import { acmeCertificate } from './issuers/acme-certificate.ts'
import { httpCredentials } from './issuers/http-credential.ts'
import { iamAccessKeys } from './issuers/iam-access-key.ts'
import { keyPair } from './issuers/key-pair.ts'
import { sshKey } from './issuers/ssh-key.ts'
import type { Rotator } from './rotator.ts'
import { alternating } from './strategies/alternating.ts'
import { dual } from './strategies/dual.ts'
import { single } from './strategies/single.ts'

export type { Engine } from './engine.ts'
export { oneLine, RotatorError, type RotatorErrorKind } from './errors.ts'
export { partnerRotators } from './issuers/partners.ts'
export type {
  Described,
  Finding,
  Io,
  PendingRun,
  PrivateKeySpec,
  Rotator,
  Run,
  SecretValue,
  Strategy,
} from './rotator.ts'
export { parseSecret } from './secret.ts'

export const rotators: readonly Rotator[] = [
  single(postgresql),
  alternating(postgresql),
  single(mariadb),
  alternating(mariadb),
  dual(mariadb),
  single(mysql),
  alternating(mysql),
  dual(mysql),
  dual(redis),
  single(redis),
  alternating(redis),
  single(rabbitmq),
  alternating(rabbitmq),
  single(openldap),
  dual(openldap),
  single(activedirectory),
  single(redshift),
  alternating(redshift),
  single(apart(mongodb)),
  alternating(apart(mongodb)),
  single(apart(sqlserver)),
  alternating(apart(sqlserver)),
  single(apart(oracle)),
  alternating(apart(oracle)),
  dual(apart(oracle)),
  ...httpCredentials,
  ...iamAccessKeys,
  keyPair,
  sshKey,
  acmeCertificate,
]
