// What other services ask of IAM: policies that name principals, stored with their unique ids and shown with their ARNs.

export type { NamingPolicy } from './model.ts'
export { compileNaming, resolvePrincipals, shownDocument, UnknownPrincipalError } from './principals.ts'
