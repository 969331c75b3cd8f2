// Carries over what a source has: several at a time, an outcome each. What fails is told, and keeps nothing else from being done.

import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { SSMClient } from '@aws-sdk/client-ssm'
import { UsageError } from '../usage-error.ts'
import type { Item, Reference, Source } from './item.ts'
import { RefusedError } from './mapping.ts'
import type { CarryOptions, Outcome } from './outcome.ts'
import { carryParameter } from './parameter-target.ts'
import { carrySecret } from './secret-target.ts'

export type Target = { readonly secrets: SecretsManagerClient; readonly ssm: SSMClient }

/** `tell` is called once for each reference, in their order. */
export async function carryAll(
  source: Source,
  target: Target,
  options: CarryOptions,
  concurrency: number,
  tell: (reference: Reference, outcome: Outcome) => void,
): Promise<void> {
  const carry = (item: Item): Promise<Outcome> =>
    item.kind === 'secret' ? carrySecret(target.secrets, item, options) : carryParameter(target.ssm, item, options)
  const carried = inOrder(source, concurrency, async (reference) => ({
    reference,
    outcome: await outcomeOf(reference, carry),
  }))
  for await (const { reference, outcome } of carried) tell(reference, outcome)
}

/** What became of one reference: of what is left out, and of what fails, too. */
export async function outcomeOf(reference: Reference, work: (item: Item) => Promise<Outcome>): Promise<Outcome> {
  try {
    const item = await reference.read()
    if (!('leftOut' in item)) return await work(item)
    return { action: item.refused ? 'refuse' : 'leave out', details: [item.leftOut] }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return { action: error instanceof RefusedError ? 'refuse' : 'fail', details: [error.message] }
  }
}

/** What comes of each reference, in their order; so many are worked on at a time. */
export async function* inOrder<T>(
  { references }: Source,
  concurrency: number,
  work: (reference: Reference) => Promise<T>,
): AsyncGenerator<T> {
  const under: Promise<T>[] = []
  for await (const reference of references) {
    under.push(work(reference))
    if (under.length >= concurrency) yield under.shift()!
  }
  for (const last of under) yield last
}
