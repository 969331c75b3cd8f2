// When the policies of a parameter act: one job for each parameter that has any, due with the next of them.

import { cancel, schedule } from '../../jobs/job.ts'
import type { Parameter } from './model.ts'
import type { Place } from './names.ts'
import { nextDue } from './policies.ts'
import type { Store, StoredParameter } from './store.ts'

export const PARAMETER_POLICIES = 'ssm.ParameterPolicies'

export type PoliciesPayload = Place & { readonly id: string }

/** Of one parameter; its id is never used again, even by one of the same name. */
const jobId = ({ id }: Parameter): string => `${PARAMETER_POLICIES}:${id}`

/** In the transaction that changed the policies, or the version whose age they look at. */
export async function schedulePolicies(store: Store, stored: StoredParameter): Promise<void> {
  const { account, region, path, parameter } = stored
  const due = nextDue(parameter.policies, parameter.details.modifiedAt)
  if (due === undefined) return cancelPolicies(store, stored)
  const payload: PoliciesPayload = { account, region, path, id: parameter.id }
  await schedule(store.tx, {
    id: jobId(parameter),
    kind: PARAMETER_POLICIES,
    dueAt: due,
    payload: JSON.stringify(payload),
  })
}

export const cancelPolicies = async ({ tx }: Store, { parameter }: StoredParameter): Promise<void> => {
  await cancel(tx, jobId(parameter))
}
