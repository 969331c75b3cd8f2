// How a rotation reaches what does its steps: one narrow interface, and behind it whoever has the function of an ARN, or the service of ours
// that rotates its own secrets.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html

import type { App } from '../../../app.ts'
import * as errors from '../errors.ts'
import type { Store } from '../store.ts'
import type { Finding, RotationKind, Step, StepError } from './model.ts'

/** A function that is to rotate a secret. */
export type FunctionUse = {
  readonly functionArn: string
  /** The account of the secret: aws:SourceAccount of the call. */
  readonly account: string
  /** aws:SourceArn of the call. */
  readonly secretArn: string
}

/** One call for one step. */
export type Invocation = {
  readonly kind: RotationKind
  readonly step: Step
  readonly account: string
  readonly region: string
  readonly secretArn: string
  /** The version that is to become current: ClientRequestToken of the event. */
  readonly versionId: string
  /** A credential for PutSecretValue: for the function, and for nobody else. */
  readonly rotationToken: string
  /** Absent where a service of ours rotates its own secret. */
  readonly functionArn?: string
  /** Names the run: one instance of a function may serve all its steps. */
  readonly instanceKey: string
  /** Whether this step, or a later one, was begun before for the version: what it set may be in use already. */
  readonly resumed: boolean
  /** Of the journal that tells of this call, or of nothing yet: with another one somebody else goes on. */
  readonly journalRev: number
}

/** A step before it is called for. */
export type TargetQuestion = Omit<Invocation, 'rotationToken'>

/** What a function is called with. https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html#rotate-secrets_lambda-functions-code */
export const eventOf = ({ step, secretArn, versionId, rotationToken }: Invocation) => ({
  Step: step,
  SecretId: secretArn,
  ClientRequestToken: versionId,
  RotationToken: rotationToken,
})

/** What a rotation changes something in. */
export type RotationTarget = {
  /**
   * Names the server (`host:port`, or what a server says of itself), the same for every secret of an account that opens something there: they
   * rotate one at a time. Kept as a keyed hash only. Absent where it is not known.
   */
  readonly server?: string
  /** The secret of the user who changes this one's password. It rotates after those that name it. */
  readonly masterSecretArn?: string
}

/** What whoever did the step has found besides; a function tells nothing. */
type Found = {
  readonly findings?: readonly Finding[]
  /** Whether the credential of before still works, where that is promised and was tried. */
  readonly previousStillValid?: boolean
}

export type StepOutcome = ({ readonly ok: true } | { readonly ok: false; readonly error: StepError }) & Found

/** How long a step may take; AWS gives a function no more. */
export const STEP_TIMEOUT_MS = 900_000

/** Whoever can call functions. */
export type FunctionProvider = {
  /**
   * What the secret's rotation changes something in, asked outside any transaction before the first step of an attempt. Undefined, or absent: it is
   * not known, and the rotation waits for no other. May be asked again.
   */
  readonly target?: (app: App, asked: TargetQuestion, signal: AbortSignal) => Promise<RotationTarget | undefined>
  /** Whether the function is one of its own. */
  has(store: Store, functionArn: string): Promise<boolean>
  /**
   * What can only be asked outside any transaction, once, before RotateSecret takes a function.
   * @throws ServiceError as `check`
   */
  readonly prepare?: (app: App, use: Omit<FunctionUse, 'secretArn'>) => Promise<void>
  /**
   * Whether Secrets Manager may call the function for the secret, in RotateSecret's transaction.
   * @throws ServiceError ResourceNotFoundException, AccessDeniedException
   */
  readonly check?: (store: Store, use: FunctionUse) => Promise<void>
  /** Calls it for one step, and ends soon after `signal` aborts. May be asked again for a step of which nobody knows how it ended. */
  invoke(app: App, invocation: Invocation, signal: AbortSignal): Promise<StepOutcome>
}

/** A service of ours that rotates the secrets it owns (ownership.ts), without a function. */
export type ManagedRotation = Pick<FunctionProvider, 'invoke' | 'target'>

export type RotationFunctions = Required<Pick<FunctionProvider, 'check' | 'prepare'>> & {
  /** By owner: `rds`; and EXTERNAL. A service adds itself when the server starts. */
  readonly managed: Map<string, ManagedRotation>
  invoke(app: App, invocation: Invocation, owner: string | undefined, signal: AbortSignal): Promise<StepOutcome>
  /** As the provider says it; undefined where it cannot tell. */
  target(
    app: App,
    asked: TargetQuestion,
    owner: string | undefined,
    signal: AbortSignal,
  ): Promise<RotationTarget | undefined>
}

/** In the place of an owner: what rotates managed external secrets, which nobody but their users own. */
export const EXTERNAL = 'external'

/** The first provider that has a function is asked. */
export function createRotationFunctions(providers: readonly FunctionProvider[]): RotationFunctions {
  const managed = new Map<string, ManagedRotation>()
  const find = async (store: Store, functionArn: string): Promise<FunctionProvider | undefined> => {
    for (const provider of providers) if (await provider.has(store, functionArn)) return provider
    return undefined
  }
  const findOutside = (app: App, functionArn: string) =>
    app.database.transaction('read', (tx) => find({ app, tx }, functionArn))
  const findFor = async (app: App, { functionArn }: TargetQuestion, owner: string | undefined) =>
    functionArn === undefined ? managed.get(owner ?? EXTERNAL) : findOutside(app, functionArn)
  return {
    managed,
    prepare: async (app, use) => {
      await (await findOutside(app, use.functionArn))?.prepare?.(app, use)
    },
    check: async (store, use) => {
      const provider = await find(store, use.functionArn)
      if (provider === undefined) throw errors.rotationFunctionNotFound(use.functionArn)
      await provider.check?.(store, use)
    },
    invoke: async (app, invocation, owner, signal) => {
      const provider = await findFor(app, invocation, owner)
      if (provider !== undefined) return provider.invoke(app, invocation, signal)
      const message =
        invocation.functionArn === undefined ? 'No service rotates this secret.' : 'The function does not exist.'
      return { ok: false, error: { kind: 'refused', message } }
    },
    target: async (app, asked, owner, signal) => {
      try {
        return await (await findFor(app, asked, owner))?.target?.(app, asked, signal)
      } catch (err) {
        // The call that comes next tells what is wrong.
        app.log.warn({ err }, 'what a rotation changes something in is not known')
        return undefined
      }
    },
  }
}

/** Whether it names a rotator of this server's own, as far as the name goes: there is no function behind it to invoke. */
export const isReadyMade = (functionArn: string | undefined): functionArn is string =>
  functionArn !== undefined &&
  parseFunctionArn(functionArn) !== undefined &&
  /:function:strongroom-[^:]*$/.test(functionArn)

/** `arn:aws:lambda:REGION:ACCOUNT:function:NAME`, with a version or alias or without; undefined for anything else. */
export function parseFunctionArn(arn: string): { readonly region: string; readonly account: string } | undefined {
  const match =
    /^arn:[a-z-]+:lambda:([a-z0-9-]+):(\d{12}):function:[A-Za-z0-9_-]{1,140}(?::[A-Za-z0-9$_-]{1,128})?$/.exec(arn)
  return match ? { region: match[1]!, account: match[2]! } : undefined
}
