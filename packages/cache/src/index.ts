// What an application imports: docs/caching.md.

export { isAuthenticationFailure } from './authentication.ts'
export type { StreamState } from './event-stream.ts'
export { type FailureKind, kindOf as failureKindOf } from './failure.ts'
export type { Activity, CacheOptions, DiskOptions } from './options.ts'
export {
  type DatabaseCredential,
  databaseCredential,
  type Schema,
  SecretFormatError,
  type StandardSchema,
} from './schema.ts'
export {
  type AuthenticateOptions,
  type ReadOptions,
  type Rotation,
  SecretCache,
  type SecretCacheMetrics,
  type SecretCacheOptions,
  type SecretValue,
  type VersionOptions,
} from './secret-cache.ts'
export { CacheClosedError, type CacheMetrics } from './value-cache.ts'
