// Secrets from one server to another: what comes over, what is left alone, refused and told, and how an import goes on.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { RDS } from '@aws-sdk/client-rds'
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetResourcePolicyCommand,
  PutResourcePolicyCommand,
  PutSecretValueCommand,
  ReplicateSecretToRegionsCommand,
  RotateSecretCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'
import { PutParameterCommand } from '@aws-sdk/client-ssm'
import { askDatabases } from '@strongroom/server/services/rds/testing.ts'
import { createCaller } from '@strongroom/server/services/secretsmanager/testing.ts'
import { UsageError } from '../usage-error.ts'
import { awsSource } from './aws-source.ts'
import type { Target } from './carry.ts'
import { PATIENCE } from './clients.ts'
import type { SecretItem } from './item.ts'
import { mappingOf } from './mapping.ts'
import { mapPolicy } from './policy-mapping.ts'
import { ALL, carry, carryFrom, type End, startEnd, versionsOf } from './testing.ts'

const id = (name: string) => `${name}-${'0'.repeat(32)}`

const both = (t: TestContext) => Promise.all([startEnd(t), startEnd(t)])

const create = (end: End, Name: string, SecretString = 'first', given: object = {}) =>
  end.secrets.send(new CreateSecretCommand({ Name, SecretString, ClientRequestToken: id('v1'), ...given }))

const put = (end: End, SecretId: string, version: string, SecretString: string, ...VersionStages: string[]) =>
  end.secrets.send(
    new PutSecretValueCommand({
      SecretId,
      SecretString,
      ClientRequestToken: id(version),
      ...(VersionStages.length > 0 && { VersionStages }),
    }),
  )

const describe = (end: End, SecretId: string) => end.secrets.send(new DescribeSecretCommand({ SecretId }))

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(20)
}

/** The labels by version, without the zeroes of their ids. */
const labels = async (end: Target, SecretId: string) =>
  Object.fromEntries((await versionsOf(end, SecretId)).map(({ id, stages }) => [id.replace(/-0+$/, ''), stages.join()]))

test('secrets come with description, tags, versions, ids and labels; a second run finds the same and writes nothing', async (t) => {
  const [source, target] = await both(t)
  const Tags = [
    { Key: 'team', Value: 'a' },
    { Key: 'env', Value: 'prod' },
  ]
  await create(source, 'app/db', 'first', { Description: 'of the app', Tags, Type: 'DatadogApiKey' })
  await put(source, 'app/db', 'v2', 'second', 'blue')
  await put(source, 'app/db', 'v3', 'third')
  await put(source, 'app/db', 'v4', 'fourth')
  await source.secrets.send(new CreateSecretCommand({ Name: 'app/bytes', SecretBinary: randomBytes(65_536) }))
  await source.secrets.send(new CreateSecretCommand({ Name: 'app/empty', Tags: [{ Key: 'team', Value: 'a' }] }))

  const planned = [
    { name: 'app/bytes', action: 'create', details: '1 version' },
    { name: 'app/db', action: 'create', details: '3 versions' },
    { name: 'app/empty', action: 'create', details: '0 versions' },
  ]
  assert.deepEqual(await carryFrom(source, target, { dryRun: true }), planned)
  await assert.rejects(describe(target, 'app/db'), { name: 'ResourceNotFoundException' })
  assert.deepEqual(await carryFrom(source, target), planned)

  for (const name of ['app/db', 'app/bytes', 'app/empty']) {
    const [from, to] = await Promise.all([source, target].map((end) => describe(end, name)))
    for (const member of ['Name', 'Description', 'Type', 'KmsKeyId', 'Tags', 'VersionIdsToStages'] as const) {
      assert.deepEqual(to![member], from![member], `${name} ${member}`)
    }
  }
  const carried = (await versionsOf(source, 'app/db')).filter(({ stages }) => stages.length > 0)
  assert.deepEqual(
    carried.map(({ stages }) => stages.join()),
    ['blue', 'AWSPREVIOUS', 'AWSCURRENT'],
  )
  assert.deepEqual(await versionsOf(target, 'app/db'), carried)
  assert.deepEqual(await versionsOf(target, 'app/bytes'), await versionsOf(source, 'app/bytes'))

  const changed = (await describe(target, 'app/db')).LastChangedDate
  const again = await carryFrom(source, target)
  assert.deepEqual(
    again.map(({ action, details }) => `${action}: ${details}`),
    Array(3).fill('leave: it is the same'),
  )
  assert.deepEqual((await describe(target, 'app/db')).LastChangedDate, changed)
})

test('versions without labels come where they are asked for, also later, and AWSCURRENT stays where it is meanwhile', async (t) => {
  const [source, target] = await both(t)
  await create(source, 'app/db')
  for (const version of ['v2', 'v3', 'v4']) await put(source, 'app/db', version, version)
  const selection = { allVersions: true }
  await carryFrom(source, target)
  assert.deepEqual(await labels(target, 'app/db'), { v3: 'AWSPREVIOUS', v4: 'AWSCURRENT' })
  const current = watchCurrent(target, 'app/db')
  const [told] = await carryFrom(source, target, { selection })
  assert.deepEqual(told, { name: 'app/db', action: 'update', details: '2 versions' })
  assert.deepEqual(await labels(target, 'app/db'), { v3: 'AWSPREVIOUS', v4: 'AWSCURRENT', v1: '', v2: '' })
  assert.deepEqual([...current()], [id('v4')])

  const fresh = await startEnd(t)
  await carryFrom(source, fresh, { selection })
  assert.deepEqual(await versionsOf(fresh, 'app/db'), await versionsOf(source, 'app/db'))
})

/** Every version that had AWSCURRENT when DescribeSecret told. */
function watchCurrent({ secrets }: Target, name: string): () => ReadonlySet<string> {
  const seen = new Set<string>()
  secrets.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args)
      const { Name, VersionIdsToStages } = answer.output as { Name?: string; VersionIdsToStages?: object }
      for (const [version, stages] of Object.entries(VersionIdsToStages ?? {})) {
        if (Name === name && stages.includes('AWSCURRENT')) seen.add(version)
      }
      return answer
    },
    { step: 'initialize' },
  )
  return () => seen
}

test('a copy is brought up to date when the source goes on; labels that the target has of its own stay', async (t) => {
  const [source, target] = await both(t)
  await create(source, 'app/db')
  await put(source, 'app/db', 'v2', 'second', 'blue')
  await carryFrom(source, target)
  assert.deepEqual(await labels(target, 'app/db'), { v1: 'AWSCURRENT', v2: 'blue' })
  const move = (end: End, VersionStage: string, MoveToVersionId: string, RemoveFromVersionId?: string) =>
    end.secrets.send(
      new UpdateSecretVersionStageCommand({ SecretId: 'app/db', VersionStage, MoveToVersionId, RemoveFromVersionId }),
    )
  await move(target, 'theirs', id('v1'))

  await put(source, 'app/db', 'v3', 'third')
  await move(source, 'blue', id('v3'), id('v2'))
  assert.deepEqual(await carryFrom(source, target, { dryRun: true }), [
    { name: 'app/db', action: 'update', details: '1 version' },
  ])
  await carryFrom(source, target)
  assert.deepEqual(await labels(target, 'app/db'), { v1: 'AWSPREVIOUS,theirs', v2: '', v3: 'AWSCURRENT,blue' })

  // Back at the source: only labels move.
  await move(source, 'AWSCURRENT', id('v1'), id('v3'))
  await carryFrom(source, target)
  assert.deepEqual(await labels(target, 'app/db'), { v1: 'AWSCURRENT,theirs', v2: '', v3: 'AWSPREVIOUS,blue' })
  assert.deepEqual(await carryFrom(source, target), [{ name: 'app/db', action: 'leave', details: 'it is the same' }])
})

test('what the target has of its own is left alone; --overwrite adds the current version, and the way back stays', async (t) => {
  const [source, target] = await both(t)
  const Tags = [{ Key: 'team', Value: 'a' }]
  await create(source, 'app/db', 'theirs', { Description: 'of the source', Tags })
  await put(source, 'app/db', 'v2', 'their second')
  await target.secrets.send(
    new CreateSecretCommand({
      Name: 'app/db',
      SecretString: 'own',
      ClientRequestToken: id('own'),
      Tags: [{ Key: 'own', Value: 'b' }],
    }),
  )
  await target.secrets.send(new CreateSecretCommand({ Name: 'app/empty', Description: 'made by Terraform' }))
  await create(source, 'app/empty')
  await target.secrets.send(new CreateSecretCommand({ Name: 'app/ready' }))
  const statement = { Effect: 'Deny', Principal: '*', Action: 'secretsmanager:CancelRotateSecret', Resource: '*' }
  await putPolicy(target, 'app/ready', statement)
  await create(source, 'app/ready')

  const left = await carryFrom(source, target)
  assert.deepEqual(
    left.map(({ action, details }) => `${action}: ${details}`),
    [
      'leave: it has versions of its own: --overwrite adds the current one of the source',
      'leave: it is there without a value, and described otherwise: --overwrite gives it both',
      'leave: it is there without a value, and described otherwise: --overwrite gives it both',
    ],
  )
  assert.deepEqual(await labels(target, 'app/db'), { own: 'AWSCURRENT' })

  const planned = await carryFrom(source, target, { overwrite: true, dryRun: true })
  assert.deepEqual(await carryFrom(source, target, { overwrite: true }), planned)
  assert.equal(planned[0]!.details, '1 version, as AWSCURRENT; description or key; tags')
  assert.deepEqual(await labels(target, 'app/db'), { own: 'AWSPREVIOUS', v2: 'AWSCURRENT' })
  assert.deepEqual(await labels(target, 'app/empty'), { v1: 'AWSCURRENT' })
  const { Description, Tags: tags } = await describe(target, 'app/db')
  assert.deepEqual([Description, tags], ['of the source', [{ Key: 'own', Value: 'b' }, ...Tags]])
  for (const overwrite of [true, false]) {
    assert.deepEqual(
      (await carryFrom(source, target, { overwrite })).map(({ action }) => action),
      ['leave', 'leave', 'leave'],
    )
  }
})

test('an import that ends at any of its writes is completed by the next one, and the policy is there before a value', async (t) => {
  const source = await startEnd(t)
  await create(source, 'app/db', 'first', { Description: 'of the app', Tags: [{ Key: 'team', Value: 'a' }] })
  await put(source, 'app/db', 'v2', 'second', 'blue')
  for (const version of ['v3', 'v4', 'v5']) await put(source, 'app/db', version, version)
  const statement = { Effect: 'Deny', Principal: '*', Action: 'secretsmanager:CancelRotateSecret', Resource: '*' }
  await putPolicy(source, 'app/db', statement)
  const selection = { allVersions: true }

  const whole = await startEnd(t)
  await carryFrom(source, whole, { selection })
  const wanted = await stateOf(whole)
  assert.deepEqual(await versionsOf(whole, 'app/db'), await versionsOf(source, 'app/db'))

  const target = await startEnd(t)
  let writes = 1
  for (; ; writes++) {
    const cut = cutting(target, writes)
    const [{ action } = { action: '' }] = await carryFrom(source, cut, { selection })
    const { VersionIdsToStages } = await describe(target, 'app/db')
    if (VersionIdsToStages) assert.ok(await policyOf(target, 'app/db'), 'a value before its policy')
    if (action === 'fail') {
      const cutAgain = cutting(target, 1)
      await carryFrom(source, cutAgain, { selection })
      await carryFrom(source, target, { selection })
    }
    assert.deepEqual(await stateOf(target), wanted, `after ${writes} writes`)
    if (action !== 'fail') break
    await target.secrets.send(new DeleteSecretCommand({ SecretId: 'app/db', ForceDeleteWithoutRecovery: true }))
  }
  assert.ok(writes > 7, `${writes}`)
})

/** All that an import writes of app/db. */
async function stateOf(end: End) {
  const { Description, Tags } = await describe(end, 'app/db')
  return { Description, Tags, policy: await policyOf(end, 'app/db'), versions: await versionsOf(end, 'app/db') }
}

/** The target, whose client ends the import once so many writes are done. */
function cutting({ server, ssm }: End, writes: number): Target {
  const { url, region, credentials } = server
  const secrets = new SecretsManagerClient({ endpoint: url, region, credentials: { ...credentials }, maxAttempts: 1 })
  let left = writes
  secrets.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        if (!/^(Describe|List|Get)/.test(commandName) && --left < 0) throw new UsageError('the process was killed')
        return next(args)
      },
    { step: 'initialize' },
  )
  return { secrets, ssm }
}

const putPolicy = (end: End, SecretId: string, ...Statement: readonly object[]) =>
  end.secrets.send(
    new PutResourcePolicyCommand({ SecretId, ResourcePolicy: JSON.stringify({ Version: '2012-10-17', Statement }) }),
  )

const policyOf = async (end: End, SecretId: string) =>
  (await end.secrets.send(new GetResourcePolicyCommand({ SecretId }))).ResourcePolicy

test('a version whose value is gone by the time it is read is told, also where a copy is brought up to date', async (t) => {
  const [source, target] = await both(t)
  await create(source, 'app/db')
  await carryFrom(source, target)
  await put(source, 'app/db', 'v2', 'second', 'blue')
  const { total, references } = await awsSource(source, ALL)
  const without = async function* () {
    for await (const reference of references) {
      const read = async () => {
        const item = (await reference.read()) as SecretItem
        return { ...item, versions: item.versions.map((version) => ({ ...version, value: async () => undefined })) }
      }
      yield { ...reference, read }
    }
  }
  const [told] = await carry({ total, references: without() }, target)
  assert.deepEqual([told!.action, told!.details], ['update', `1 version; not copied: version ${id('v2')} has no value`])
})

test('imports at once into one target all end well, with what the source has', async (t) => {
  const [source, target] = await both(t)
  const statement = { Effect: 'Deny', Principal: '*', Action: 'secretsmanager:CancelRotateSecret', Resource: '*' }
  const names = ['app/a', 'app/b', 'app/c', 'app/d', 'app/e', 'app/f']
  for (const name of names) {
    await create(source, name, 'first', { Description: name, Tags: [{ Key: 'team', Value: 'a' }] })
    await put(source, name, 'v2', 'second', 'blue', 'green')
    for (const version of ['v3', 'v4', 'v5']) await put(source, name, version, version)
    await putPolicy(source, name, statement)
  }
  const selection = { allVersions: true }
  const told = await Promise.all([1, 2, 3].map(() => carryFrom(source, target, { selection })))
  assert.deepEqual(
    told.flat().filter(({ action }) => !/^(create|update|leave)$/.test(action)),
    [],
  )
  for (const name of names) {
    // Of two that were written at the same moment either may be the older one.
    const byId = async (end: End) => (await versionsOf(end, name)).sort((a, b) => (a.id < b.id ? -1 : 1))
    assert.deepEqual(await byId(target), await byId(source), name)
    assert.ok(await policyOf(target, name))
  }
  const again = await carryFrom(source, target, { selection })
  assert.deepEqual(new Set(again.map(({ details }) => details)), new Set(['it is the same']))
})

test('a secret whose labels somebody moves all the time is not said to be carried', async (t) => {
  const [source, target] = await both(t)
  await create(source, 'app/a')
  await put(source, 'app/a', 'v2', 'second', 'blue')
  await carryFrom(source, target)
  await put(source, 'app/a', 'v3', 'third', 'blue')
  const { url, region, credentials } = target.server
  const secrets = new SecretsManagerClient({ endpoint: url, region, credentials: { ...credentials } })
  t.after(() => secrets.destroy())
  // After each move of the import it stands where it stood.
  const back = { SecretId: 'app/a', VersionStage: 'blue', MoveToVersionId: id('v2') }
  secrets.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const answer = await next(args)
        if (commandName !== 'PutSecretValueCommand' && commandName !== 'UpdateSecretVersionStageCommand') return answer
        await target.secrets.send(new UpdateSecretVersionStageCommand({ ...back, RemoveFromVersionId: id('v3') }))
        return answer
      },
    { step: 'initialize' },
  )
  assert.deepEqual(await carryFrom(source, { ...target, secrets }), [
    { name: 'app/a', action: 'fail', details: 'somebody else changes it at the same time: import it again' },
  ])
})

test('resource policies are of the accounts of the target; one that is not mapped keeps its secret at the source', async (t) => {
  const [source, target] = await both(t)
  const partner = await createCaller(source.server, 'partner', [], 'new')
  const there = await createCaller(target.server, 'partner', [], 'new')
  await create(source, 'own')
  await create(source, 'shared')
  const { ARN } = await describe(source, 'own')
  const root = `arn:aws:iam::${source.server.accountId}:root`
  await putPolicy(source, 'own', {
    Effect: 'Allow',
    Principal: { AWS: root },
    Action: 'secretsmanager:*',
    Resource: ARN,
  })
  await putPolicy(source, 'shared', {
    Effect: 'Allow',
    Principal: { AWS: [partner.arn, root] },
    Action: 'secretsmanager:GetSecretValue',
    Resource: '*',
    Condition: { StringEquals: { 'aws:SourceVpc': 'vpc-1' } },
  })
  await create(source, 'open')
  await putPolicy(source, 'open', { Effect: 'Allow', Principal: '*', Action: 'secretsmanager:*', Resource: '*' })

  const [open, own, shared] = await carryFrom(source, target)
  assert.equal(own!.details, '1 version; policy')
  assert.equal(shared!.action, 'refuse')
  assert.match(
    shared!.details,
    new RegExp(`^its resource policy names .*: account ${partner.account}; map accounts with --account`),
  )
  await assert.rejects(describe(target, 'shared'), { name: 'ResourceNotFoundException' })
  assert.match(open!.details, /\(PublicPolicyException\)/)
  assert.deepEqual(await versionsOf(target, 'open'), [])
  const { ARN: targetArn } = await describe(target, 'own')
  assert.deepEqual(JSON.parse((await policyOf(target, 'own'))!).Statement, [
    {
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${target.server.accountId}:root` },
      Action: 'secretsmanager:*',
      Resource: targetArn,
    },
  ])

  const maps = { account: [`${partner.account}=${there.account}`] }
  const [, , mapped] = await carryFrom(source, target, { maps })
  assert.equal(mapped!.details, '1 version; policy; look at its resource policy: aws:SourceVpc')
  assert.deepEqual(JSON.parse((await policyOf(target, 'shared'))!).Statement[0].Principal.AWS, [
    there.arn,
    `arn:aws:iam::${target.server.accountId}:root`,
  ])
  const [without] = await carryFrom(source, target, { policies: false })
  assert.equal(without!.details, '1 version; not copied: its resource policy')
})

test('an account id that stands in a policy as a number is mapped too', () => {
  const policy = (account: number | string) =>
    JSON.stringify({ Statement: [{ Condition: { StringEquals: { 'aws:PrincipalAccount': [account] } } }] })
  const places = {
    sourceArn: 'arn:aws:secretsmanager:us-east-1:111122223333:secret:a-AbCdEf',
    source: { region: 'us-east-1', account: '111122223333' },
    targetArn: 'arn:aws:secretsmanager:us-east-1:444455556666:secret:a-GhIjKl',
    target: { region: 'us-east-1', account: '444455556666' },
  }
  assert.equal(mapPolicy(policy(111122223333), mappingOf({}), places).text, policy('444455556666'))
  assert.throws(() => mapPolicy(policy(999988887777), mappingOf({}), places), /names .*: account 999988887777; /)
})

test('a key that is not mapped keeps its secret at the source; a mapped one is used', async (t) => {
  const [source, target] = await both(t)
  const newKey = async ({ server }: End) => {
    const { url, region, credentials } = server
    const kms = new KMSClient({ endpoint: url, region, credentials: { ...credentials } })
    t.after(() => kms.destroy())
    return (await kms.send(new CreateKeyCommand({}))).KeyMetadata!.Arn!
  }
  const [here, there] = [await newKey(source), await newKey(target)]
  await create(source, 'app/db', 'x', { KmsKeyId: here })
  const keyId = here.split('/')[1]
  const [refused] = await carryFrom(source, target)
  assert.equal(refused!.action, 'refuse')
  assert.match(refused!.details, new RegExp(`^it is encrypted under the key ${here}: .* --kms-key ${keyId}=KEY`))
  await assert.rejects(describe(target, 'app/db'), { name: 'ResourceNotFoundException' })

  for (const [kmsKey, wanted] of [
    [`${here}=${there}`, there],
    [`${keyId}=${there}`, there],
    ['*=default', undefined],
  ] as const) {
    await carryFrom(source, target, { maps: { kmsKey: [kmsKey] } })
    assert.equal((await describe(target, 'app/db')).KmsKeyId, wanted)
    await target.secrets.send(new DeleteSecretCommand({ SecretId: 'app/db', ForceDeleteWithoutRecovery: true }))
  }
})

test('what is not carried over is told: owned secrets, replicas, those on the way out, and rotation unless it is asked for', async (t) => {
  const [source, target] = await both(t)
  const { url, region, credentials } = source.server
  const rds = new RDS({ endpoint: url, region, credentials: { ...credentials } })
  t.after(() => rds.destroy())
  const registration = { Identifier: 'db1', Engine: 'postgres', Host: 'localhost', Port: 1, SkipLogin: true }
  const master = { MasterUsername: 'master', MasterUserPassword: 'first password of a master' }
  const { status, body } = await askDatabases(source.server, 'register', { ...registration, ...master })
  assert.equal(status, 200, JSON.stringify(body))
  await rds.modifyDBInstance({ DBInstanceIdentifier: 'db1', ManageMasterUserPassword: true })
  await create(source, 'gone')
  await source.secrets.send(new DeleteSecretCommand({ SecretId: 'gone' }))
  await create(source, 'replicated')
  const AddReplicaRegions = [{ Region: 'eu-west-1' }]
  await source.secrets.send(new ReplicateSecretToRegionsCommand({ SecretId: 'replicated', AddReplicaRegions }))

  const told = await carryFrom(source, target)
  assert.deepEqual(
    told.map(({ name, action, details }) => [name.replace(/-.*/, ''), action, details]),
    [
      ['rds!db', 'leave out', 'rds manages it: let that service make its own at the target'],
      ['replicated', 'create', '1 version; not copied: its replicas in eu-west-1'],
    ],
  )
  const [deleted, missing] = await carryFrom(source, target, { selection: { names: ['gone', 'nobody'] } })
  assert.match(deleted!.details, /^it is scheduled for deletion/)
  assert.equal(missing!.details, "Secrets Manager can't find the specified secret. (ResourceNotFoundException)")

  const replica = new SecretsManagerClient({ endpoint: url, region: 'eu-west-1', credentials: { ...credentials } })
  t.after(() => replica.destroy())
  await until(async () => (await describe(source, 'replicated')).ReplicationStatus![0]!.Status === 'InSync')
  const [copy] = await carryFrom({ ...source, secrets: replica }, target)
  assert.deepEqual(copy, {
    name: 'replicated',
    action: 'leave out',
    details: `it is a replica: import it from its primary in ${region}, and replicate it then`,
  })
  // And at the target.
  await create(target, 'taken')
  await target.secrets.send(new DeleteSecretCommand({ SecretId: 'taken' }))
  await create(source, 'taken')
  const [barred] = await carryFrom(source, target, { selection: { names: ['taken'] }, overwrite: true })
  assert.equal(barred!.action, 'refuse')
  const [itself] = await carryFrom(source, source, { selection: { names: ['taken'] }, overwrite: true })
  assert.equal(itself!.details, 'it is the same')
})

const turnOn = async (end: End, SecretId: string) => {
  const { region, accountId } = end.server
  const RotationLambdaARN = `arn:aws:lambda:${region}:${accountId}:function:strongroom-postgresql-single-user`
  const RotationRules = { AutomaticallyAfterDays: 10 }
  await end.secrets.send(
    new RotateSecretCommand({ SecretId, RotationLambdaARN, RotationRules, RotateImmediately: false }),
  )
  await until(async () => Object.keys((await describe(end, SecretId)).VersionIdsToStages!).length === 1)
}

test('imports at once that all turn rotation on all end well', async (t) => {
  const [source, target] = await both(t)
  const value = JSON.stringify({ engine: 'postgres', host: 'localhost', username: 'app', password: 'x' })
  const names = ['app/a', 'app/b', 'app/c']
  for (const name of names) {
    await create(source, name, value)
    await turnOn(source, name)
  }
  const told = await Promise.all([1, 2, 3].map(() => carryFrom(source, target, { rotation: true })))
  assert.deepEqual(
    told.flat().filter(({ action }) => action === 'fail'),
    [],
  )
  for (const name of names) assert.equal((await describe(target, name)).RotationEnabled, true)
})

test('rotation is turned on where it is asked for, by the function that is in the place of the one of the source', async (t) => {
  const [source, target] = await both(t)
  const functionOf = ({ server }: End, name: string) =>
    `arn:aws:lambda:${server.region}:${server.accountId}:function:${name}`
  const value = JSON.stringify({ engine: 'postgres', host: 'localhost', username: 'app', password: 'x' })
  await create(source, 'app/db', value)
  await source.secrets.send(
    new RotateSecretCommand({
      SecretId: 'app/db',
      RotationLambdaARN: functionOf(source, 'strongroom-postgresql-single-user'),
      RotationRules: { ScheduleExpression: 'rate(10 days)', Duration: '2h' },
      RotateImmediately: false,
    }),
  )
  await until(async () => Object.keys((await describe(source, 'app/db')).VersionIdsToStages!).length === 1)
  const [told] = await carryFrom(source, target)
  assert.match(told!.details, /^1 version; not copied: its rotation, which goes on at the source; --rotation /)
  assert.equal((await describe(target, 'app/db')).RotationEnabled, undefined)

  const nowhere = {
    function: [`${functionOf(source, 'strongroom-postgresql-single-user')}=${functionOf(target, 'nobody')}`],
  }
  const [failed] = await carryFrom(source, target, { rotation: true, maps: nowhere })
  assert.equal(failed!.action, 'fail', failed!.details)
  const [on] = await carryFrom(source, target, { rotation: true })
  assert.deepEqual(on, { name: 'app/db', action: 'update', details: 'rotation' })
  const { RotationEnabled, RotationLambdaARN, RotationRules } = await describe(target, 'app/db')
  assert.deepEqual(
    [RotationEnabled, RotationLambdaARN, RotationRules!.ScheduleExpression, RotationRules!.Duration],
    [true, functionOf(target, 'strongroom-postgresql-single-user'), 'rate(10 days)', '2h'],
  )
})

test('a secret that the target has of its own is not rotated as the one of the source', async (t) => {
  const [source, target] = await both(t)
  await create(source, 'app/db', JSON.stringify({ engine: 'postgres', host: 'a', username: 'app', password: 'x' }))
  await turnOn(source, 'app/db')
  await create(target, 'app/db', JSON.stringify({ engine: 'postgres', host: 'b', username: 'app', password: 'y' }), {
    ClientRequestToken: id('own'),
  })
  const [told] = await carryFrom(source, target, { rotation: true })
  assert.equal(told!.action, 'leave', told!.details)
  assert.equal((await describe(target, 'app/db')).RotationEnabled, undefined)
})

test('a rotation that is under way stays at the source, and is told', async (t) => {
  const [source, target] = await both(t)
  await create(source, 'app/db')
  await put(source, 'app/db', 'v2', 'half set', 'AWSPENDING')
  for (const allVersions of [false, true]) {
    const [told] = await carryFrom(source, target, { selection: { allVersions } })
    assert.match(told!.details, /a rotation is under way at the source: import it again when it has ended$/)
    assert.deepEqual(await labels(target, 'app/db'), { v1: 'AWSCURRENT' })
  }
  await source.secrets.send(
    new UpdateSecretVersionStageCommand({
      SecretId: 'app/db',
      VersionStage: 'AWSCURRENT',
      MoveToVersionId: id('v2'),
      RemoveFromVersionId: id('v1'),
    }),
  )
  assert.equal((await describe(source, 'app/db')).VersionIdsToStages![id('v2')]!.length, 2)
  await carryFrom(source, target)
  assert.deepEqual(await labels(target, 'app/db'), { v1: 'AWSPREVIOUS', v2: 'AWSCURRENT' })
})

test('a right that is missing is told with its name and its side, and keeps nothing else from coming', async (t) => {
  const [source, target] = await both(t)
  await create(source, 'app/a')
  await create(source, 'app/b')
  const { ARN } = await describe(source, 'app/b')
  const limited = async (end: End, ...statements: readonly object[]): Promise<Target> => {
    const { credentials } = await createCaller(end.server, 'limited', statements)
    const { url, region } = end.server
    const secrets = new SecretsManagerClient({ endpoint: url, region, credentials: { ...credentials }, maxAttempts: 1 })
    t.after(() => secrets.destroy())
    return { ...end, secrets }
  }
  const all = { Effect: 'Allow', Action: '*', Resource: '*' }
  const reader = await limited(source, all, { Effect: 'Deny', Action: 'secretsmanager:GetSecretValue', Resource: ARN })
  const [a, b] = await carryFrom(reader, target)
  assert.equal(a!.action, 'create')
  assert.match(
    b!.details,
    /not authorized to perform: secretsmanager:GetSecretValue .* \(AccessDeniedException\): give the credentials of the source this permission$/,
  )
  const writer = await limited(target, all, { Effect: 'Deny', Action: 'secretsmanager:PutSecretValue', Resource: '*' })
  const [, put] = await carryFrom(source, writer)
  assert.match(put!.details, /secretsmanager:PutSecretValue .*: give the credentials of the target this permission$/)
  const [, done] = await carryFrom(source, target)
  assert.equal(done!.action, 'update')
})

test('names, a prefix, tags and filters select', async (t) => {
  const [source, target] = await both(t)
  await create(source, 'app/a', 'x', { Tags: [{ Key: 'env', Value: 'prod' }] })
  await create(source, 'app/b', 'x', { Tags: [{ Key: 'env', Value: 'production' }], Description: 'billing' })
  await create(source, 'App/c', 'x')
  const names = async (selection: object) =>
    (await carryFrom(source, target, { selection, dryRun: true })).map(({ name }) => name)
  assert.deepEqual(await names({ prefix: 'app/' }), ['app/a', 'app/b'])
  assert.deepEqual(await names({ tags: [{ Key: 'env', Value: 'prod' }] }), ['app/a'])
  assert.deepEqual(await names({ filters: [{ key: 'description', values: ['billing'] }] }), ['app/b'])
  assert.deepEqual(await names({ names: ['App/c', 'app/a'] }), ['App/c', 'app/a'])
})

test('a source that answers with another secret, or with parameters elsewhere, gets nothing written', async (t) => {
  const [source, target] = await both(t)
  await create(source, 'app/a')
  await create(target, 'prod/db', 'ours', { ClientRequestToken: id('own') })
  const { ARN } = await describe(source, 'app/a')
  await source.ssm.send(new PutParameterCommand({ Name: '/prod/x', Value: 'theirs', Type: 'String' }))
  source.secrets.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args)
      if ('VersionIdsToStages' in answer.output) (answer.output as { Name?: string }).Name = 'prod/db'
      return answer
    },
    { step: 'initialize' },
  )
  source.ssm.middlewareStack.add(
    (next) => (args) => {
      delete (args.input as { ParameterFilters?: unknown }).ParameterFilters
      return next(args)
    },
    { step: 'initialize' },
  )
  for (const name of ['app/a', ARN!]) {
    const selection = { names: [name], parameters: '/app' }
    assert.deepEqual(await carryFrom(source, target, { selection, overwrite: true }), [
      { name, action: 'fail', details: 'the source answers with another secret' },
    ])
  }
  assert.deepEqual(
    (await versionsOf(target, 'prod/db')).map(({ value }) => value),
    ['ours'],
  )
})

test('a service that throttles is waited for', async (t) => {
  const source = await startEnd(t, { rates: 'on', rate: ['secretsmanager.read=2'] })
  const target = await startEnd(t)
  const names = ['app/a', 'app/b', 'app/c']
  for (const name of names) await create(source, name)
  const { url, region, credentials } = source.server
  const secrets = new SecretsManagerClient({ endpoint: url, region, credentials: { ...credentials }, ...PATIENCE })
  t.after(() => secrets.destroy())
  let throttled = 0
  secrets.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args)
      if ((answer.response as { statusCode?: number }).statusCode === 400) throttled++
      return answer
    },
    { step: 'deserialize', priority: 'low' },
  )
  const told = await carryFrom({ ...source, secrets }, target)
  assert.deepEqual(
    told.map(({ action }) => action),
    names.map(() => 'create'),
  )
  assert.ok(throttled > 0)
})
