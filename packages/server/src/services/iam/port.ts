// What other services ask of IAM: ids and ARNs, the roles that can be assumed, and the sessions that were revoked.

export { roleArn } from './model.ts'
export {
  type AssumableRole,
  findAssumableRole,
  REVOKED_SESSIONS_MAX,
  revokeSession,
  sessionPolicyExists,
} from './sessions.ts'
export { findAccountOfAccessKey } from './store.ts'
export { requestTagContext, resourceTagContext } from './tags.ts'
export { accountOfAccessKeyId, newTemporaryAccessKeyId } from './unique-id.ts'
