// What the rest of the server asks of Parameter Store: what a process has of it, its sealed data keys, and whether a caller may know of a parameter,
// and what policies see of it.

export { createParameterRows, type ParameterRows, parameterKeyTable } from './store.ts'
export { mayKnowParameter, parameterTarget } from './target.ts'
