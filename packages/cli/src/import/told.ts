// What a call that failed is told as: the words of the service with its error code, and the mend. Never with a value of the caller's.

import { printable } from '../output.ts'
import { saidBy } from '../sdk.ts'
import { UsageError } from '../usage-error.ts'

/** `where` the call went. A message that repeats one of `values` is left out. */
export function told(error: unknown, where: 'source' | 'target', values: readonly string[] = []): UsageError {
  if (error instanceof UsageError) return error
  const { name, message } = error as Error
  if (!('$fault' in (error as Error))) return new UsageError(`the ${where} does not answer (${systemCode(error)})`)
  const repeats = values.some((value) => value.length > 0 && message.includes(value))
  const said = repeats ? `(${name})` : saidBy(error as Error)
  return new UsageError(`${printable(said)}${mendOf(name, message, where)}`)
}

/** Runs calls; what fails is told. */
export async function at<T>(
  where: 'source' | 'target',
  work: () => Promise<T>,
  values: readonly string[] = [],
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw told(error, where, values)
  }
}

function mendOf(name: string, message: string, where: string): string {
  if (name !== 'AccessDeniedException' && name !== 'AccessDenied') return ''
  if (/KMS/.test(message) && !/kms:/.test(message)) {
    const action = where === 'source' ? 'kms:Decrypt' : 'kms:GenerateDataKey and kms:Decrypt'
    return `: give the credentials of the ${where} ${action} on the key of the secret`
  }
  return `: give the credentials of the ${where} this permission`
}

function systemCode(error: unknown): string {
  const { name, message, code, cause } = error as NodeJS.ErrnoException & { cause?: Partial<NodeJS.ErrnoException> }
  // The SDK says in words that it found no credentials.
  if (name === 'CredentialsProviderError') return message
  return cause?.code ?? code ?? name
}
