// What the rest of the server asks of Organizations: the one organization, and where in it an account is.

export { type Organization, rootPath } from './model.ts'
export { ensureOrganization } from './organization.ts'
