// What other services ask of IAM: the accounts of the server, as Organizations makes, lists and closes them.

export {
  type Account,
  createAccessRole,
  findAccount,
  findAccountByEmail,
  listAccounts,
  setAccountEmail,
  setAccountStatus,
} from './accounts.ts'
export { countAccounts } from './store.ts'
export { createAccount } from './users.ts'
