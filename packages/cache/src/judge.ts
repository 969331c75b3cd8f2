// What a change event says of what is held: docs/events.md lists the events, docs/caching.md what becomes of it.

import type { ChangeEvent } from './event-stream.ts'
import type { Verdict } from './value-cache.ts'

/** A slot: what was asked for, and what is held of it. `name` is a stage, or something else for a version by its id. */
export type Judged = {
  readonly id: string
  readonly name: string
  readonly about:
    | { readonly ARN: string; readonly VersionId: string; readonly VersionStages: readonly string[] }
    | undefined
}

export function judgeBy({ 'detail-type': type, resources, detail = {} }: ChangeEvent): (slot: Judged) => Verdict {
  const arn = resources?.[0] ?? ''
  const name = typeof detail.name === 'string' ? detail.name : ''
  const isOfIt = ({ id, about }: Judged): boolean =>
    about === undefined
      ? id === arn || id === name || (id.startsWith('arn:') && arn.startsWith(`${id}-`))
      : about.ARN === arn
  switch (type) {
    case 'Secret Label Updated':
    case 'Secret Label Changed': {
      const label = String(detail.labelUpdated ?? detail.label)
      return (slot) => (isOfIt(slot) ? judgeLabel(slot, label, detail.versionId) : 'keep')
    }
    case 'Secret Created':
    case 'Secret Deletion Cancelled':
      return (slot) => (isOfIt(slot) || slot.id === name ? 'expire' : 'keep')
    case 'Secret Deletion Scheduled':
    case 'Secret Deleted':
      return (slot) => (isOfIt(slot) ? 'drop' : 'keep')
    default:
      return () => 'keep'
  }
}

/** `versionId` has the label now; undefined: no version has. */
function judgeLabel({ name, about }: Judged, label: string, versionId: unknown): Verdict {
  if (name === label && versionId === undefined) return 'drop'
  if (about === undefined) return 'expire'
  if (name === label) return about.VersionId === versionId ? 'keep' : 'expire'
  // Another slot: its value stays what it is, but it may have gained or lost the label.
  return about.VersionStages.includes(label) === (about.VersionId === versionId) ? 'keep' : 'revalidate'
}
