// What an AWS endpoint has, or another Strongroom, as far as it is selected.

import type { Target } from './carry.ts'
import type { Reference, Source } from './item.ts'
import { listParameters } from './parameter-source.ts'
import { listSecrets } from './secret-source.ts'
import type { Selection } from './selection.ts'

/** @throws UsageError where it cannot be listed. */
export async function awsSource({ secrets, ssm }: Target, selection: Selection): Promise<Source> {
  const references: readonly Reference[] = [
    ...(selection.secrets ? await listSecrets(secrets, selection) : []),
    ...(selection.parameters === undefined ? [] : await listParameters(ssm, selection.parameters)),
  ]
  return { total: references.length, references }
}
