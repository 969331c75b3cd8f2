// What other services ask of IAM: accounts, ids and ARNs, the roles that can be assumed, and the sessions that were revoked.

export {
  type Account,
  createAccessRole,
  findAccount,
  findAccountByEmail,
  listAccounts,
  setAccountEmail,
  setAccountStatus,
} from './accounts.ts'
export { roleArn } from './model.ts'
export {
  type AssumableRole,
  findAssumableRole,
  REVOKED_SESSIONS_MAX,
  revokeSession,
  sessionPolicyExists,
} from './sessions.ts'
export { countAccounts, findAccountOfAccessKey } from './store.ts'
export { requestTagContext, resourceTagContext } from './tags.ts'
export { accountOfAccessKeyId, newTemporaryAccessKeyId } from './unique-id.ts'
export { createAccount } from './users.ts'
