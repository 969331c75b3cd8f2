// For tests: a server as the source or the target of an import, and an import in this process.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import {
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { SSMClient } from '@aws-sdk/client-ssm'
import { startTestServer, type TestServer } from '@strongroom/server/testing.ts'
import { awsSource } from './aws-source.ts'
import { carryAll, type Target } from './carry.ts'
import type { Source } from './item.ts'
import { type MappingOptions, mappingOf } from './mapping.ts'
import type { CarryOptions } from './outcome.ts'
import type { Selection } from './selection.ts'

export type End = Target & { readonly server: TestServer }

/** A server with a client of each service, ended with the test. */
export async function startEnd(t: TestContext, given: Parameters<typeof startTestServer>[1] = {}): Promise<End> {
  const server = await startTestServer(t, given)
  const { url, region, credentials } = server
  const config = { endpoint: url, region, credentials: { ...credentials }, maxAttempts: 1 }
  const end = { server, secrets: new SecretsManagerClient(config), ssm: new SSMClient(config) }
  t.after(() => {
    end.secrets.destroy()
    end.ssm.destroy()
  })
  return end
}

export const ALL: Selection = { names: [], filters: [], tags: [], secrets: true, allVersions: false }

export type Told = { readonly name: string; readonly action: string; readonly details: string }

/** Carries over what a source has, and returns what is told of each. */
export async function carry(
  source: Source,
  target: Target,
  { maps = {}, ...given }: Partial<CarryOptions> & { readonly maps?: MappingOptions } = {},
): Promise<readonly Told[]> {
  const options = {
    mapping: mappingOf(maps),
    dryRun: false,
    overwrite: false,
    policies: true,
    rotation: false,
    ...given,
  }
  const told: Told[] = []
  await carryAll(source, target, options, 4, ({ name }, { action, details }) =>
    told.push({ name, action, details: details.join('; ') }),
  )
  return told
}

/** The same from a server. */
export const carryFrom = async (
  source: Target,
  target: Target,
  options: Parameters<typeof carry>[2] & { readonly selection?: Partial<Selection> } = {},
): Promise<readonly Told[]> => {
  const { selection, ...rest } = options
  return carry(await awsSource(source, { ...ALL, ...selection }), target, rest)
}

/** The versions of a secret, oldest first: the id, the labels and the value of each. */
export async function versionsOf({ secrets }: Target, SecretId: string) {
  const { Versions = [] } = await secrets.send(new ListSecretVersionIdsCommand({ SecretId, IncludeDeprecated: true }))
  Versions.sort((a, b) => a.CreatedDate!.getTime() - b.CreatedDate!.getTime())
  return Promise.all(
    Versions.map(async ({ VersionId, VersionStages = [] }) => {
      const { SecretString, SecretBinary } = await secrets.send(new GetSecretValueCommand({ SecretId, VersionId }))
      assert.ok(SecretString !== undefined || SecretBinary !== undefined)
      return { id: VersionId!, stages: [...VersionStages].sort(), value: SecretString ?? Buffer.from(SecretBinary!) }
    }),
  )
}
