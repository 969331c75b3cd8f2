// An admin command: what the operator of the machine may ask of a running server over its admin socket. One file each in commands/.

import type { App } from '../app.ts'
import type { Retention } from '../audit/retention.ts'
import type { Config, RootKeyPlace } from '../config.ts'
import type { Health } from '../handle.ts'
import type { LiveKeyring } from '../seal/lifecycle.ts'
import type { SealedTable } from '../seal/rotate.ts'
import type { Shares } from '../seal/shares.ts'
import type { Database } from '../storage/database.ts'

export type AdminContext = {
  readonly app: App
  readonly config: Config
  readonly keyring: LiveKeyring
  /** Every database that holds a part of the audit trail. */
  readonly auditDatabases: readonly Database[]
  /** The tables whose rows a rotation of the domain keys seals anew. */
  readonly sealedTables: readonly SealedTable[]
  readonly retention: Retention
  readonly health: () => Promise<Health>
  /** Shares of root keys that were given and did not yet open a slot. */
  readonly shares: Shares
  /** Where this server's root keys are, in the order of `keyring.providers`; `use` tells the other workers of others. */
  readonly rootKeys: {
    places(): readonly RootKeyPlace[]
    use(places: readonly RootKeyPlace[]): Promise<void>
  }
  /** The first account: where events of this kind stand, and whose administrator can be recovered. */
  readonly account: string
}

export type AdminInput = { readonly [name: string]: unknown }

export type AdminOutput = { readonly [name: string]: unknown }

export type AdminCommand = {
  /** The path on the socket, and with spaces for dashes what is typed after `strongroom`: `root-key/rotate`. */
  readonly name: string
  /** What the audit event is called; absent for what only looks. */
  readonly eventName?: string
  /** What of the input the event tells. */
  readonly eventParameters?: (input: AdminInput) => AdminInput
  /** @throws AdminError for what the operator can mend. */
  readonly run: (context: AdminContext, input: AdminInput) => Promise<AdminOutput>
}

/** What the operator is told: one line. Anything else that is thrown is a fault, told in the log. */
export class AdminError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'AdminError'
  }
}

/** A member of the input that must be text of a bounded length. @throws AdminError */
export function mustText(input: AdminInput, name: string, max = 4096): string {
  const value = input[name]
  if (typeof value !== 'string' || value === '' || value.length > max) throw new AdminError(`${name} must be given`)
  return value
}
