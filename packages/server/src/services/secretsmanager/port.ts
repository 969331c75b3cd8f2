// What the rest of the server asks of Secrets Manager: the two things that a process keeps for it between calls (see app.ts), and whether a
// caller may know of a secret.

export { type AccessNotes, createAccessNotes } from './access.ts'
export { createSecretRows, type SecretRows } from './store.ts'
export { mayKnow } from './target.ts'
