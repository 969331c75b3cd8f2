// `strongroom secret rollback`, `delete`, `restore`, `tag` and `untag`: what changes a secret without a new value.

import {
  DeleteSecretCommand,
  DescribeSecretCommand,
  type DescribeSecretCommandOutput,
  RestoreSecretCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'
import type { ClientOptions } from '../command-line.ts'
import { printable } from '../output.ts'
import { tagsOf } from '../tags.ts'
import { confirm } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import { wholeNumber } from '../value.ts'
import { withSecrets } from './client.ts'

type Asked = ClientOptions & { readonly yes?: true }

/** Moves AWSCURRENT to a version, by default the one with AWSPREVIOUS. @throws UsageError */
export const rollBackSecret = (SecretId: string, version: string | undefined, given: Asked): Promise<void> =>
  withSecrets(given, async ({ client }) => {
    const secret = await client.send(new DescribeSecretCommand({ SecretId }))
    const current = versionWith(secret, 'AWSCURRENT')
    const target =
      version === undefined ? versionWith(secret, 'AWSPREVIOUS') : (versionWith(secret, version) ?? version)
    if (target === undefined) throw new UsageError(`${SecretId} has no previous version: name one, as history tells`)
    if (target === current) throw new UsageError(`${SecretId} has ${target} as its current version already`)
    await mustBeMeant(`Make version ${target} of ${secret.Name} current again?`, given)
    await client.send(
      new UpdateSecretVersionStageCommand({
        SecretId,
        VersionStage: 'AWSCURRENT',
        MoveToVersionId: target,
        ...(current !== undefined && { RemoveFromVersionId: current }),
      }),
    )
    tell(`${secret.Name}\t${target}`)
    process.stderr.write('Only labels were moved: what the secret opens, such as a database, is as it was.\n')
  })

const versionWith = ({ VersionIdsToStages = {} }: DescribeSecretCommandOutput, stage: string): string | undefined =>
  Object.keys(VersionIdsToStages).find((id) => VersionIdsToStages[id]!.includes(stage))

export type DeleteOptions = Asked & { readonly recoveryDays?: string; readonly force?: true }

/** @throws UsageError */
export const deleteSecret = (SecretId: string, given: DeleteOptions): Promise<void> =>
  withSecrets(given, async ({ client }) => {
    const { recoveryDays: days, force = false } = given
    const input = force
      ? { ForceDeleteWithoutRecovery: true }
      : days === undefined
        ? {}
        : { RecoveryWindowInDays: wholeNumber('--recovery-days', days) }
    // So that a name with a slip is told before anything is asked: AWS takes deletions of what is not there.
    const { Name } = await client.send(new DescribeSecretCommand({ SecretId }))
    await mustBeMeant(force ? `Delete ${Name} for good, now?` : `Delete ${Name}?`, given)
    const { DeletionDate } = await client.send(new DeleteSecretCommand({ SecretId, ...input }))
    tell(force ? `${Name}\tdeleted` : `${Name}\tdeleted on ${DeletionDate!.toISOString()}`)
  })

/** @throws UsageError */
export const restoreSecret = (SecretId: string, given: ClientOptions): Promise<void> =>
  withSecrets(given, async ({ client }) => {
    const { Name } = await client.send(new RestoreSecretCommand({ SecretId }))
    tell(`${Name}\trestored`)
  })

/** `tags`: KEY=VALUE each. @throws UsageError */
export const tagSecret = (SecretId: string, tags: readonly string[], given: ClientOptions): Promise<void> => {
  const Tags = tagsOf(tags)
  return withSecrets(given, async ({ client }) => {
    await client.send(new TagResourceCommand({ SecretId, Tags }))
  })
}

/** @throws UsageError */
export const untagSecret = (SecretId: string, keys: readonly string[], given: ClientOptions): Promise<void> =>
  withSecrets(given, async ({ client }) => {
    await client.send(new UntagResourceCommand({ SecretId, TagKeys: [...keys] }))
  })

/** @throws UsageError where the answer is no, or nobody can be asked. */
async function mustBeMeant(question: string, { yes }: Asked): Promise<void> {
  if (!yes && !(await confirm(printable(question)))) throw new UsageError('nothing was done')
}

/** Fields between tabs, on one line. */
const tell = (line: string): void => {
  process.stdout.write(`${line.split('\t').map(printable).join('\t')}\n`)
}
