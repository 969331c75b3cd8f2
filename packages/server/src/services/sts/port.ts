// What the rest of the server asks of STS: session tokens, authorization messages, how long a session may live, the roles of pods, sessions
// of roles for services, and which role an ARN means.

export { sealAuthorizationMessage } from './authorization-message.ts'
export { POD_IDENTITY_SERVICE, podIdentity, podSession, podTarget } from './pod-identity.ts'
export { refuseCallOfSession } from './restrictions.ts'
export { issueServiceSession } from './service-session.ts'
export { createSessionTokens, type SessionCredentials, type SessionTokens } from './session-token.ts'
export { SESSION_SECONDS_MAX } from './shapes.ts'
export { roleTarget } from './target.ts'
export { createWebIdentities, type WebIdentities } from './web-identity.ts'
