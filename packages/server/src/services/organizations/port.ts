// What the rest of the server asks of Organizations: the one organization, where in it an account is, and the role that leads into it.

export { DEFAULT_ROLE_NAME, type Organization, rootPath } from './model.ts'
export { ensureOrganization } from './organization.ts'
