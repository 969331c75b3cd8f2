// What the rest of the server asks of STS: session tokens, sessions of roles for services, and how long a session may live.

export { refuseCallOfSession } from './restrictions.ts'
export { issueServiceSession } from './service-session.ts'
export { createSessionTokens, type SessionCredentials, type SessionTokens } from './session-token.ts'
export { SESSION_SECONDS_MAX } from './shapes.ts'
export { createWebIdentities, type WebIdentities } from './web-identity.ts'
