// The Lambda-compatible runtime of Strongroom: what runs the functions that rotation invokes.

export type { Launched, LaunchPlan, Sandbox, SandboxLevel } from './launch.ts'
