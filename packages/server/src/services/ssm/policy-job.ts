// The job in which parameter policies act when their time has come.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-policies.html

import type { JobHandler } from '../../jobs/job.ts'
import { deleteStored } from './deletion.ts'
import { expiredEvent, tellPolicies } from './events.ts'
import type { Parameter } from './model.ts'
import { dueAt } from './policies.ts'
import { type PoliciesPayload, schedulePolicies } from './policy-schedule.ts'
import { findParameter, type Store, updateParameter } from './store.ts'

/** Whatever is due by the parameter's own sealed row acts, and nothing else does, since jobs carry no MAC. */
export const actPolicies: JobHandler = async (app, tx, payload) => {
  const { id, ...place } = JSON.parse(payload) as PoliciesPayload
  const store: Store = { app, tx }
  const stored = await findParameter(store, place)
  if (stored === undefined || stored.parameter.id !== id) return
  const { policies, details } = stored.parameter
  const now = app.now()
  const due = policies.filter((policy) => {
    const at = dueAt(policy, policies, details.modifiedAt)
    return at !== undefined && at <= now
  })
  if (due.length === 0) return schedulePolicies(store, stored)

  const changed: Parameter = {
    ...stored.parameter,
    policies: policies.map((policy) => (due.includes(policy) ? { ...policy, done: true } : policy)),
  }
  const after = await updateParameter(store, stored, changed)
  await tellPolicies(store, after, due)
  if (!due.some(({ type }) => type === 'Expiration')) return schedulePolicies(store, after)
  await deleteStored(store, after)
  await app.trail.record(tx, [expiredEvent(app, after)])
}
