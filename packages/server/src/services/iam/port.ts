// What the other services ask of IAM: policies on resources of theirs, which name users, roles and accounts.

export type { NamingPolicy } from './model.ts'
export { compileNaming, resolvePrincipals, shownDocument, UnknownPrincipalError } from './principals.ts'
