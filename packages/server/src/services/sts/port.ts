// What the rest of the server asks of STS: session tokens, and how long a session may live.

export { refuseCallOfSession } from './restrictions.ts'
export { createSessionTokens, type SessionTokens } from './session-token.ts'
export { SESSION_SECONDS_MAX } from './shapes.ts'
export { createWebIdentities, type WebIdentities } from './web-identity.ts'
