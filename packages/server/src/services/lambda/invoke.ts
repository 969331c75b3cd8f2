// One invocation from its name to its answer, outside any transaction: the version, its code, its role and its variables are read, its place
// among the reserved ones is taken, and then the function runs.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html

import { FunctionsError, type Invocation, type InvocationResult } from '@strongroom/functions'
import type { App } from '../../app.ts'
import { ServiceError } from '../../errors.ts'
import type { Transaction } from '../../storage/database.ts'
import { isOpenAccount } from '../iam/port.ts'
import { openVariables } from './environment.ts'
import * as errors from './errors.ts'
import type { FunctionVersion, LambdaFunction } from './model.ts'
import { type FunctionReference, functionArn } from './names.ts'
import { mustBeAssumable, roleSession } from './role.ts'
import { endLease, findFunction, readCode, takeLease } from './store.ts'
import { readVersion } from './versions.ts'

export type Asked = FunctionReference & { readonly region: string }

export type InvokeOptions = Pick<Invocation, 'payload' | 'instanceKey' | 'redact' | 'tcpPorts' | 'signal'> & {
  readonly clientContext?: string | undefined
  /** Documents of session policies that narrow what the function's session may do. */
  readonly policies?: readonly string[]
  /** The function must still be this one. */
  readonly functionId?: string
}

/** Beyond the time limit of the function: its start, its turn among the others, and clocks that differ. */
const LEASE_MARGIN_MS = 120_000

/** @throws ServiceError where the function cannot be invoked; what the function itself does wrong is in the result */
export async function invokeFunction(app: App, asked: Asked, options: InvokeOptions): Promise<InvocationResult> {
  const functions = await app.functions.ready()
  const { fn, version, environment } = await app.database.transaction('read', (tx) =>
    readInvoked(app, tx, asked, options),
  )
  const { codeSha256 } = version
  const release = await takePlace(app, fn, version)
  try {
    const codeDirectory = await app.functions.code.unpacked(codeSha256, fn.codes[codeSha256]!.treeDigest, () =>
      app.database.transaction('read', (tx) => readCode({ app, tx }, fn, codeSha256)),
    )
    const scope = { partition: app.partition, region: fn.region }
    const name = { account: fn.accountId, name: fn.functionName }
    return await functions.invoke({
      function: {
        arn: functionArn(scope, name),
        name: fn.functionName,
        version: version.version,
        codeSha256,
        codeDirectory,
        runtime: version.runtime,
        handler: version.handler,
        timeoutSeconds: version.timeoutSeconds,
        memoryMb: version.memoryMb,
        ephemeralStorageMb: version.ephemeralStorageMb,
        environment,
        role: version.role,
      },
      payload: options.payload,
      invokedArn: functionArn(scope, { ...name, qualifier: asked.qualifier }),
      credentials: () => credentialsOf(app, fn, version, options.policies ?? []),
      ...(options.clientContext !== undefined && { clientContext: options.clientContext }),
      ...(options.instanceKey !== undefined && { instanceKey: options.instanceKey }),
      ...(options.redact !== undefined && { redact: options.redact }),
      ...(options.tcpPorts !== undefined && { tcpPorts: options.tcpPorts }),
      ...(options.signal !== undefined && { signal: options.signal }),
    })
  } catch (error) {
    throw translated(error, version.runtime, options.signal)
  } finally {
    await release()
  }
}

async function readInvoked(app: App, tx: Transaction, asked: Asked, { functionId }: InvokeOptions) {
  const stored = await findFunction({ app, tx }, asked.account, asked.region, asked.name)
  const isSame = stored !== undefined && (functionId ?? stored.fn.functionId) === stored.fn.functionId
  if (!isSame || !(await isOpenAccount(app, tx, asked.account))) {
    throw errors.functionNotFound(functionArn({ partition: app.partition, region: asked.region }, asked))
  }
  const { fn } = stored
  const version = await readVersion({ app, tx }, fn, asked.qualifier)
  // The function would find out only when it asks for its credentials.
  await mustBeAssumable(app, tx, fn, version.role)
  return { fn, version, environment: openVariables(app, fn, version) }
}

async function credentialsOf(app: App, fn: LambdaFunction, version: FunctionVersion, policies: readonly string[]) {
  const { expiresAt, ...credentials } = await app.database.transaction('read', (tx) =>
    roleSession(app, tx, fn, version.role, policies),
  )
  return { ...credentials, expiration: new Date(expiresAt) }
}

/** Reserved concurrency holds across servers: each invocation has a row until it is over, or could no longer be under way. */
async function takePlace(
  app: App,
  fn: LambdaFunction,
  { timeoutSeconds }: FunctionVersion,
): Promise<() => Promise<void>> {
  const { reservedConcurrency: max } = fn
  if (max === undefined) return async () => undefined
  if (max === 0) throw errors.reservedConcurrency()
  const id = app.uuid()
  const now = app.wallNow()
  const until = now + timeoutSeconds * 1_000 + LEASE_MARGIN_MS
  const taken = await app.database.transaction('write', (tx) => takeLease({ tx }, fn, { id, now, until, max }))
  if (!taken) throw errors.reservedConcurrency()
  return async () => {
    try {
      await app.database.transaction('write', (tx) => endLease({ tx }, fn, id))
    } catch (err) {
      app.log.warn({ err }, 'the end of an invocation could not be written: its place is free when its lease runs out')
    }
  }
}

function translated(error: unknown, runtime: string, signal: AbortSignal | undefined): unknown {
  if (error instanceof ServiceError) return error
  if (signal?.aborted) return errors.stopped()
  if (!(error instanceof FunctionsError)) return error
  switch (error.code) {
    case 'RuntimeUnavailable':
      return errors.runtimeUnavailable(runtime, error.message)
    case 'RequestTooLarge':
      return errors.requestTooLarge(error.message)
    case 'TooManyRequests':
      return errors.serverConcurrency()
  }
}
