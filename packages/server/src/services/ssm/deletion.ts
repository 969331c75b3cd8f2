// The end of a parameter: it goes with its versions, its labels, its policies and its place in the quota, at once and for good.

import { tellChange } from './events.ts'
import { cancelPolicies } from './policy-schedule.ts'
import { countParameter, removeParameter, type Store, type StoredParameter } from './store.ts'

export async function deleteStored(store: Store, stored: StoredParameter): Promise<void> {
  await removeParameter(store, stored)
  await countParameter(store, stored, stored.parameter.details.tier, -1)
  if (stored.parameter.policies.length > 0) await cancelPolicies(store, stored)
  await tellChange(store, stored, 'Delete')
}
