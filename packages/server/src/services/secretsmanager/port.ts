// What the rest of the server asks of Secrets Manager: the two things that a process keeps for it between calls (see app.ts).

export { type AccessNotes, createAccessNotes } from './access.ts'
export { type PutReplicaInput, receivedTarget, receiveReplica, removeReceived } from './receive.ts'
export { createRemoteRegions, type RemoteRegions } from './remote-regions.ts'
export { createSecretRows, type SecretRows } from './store.ts'
