// The Lambda-compatible runtime of Strongroom: what runs the functions that rotation invokes.

export { reservedVariables } from './environment.ts'
export type { FunctionVersion } from './function.ts'
export {
  createFunctions,
  type Functions,
  FunctionsError,
  type FunctionsErrorCode,
  type FunctionsOptions,
  type Invocation,
  type InvocationResult,
} from './functions.ts'
export type { Log } from './instance.ts'
export {
  findInterpreters,
  type Interpreter,
  type InterpreterOptions,
  type Interpreters,
  runtimes,
} from './interpreters.ts'
export type { Launched, LaunchPlan, Sandbox, SandboxLevel } from './launch.ts'
export { redact } from './redaction.ts'
export type { Credentials } from './runtime-api.ts'
export { plainSandbox } from './sandbox/plain.ts'
export { NoSandboxError, type ProbedSandbox, probeSandbox } from './sandbox/probe.ts'
