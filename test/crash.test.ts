// kill -9 at random moments under concurrent writes: every acknowledged write is there, none is half there, the trail is whole.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { SOAK } from '../packages/server/src/testing-sample.ts'
import { COMMAND, clientOf, makeHome, startProcess } from './server-process.ts'

const ROUNDS = SOAK ? 30 : 2
const WRITERS = 8
const PUTS_PER_SECRET = 4
/** Acknowledged in a round, at least. */
const WRITES_MIN = 3

/** What a writer was told of one secret, in order; the last write may be unanswered. */
type Story = { readonly name: string; acknowledged: string[]; pending: string | undefined }

test(`${ROUNDS} servers are killed under ${WRITERS} writers and nothing acknowledged is lost`, async (t) => {
  const home = await makeHome(t, { bare: true })
  const stories: Story[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const server = await startProcess(home)
    const client = clientOf(server)
    let written = 0
    const writers = Array.from({ length: WRITERS }, (_, writer) =>
      writeUntilKilled(client, `r${round}-w${writer}`, () => written++),
    )
    await sleep(200 + Math.random() * 1_000)
    // Where everything is slow.
    while (written < WRITES_MIN) await sleep(50)
    await server.kill('SIGKILL')
    stories.push(...(await Promise.all(writers)).flat())
    client.destroy()
  }

  const server = await startProcess(home)
  const client = clientOf(server)
  const acknowledged = stories.reduce((sum, story) => sum + story.acknowledged.length, 0)
  t.diagnostic(`${acknowledged} acknowledged writes to ${stories.length} secrets in ${ROUNDS} rounds`)
  for (const story of stories) await check(client, story)
  client.destroy()

  const verify = [COMMAND, 'audit', 'verify', '--data-dir', home.dataDir]
  const verified = execFileSync(process.execPath, verify, { encoding: 'utf8' })
  const report = JSON.parse(verified) as { readonly events: number; readonly problems: readonly unknown[] }
  assert.deepEqual(report.problems, [])
  assert.ok(report.events >= acknowledged, 'every acknowledged write has its event')
  assert.equal(await server.kill('SIGTERM'), 0)
  const offline = execFileSync(process.execPath, [...verify, ...home.options], { encoding: 'utf8' })
  assert.deepEqual(JSON.parse(offline), report, 'the same is found where no server runs')
})

/** Makes secrets and puts versions of them until the connection breaks. */
async function writeUntilKilled(client: SecretsManagerClient, prefix: string, wrote: () => void): Promise<Story[]> {
  const stories: Story[] = []
  for (let number = 0; ; number++) {
    const story: Story = { name: `${prefix}-${number}`, acknowledged: [], pending: undefined }
    stories.push(story)
    for (let put = 0; put <= PUTS_PER_SECRET; put++) {
      const value = `${story.name}:${put}:${'x'.repeat(put * 500)}`
      story.pending = value
      try {
        if (put === 0) await client.send(new CreateSecretCommand({ Name: story.name, SecretString: value }))
        else await client.send(new PutSecretValueCommand({ SecretId: story.name, SecretString: value }))
      } catch (error) {
        if (isOfServer(error)) throw error
        return stories
      }
      story.acknowledged.push(value)
      wrote()
      story.pending = undefined
    }
  }
}

/** An answer of the server, rather than a broken connection. */
const isOfServer = (error: unknown): boolean =>
  (error as { readonly $response?: { readonly statusCode: number } }).$response !== undefined

async function check(client: SecretsManagerClient, { name, acknowledged, pending }: Story): Promise<void> {
  const described = await client.send(new DescribeSecretCommand({ SecretId: name })).catch((error: unknown) => {
    assert.ok(error instanceof ResourceNotFoundException, String(error))
    return undefined
  })
  if (described === undefined) {
    assert.deepEqual(acknowledged, [], `${name} was acknowledged and is gone`)
    return
  }
  const byStage = new Map(
    Object.entries(described.VersionIdsToStages ?? {}).flatMap(([id, stages]) => stages.map((stage) => [stage, id])),
  )
  const current = await client.send(new GetSecretValueCommand({ SecretId: name }))
  const possible = [acknowledged.at(-1), pending].filter((value) => value !== undefined)
  assert.ok(possible.includes(current.SecretString!), `${name} is ${current.SecretString?.slice(0, 40)}`)
  assert.equal(byStage.get('AWSCURRENT'), current.VersionId)

  const history = current.SecretString === pending ? [...acknowledged, pending] : acknowledged
  assert.equal(byStage.has('AWSPREVIOUS'), history.length > 1, `${name} has AWSPREVIOUS`)
  if (history.length > 1) {
    const previous = await client.send(new GetSecretValueCommand({ SecretId: name, VersionStage: 'AWSPREVIOUS' }))
    assert.equal(previous.SecretString, history.at(-2))
  }
}
