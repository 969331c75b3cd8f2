// Random values go through every operation, error, log, backup and crash; then nothing that was written or said holds one, in any encoding.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createPrivateKey, randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { IAM } from '@aws-sdk/client-iam'
import { Client } from 'pg'
import { TRUSTS_LAMBDA } from '../packages/server/src/services/iam/testing.ts'
import { services } from '../packages/server/src/services/index.ts'
import { startFunctions } from '../packages/server/src/services/secretsmanager/rotation/testing-functions.ts'
import { listenTo } from '../packages/server/src/services/strongroom/testing.ts'
import { startIssuer } from '../packages/server/src/services/sts/testing-issuer.ts'
import { signedCall } from '../packages/server/src/testing.ts'
import { passwordJourneys, roleJourneys, userJourneys } from './iam-journeys.ts'
import { kmsJourneys } from './kms-journeys.ts'
import { lambdaJourneys } from './lambda-journeys.ts'
import { parameterJourneys } from './parameter-journeys.ts'
import { databaseJourneys, rdsJourneys } from './rds-journeys.ts'
import { rotationJourneys } from './rotation-journeys.ts'
import { COMMAND, makeHome, REGION, startProcess } from './server-process.ts'
import { federationJourneys, sessionJourneys } from './session-journeys.ts'
import { workloadJourneys } from './workload-journeys.ts'

const run = promisify(execFile)

/** The forms in which a value could lie somewhere. Base64 at its three offsets, without the characters that its neighbours change. */
function encodings(value: Buffer): ReadonlyMap<string, Buffer> {
  const forms = new Map<string, Buffer>()
  const add = (name: string, text: string) => forms.set(name, Buffer.from(text, 'latin1'))
  forms.set('raw', value)
  add('hex', value.toString('hex'))
  add('HEX', value.toString('hex').toUpperCase())
  for (const offset of [0, 1, 2]) {
    const shifted = Buffer.concat([Buffer.alloc(offset), value])
      .toString('base64')
      .replaceAll('=', '')
    const inner = shifted.slice(offset === 0 ? 0 : offset + 1, -2)
    add(`base64+${offset}`, inner)
    add(`base64url+${offset}`, inner.replaceAll('+', '-').replaceAll('/', '_'))
  }
  forms.set('utf-16', Buffer.from(value.toString('latin1'), 'utf16le'))
  add('percent', [...value].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''))
  add('json', [...value].map((byte) => `\\u${byte.toString(16).padStart(4, '0')}`).join(''))
  return forms
}

class Canaries {
  readonly #values: Buffer[] = []
  /** What is searched for, with the name of its form, by its first bytes: so that many are found in one pass. */
  readonly #needles = new Map<number, { readonly form: string; readonly needle: Buffer }[]>()

  /** A fresh value, of letters so that it is its own JSON, form and XML. */
  text(): string {
    return this.know(randomBytes(36).toString('base64').replaceAll(/[+/]/g, 'x'))
  }

  bytes(): Buffer {
    const bytes = randomBytes(48)
    this.knowBytes(bytes)
    return bytes
  }

  know(text: string): string {
    this.knowBytes(Buffer.from(text))
    return text
  }

  knowBytes(bytes: Buffer): void {
    if (this.#values.some((value) => value.equals(bytes))) return
    this.#values.push(bytes)
    for (const [form, needle] of encodings(bytes)) {
      const first = needle.readUInt32LE()
      const others = this.#needles.get(first)
      if (others === undefined) this.#needles.set(first, [{ form, needle }])
      else others.push({ form, needle })
    }
  }

  /** Where any of them lies in some bytes, in which form. */
  findIn(haystack: Buffer): string | undefined {
    const begins = new Uint8Array(1 << 16)
    for (const first of this.#needles.keys()) begins[first & 0xffff] = 1
    for (let at = 0; at + 4 <= haystack.length; at++) {
      if (begins[haystack[at]! | (haystack[at + 1]! << 8)] === 0) continue
      for (const { form, needle } of this.#needles.get(haystack.readUInt32LE(at)) ?? []) {
        if (needle.equals(haystack.subarray(at, at + needle.length))) return form
      }
    }
    return undefined
  }
}

test('the search finds a value in each of its forms', () => {
  for (const [form] of encodings(Buffer.from('x'))) {
    const canaries = new Canaries()
    const value = canaries.bytes()
    assert.equal(canaries.findIn(randomBytes(10_000)), undefined)
    const around = Buffer.concat([Buffer.from('{"a":"'), encodings(value).get(form)!, Buffer.from('"}')])
    assert.ok(canaries.findIn(around), form)
  }
  const canaries = new Canaries()
  const bytes = canaries.bytes()
  for (const offset of [0, 1, 2, 3, 4]) {
    assert.ok(
      canaries.findIn(Buffer.from(Buffer.concat([Buffer.alloc(offset, 7), bytes, Buffer.alloc(5)]).toString('base64'))),
    )
  }
})

test('no secret value is in a file, a log, an error, a metric, an event or a backup', async (t) => {
  const canaries = new Canaries()
  const home = await makeHome(t)
  const issuer = await startIssuer(t)
  const functions = await startFunctions({ after: home.after })
  const { lambdaEndpoint, lambdaCredentials } = functions.options
  const lambda = ['--lambda-endpoint', lambdaEndpoint, '--lambda-credentials', lambdaCredentials]
  const options = ['--log-level', 'debug', '--test-clock', '--allow-outbound', issuer.url, ...lambda]
  let server = await startProcess(home, ...options)
  const said: string[] = []

  /** A raw call. What comes back is kept, but for the members that are meant to hold a value. */
  const call = async (operation: string, input: object | string, service = 'secretsmanager') => {
    const target = TARGETS[service] ?? service
    const answer = await signedCall(server.url, service, `${target}.${operation}`, input, {
      credentials: server.credentials,
      region: REGION,
    })
    const kept = JSON.stringify(answer.body, (key, value) =>
      ['SecretString', 'SecretBinary', 'RandomPassword'].includes(key) ? undefined : value,
    )
    said.push(`${operation} ${answer.status} ${kept} ${JSON.stringify([...answer.headers])}`)
    return answer
  }
  /** A raw call of a route of our own. */
  const route = async (operation: string, path: string, input: object) => {
    const url = `${server.url}/_strongroom/${path}`
    const options = { credentials: server.credentials, region: REGION }
    const answer = await signedCall(url, 'secretsmanager', undefined, input, options)
    said.push(`${operation} ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer
  }
  const token = () => randomUUID()
  const create = (Name: string) =>
    call('CreateSecret', {
      Name,
      SecretString: canaries.text(),
      ClientRequestToken: token(),
      Tags: [{ Key: 'a', Value: 'b' }],
    })

  const ownAccount = async (): Promise<string> => {
    const { body } = await call('DescribeSecret', { SecretId: 'made' })
    return String(body.ARN).split(':')[4]!
  }
  /** A policy that lets the secret's own account do what it may do anyway. */
  const ownPolicy = async (): Promise<string> => {
    const AWS = await ownAccount()
    const Statement = { Effect: 'Allow', Principal: { AWS }, Action: 'secretsmanager:*', Resource: '*' }
    return JSON.stringify({ Version: '2012-10-17', Statement })
  }
  let request: { readonly Id?: string; readonly AccountId?: string } = {}

  /** Each operation with a value in every member that can hold one, and what goes wrong with it. */
  const journeys: { [operation: string]: () => Promise<unknown> } = {
    'secretsmanager CreateSecret': async () => {
      await create('made')
      await call('CreateSecret', {
        Name: 'binary',
        SecretBinary: canaries.bytes().toString('base64'),
        ClientRequestToken: token(),
      })
      await create('made')
      await call('CreateSecret', { Name: 'no key', SecretString: canaries.text(), ClientRequestToken: token() })
      await call('CreateSecret', {
        Name: 'kms',
        SecretString: canaries.text(),
        KmsKeyId: randomUUID(),
        ClientRequestToken: token(),
      })
      await call('CreateSecret', { Name: 'no-token', SecretString: canaries.text() })
    },
    'secretsmanager PutSecretValue': async () => {
      const reused = token()
      for (const ClientRequestToken of [reused, reused, token()]) {
        await call('PutSecretValue', { SecretId: 'made', SecretString: canaries.text(), ClientRequestToken })
      }
      const both = { SecretString: canaries.text(), SecretBinary: canaries.bytes().toString('base64') }
      await call('PutSecretValue', { SecretId: 'made', ...both, ClientRequestToken: token() })
      await call('PutSecretValue', { SecretId: 'absent', SecretString: canaries.text(), ClientRequestToken: token() })
      const RotationToken = canaries.know(randomUUID())
      await call('PutSecretValue', {
        SecretId: 'made',
        SecretString: canaries.text(),
        RotationToken,
        ClientRequestToken: token(),
      })
      await call('PutSecretValue', {
        SecretId: 'made',
        RotationToken: `${canaries.text()}!`,
        ClientRequestToken: token(),
      })
      const long = canaries.text()
      await call('PutSecretValue', { SecretId: 'made', SecretString: long.repeat(1_500), ClientRequestToken: token() })
      await call('PutSecretValue', {
        SecretId: 'made',
        SecretString: `${long}${'ä'.repeat(60_000)}`,
        ClientRequestToken: token(),
      })
      await call('PutSecretValue', { SecretId: 'made', SecretString: [canaries.text()], ClientRequestToken: token() })
      await call('PutSecretValue', {
        SecretId: 'made',
        SecretBinary: `${canaries.text()}!!`,
        ClientRequestToken: token(),
      })
      await call('PutSecretValue', `{"SecretId":"made","SecretString":"${canaries.text()}`)
      await call('PutSecretValue', `["${canaries.text()}"]`)
      await call('NoSuchOperation', { SecretId: 'made', SecretString: canaries.text() })
    },
    'secretsmanager UpdateSecret': async () => {
      await call('UpdateSecret', {
        SecretId: 'made',
        SecretString: canaries.text(),
        Description: 'd',
        ClientRequestToken: token(),
      })
      const { body } = await call('DescribeSecret', { SecretId: 'made' })
      const [, , , , account] = String(body.ARN).split(':')
      const KmsKeyId = `arn:aws:kms:${REGION}:${account}:alias/aws/secretsmanager`
      await call('UpdateSecret', { SecretId: 'made', KmsKeyId, ClientRequestToken: token() })
      await call('UpdateSecret', {
        SecretId: 'made',
        KmsKeyId: 'alias/none',
        SecretString: canaries.text(),
        ClientRequestToken: token(),
      })
    },
    'secretsmanager GetSecretValue': async () => {
      await call('GetSecretValue', { SecretId: 'made' })
      await call('GetSecretValue', { SecretId: 'made', VersionStage: 'AWSPREVIOUS' })
      await call('GetSecretValue', { SecretId: 'binary' })
    },
    'secretsmanager BatchGetSecretValue': () =>
      call('BatchGetSecretValue', { SecretIdList: ['made', 'binary', 'absent'] }),
    'secretsmanager GetRandomPassword': async () => {
      const { body } = await call('GetRandomPassword', { PasswordLength: 60, ExcludePunctuation: true })
      canaries.know(body.RandomPassword)
    },
    'secretsmanager DescribeSecret': () => call('DescribeSecret', { SecretId: 'made' }),
    'secretsmanager ListSecrets': () => call('ListSecrets', { Filters: [{ Key: 'all', Values: ['made'] }] }),
    'secretsmanager ListSecretVersionIds': () =>
      call('ListSecretVersionIds', { SecretId: 'made', IncludeDeprecated: true }),
    'secretsmanager UpdateSecretVersionStage': async () => {
      const { body } = await call('DescribeSecret', { SecretId: 'made' })
      const ids = Object.entries(body.VersionIdsToStages as { [id: string]: string[] })
      const holder = (stage: string) => ids.find(([, stages]) => stages.includes(stage))?.[0]
      await call('UpdateSecretVersionStage', {
        SecretId: 'made',
        VersionStage: 'AWSCURRENT',
        RemoveFromVersionId: holder('AWSCURRENT'),
        MoveToVersionId: holder('AWSPREVIOUS'),
      })
    },
    'secretsmanager TagResource': () => call('TagResource', { SecretId: 'made', Tags: [{ Key: 'k', Value: 'v' }] }),
    'secretsmanager UntagResource': () => call('UntagResource', { SecretId: 'made', TagKeys: ['k'] }),
    'secretsmanager PutResourcePolicy': async () => {
      await call('PutResourcePolicy', { SecretId: 'made', ResourcePolicy: await ownPolicy() })
      await call('PutResourcePolicy', { SecretId: 'made', ResourcePolicy: 'none' })
    },
    'secretsmanager ValidateResourcePolicy': async () =>
      call('ValidateResourcePolicy', { SecretId: 'made', ResourcePolicy: await ownPolicy() }),
    'secretsmanager GetResourcePolicy': () => call('GetResourcePolicy', { SecretId: 'made' }),
    'secretsmanager DeleteResourcePolicy': () => call('DeleteResourcePolicy', { SecretId: 'made' }),
    'secretsmanager ReplicateSecretToRegions': async () => {
      const AddReplicaRegions = [{ Region: 'eu-west-1' }, { Region: 'us-east-1' }]
      await call('ReplicateSecretToRegions', { SecretId: 'made', AddReplicaRegions })
      await call('PutSecretValue', { SecretId: 'made', SecretString: canaries.text(), ClientRequestToken: token() })
      for (const until = Date.now() + 60_000; ; await sleep(200)) {
        const { ReplicationStatus } = (await call('DescribeSecret', { SecretId: 'made' })).body
        if (ReplicationStatus.every(({ Status }: { readonly Status: string }) => Status === 'InSync')) break
        assert.ok(Date.now() < until, JSON.stringify(ReplicationStatus))
      }
    },
    'secretsmanager StopReplicationToReplica': async () => {
      const SecretId = 'made'
      const options = { credentials: server.credentials, region: 'eu-west-1' }
      const ask = (target: string) =>
        signedCall(server.url, 'secretsmanager', `secretsmanager.${target}`, { SecretId }, options)
      const { body: read } = await ask('GetSecretValue')
      assert.ok(canaries.findIn(Buffer.from(read.SecretString)), 'the value is in the other Region')
      const { status, body } = await ask('StopReplicationToReplica')
      said.push(`StopReplicationToReplica ${status} ${JSON.stringify(body)}`)
    },
    'secretsmanager RemoveRegionsFromReplication': () =>
      call('RemoveRegionsFromReplication', { SecretId: 'made', RemoveReplicaRegions: ['us-east-1'] }),
    'secretsmanager DeleteSecret': async () => {
      await call('DeleteSecret', { SecretId: 'made', RecoveryWindowInDays: 7 })
      await call('PutSecretValue', { SecretId: 'made', SecretString: canaries.text(), ClientRequestToken: token() })
      await call('GetSecretValue', { SecretId: 'made' })
      await create('doomed')
      await call('DeleteSecret', { SecretId: 'doomed', ForceDeleteWithoutRecovery: true })
    },
    'secretsmanager RestoreSecret': () => call('RestoreSecret', { SecretId: 'made' }),
    'organizations CreateAccount': async () => {
      const { body } = await call('CreateAccount', NEW_ACCOUNT, 'organizations')
      request = body.CreateAccountStatus
      await call('CreateAccount', NEW_ACCOUNT, 'organizations')
    },
    'organizations DescribeCreateAccountStatus': () =>
      call('DescribeCreateAccountStatus', { CreateAccountRequestId: request.Id }, 'organizations'),
    'organizations DescribeOrganization': () => call('DescribeOrganization', {}, 'organizations'),
    'organizations DescribeAccount': () => call('DescribeAccount', { AccountId: request.AccountId }, 'organizations'),
    'organizations ListAccounts': () => call('ListAccounts', {}, 'organizations'),
    'organizations CloseAccount': () => call('CloseAccount', { AccountId: request.AccountId }, 'organizations'),
    'cloudtrail LookupEvents': () => call('LookupEvents', { MaxResults: 50 }, 'cloudtrail'),
    'strongroom PutReplica': async () => {
      const PrimaryArn = `arn:aws:secretsmanager:ap-south-1:${await ownAccount()}:secret:received-AbCdEf`
      const id = token()
      const version = { VersionId: id, VersionStages: ['AWSCURRENT'], CreatedAt: 1, HasValue: true }
      const copy = {
        PrimaryArn,
        Create: true,
        Overwrite: false,
        Tags: [],
        CreatedAt: 1,
        ChangedAt: 1,
        Versions: [version],
      }
      const value = (bytes: Buffer) => ({
        Value: { VersionId: id, Kind: 'binary', Bytes: bytes.toString('base64') },
      })
      await route('PutReplica', 'replicas/put', { ...copy, Revision: 2, ...value(canaries.bytes()) })
      await route('PutReplica', 'replicas/put', { ...copy, Revision: 1, ...value(canaries.bytes()) })
      await route('PutReplica', 'replicas/put', { ...copy, Revision: 'x', ...value(canaries.bytes()) })
      await route('PutReplica', 'replicas/put', {
        ...copy,
        PrimaryArn: 'none-of-any-account',
        Revision: 1,
        ...value(canaries.bytes()),
      })
    },
    'strongroom RemoveReplica': async () =>
      route('RemoveReplica', 'replicas/remove', {
        PrimaryArn: `arn:aws:secretsmanager:ap-south-1:${await ownAccount()}:secret:received-AbCdEf`,
        Revision: 3,
      }),
    'strongroom ExplainAccess': async () => {
      const Action = 'secretsmanager:GetSecretValue'
      await route('ExplainAccess', 'policy/explain', { Action, Resource: 'made' })
      await route('ExplainAccess', 'policy/explain', { Action, SessionPolicy: 'none' })
    },
    'strongroom Advise': async () => {
      await create('copied')
      const { body } = await call('GetSecretValue', { SecretId: 'copied' })
      await call('CreateSecret', { Name: 'copy', SecretString: body.SecretString, ClientRequestToken: token() })
      const report = await route('Advise', 'advise', { ReadsPerDay: 1 })
      assert.ok(
        report.body.Findings.some(({ Finding }: { readonly Finding: string }) => Finding === 'copied-value'),
        'it looked into values',
      )
      await route('Advise', 'advise', { Findings: ['none'] })
    },
    'strongroom AdvanceClock': async () => {
      const advance = ['clock', 'advance', 'P40D', '--data-dir', home.dataDir, '--endpoint-url', server.url]
      said.push(`AdvanceClock 200 ${(await run(process.execPath, [COMMAND, ...advance])).stdout}`)
    },
    'strongroom ReadEvents': async () => {
      const lastId = 'beginning'
      const stream = await listenTo(server.url, server.credentials, { region: REGION, lastId })
      await create('heard')
      await stream.waitFor(({ data }) => data.detail?.name === 'heard')
      said.push(`ReadEvents ${stream.status} ${JSON.stringify(stream.frames)}`)
      stream.close()
    },
  }
  const know = (secret: string) => canaries.know(secret)
  const roleOfFunctions = async (RoleName: string, PolicyArn?: string): Promise<string> => {
    const iam = new IAM({ endpoint: server.url, region: REGION, credentials: { ...server.credentials } })
    home.after(() => iam.destroy())
    const { Role } = await iam.createRole({ RoleName, AssumeRolePolicyDocument: TRUSTS_LAMBDA })
    if (PolicyArn !== undefined) await iam.attachRolePolicy({ RoleName, PolicyArn })
    return Role!.Arn!
  }
  const executionRole = () => roleOfFunctions('execution')
  const rotationRole = () => roleOfFunctions('rotation', 'arn:aws:iam::aws:policy/SecretsManagerReadWrite')
  const accessJourneys = {
    ...userJourneys(server, know, home.after),
    ...roleJourneys(server, home.after),
    ...passwordJourneys(server, know, (secret) => canaries.knowBytes(secret), home.after),
    ...sessionJourneys(server, know, home.after),
    ...federationJourneys(server, issuer, know, home.after),
    ...workloadJourneys(server, issuer, know, home.after),
    ...kmsJourneys(
      server,
      () => canaries.bytes(),
      (secret) => canaries.knowBytes(secret),
      home.after,
    ),
    ...lambdaJourneys(server, () => canaries.text(), executionRole, home.after),
    ...rdsJourneys(server, () => canaries.text(), home.after),
    ...parameterJourneys(server, () => canaries.text(), home.after),
  }
  Object.assign(
    journeys,
    rotationJourneys({
      server,
      functions,
      text: () => canaries.text(),
      know,
      call,
      route,
      roleArn: rotationRole,
      after: home.after,
    }),
  )
  // An endpoint is registered before RDS has anything.
  Object.assign(
    journeys,
    databaseJourneys(route, () => canaries.text()),
  )
  for (const [operation, journey] of Object.entries(accessJourneys)) {
    journeys[operation] = async () => said.push(await journey())
  }
  const operations = services.flatMap((service) => service.operations.map(({ name }) => `${service.name} ${name}`))
  assert.deepEqual(Object.keys(journeys).sort(), [...operations].sort(), 'every operation has its journey')
  for (const [operation, journey] of Object.entries(journeys)) {
    await journey()
    const name = operation.split(' ')[1]
    assert.ok(
      said.some((line) => line.startsWith(`${name} 200 `) || line.startsWith(`${name} 400 UnsupportedOperation`)),
      `${name} did its work`,
    )
  }

  // Credentials that ready-made rotators issue, in this process.
  const iam = new IAM({ endpoint: server.url, region: REGION, credentials: { ...server.credentials } })
  home.after(() => iam.destroy())
  const UserName = 'rotated'
  const { User } = await iam.createUser({ UserName })
  const Statement = [{ Effect: 'Allow', Action: 'iam:*AccessKey*', Resource: User!.Arn }]
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement })
  await iam.putUserPolicy({ UserName, PolicyName: 'keys', PolicyDocument })
  const { AccessKeyId, SecretAccessKey } = (await iam.createAccessKey({ UserName })).AccessKey!
  const account = await ownAccount()
  const rotated = async (rotator: string, value: object, options: readonly object[]) => {
    await call('CreateSecret', { Name: rotator, SecretString: JSON.stringify(value), ClientRequestToken: token() })
    const ClientRequestToken = token()
    const RotationLambdaARN = `arn:aws:lambda:${REGION}:${account}:function:strongroom-${rotator}`
    const ExternalSecretRotationMetadata = options.length === 0 ? undefined : options
    const settings = { RotationLambdaARN, ExternalSecretRotationMetadata }
    await call('RotateSecret', { SecretId: rotator, ClientRequestToken, ...settings })
    for (const until = Date.now() + 60_000; ; await sleep(100)) {
      const { body } = await call('GetSecretValue', { SecretId: rotator })
      if (body.VersionId === ClientRequestToken) return JSON.parse(body.SecretString)
      assert.ok(Date.now() < until, `${rotator} does not rotate`)
    }
  }
  canaries.know(SecretAccessKey!)
  const keyValue = { AccessKeyId, SecretAccessKey, endpoint: server.url, ssl: false }
  canaries.know((await rotated('iam-access-key', keyValue, [])).SecretAccessKey)
  const publish = [
    { Key: 'publish', Value: 'true' },
    { Key: 'alg', Value: 'EdDSA' },
  ]
  const pair = await rotated('key-pair', {}, publish)
  for (const pem of [pair.privateKey, pair.nextPrivateKey]) {
    const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' })
    canaries.knowBytes(der.subarray(-32))
  }
  said.push(await (await fetch(`${server.url}/_strongroom/jwks/${account}/${REGION}/key-pair/jwks.json`)).text())
  assert.ok(said.at(-1)!.includes(pair.kid))

  // Killed with values in flight, and started again.
  const inFlight = Array.from({ length: 20 }, (_, at) => create(`in-flight-${at}`).catch(() => undefined))
  await new Promise((resolve) => setTimeout(resolve, 60))
  await server.kill('SIGKILL')
  await Promise.all(inFlight)
  said.push(server.output())
  search(canaries, home.dataDir, 'after kill -9')
  server = await startProcess(home, '--log-level', 'debug', '--test-clock')
  await call('GetSecretValue', { SecretId: 'made' })

  const outside = mkdtempSync(join(tmpdir(), 'strongroom-backup-'))
  t.after(() => rmSync(outside, { recursive: true, force: true }))
  await run(process.execPath, [COMMAND, 'backup', join(outside, 'backup'), '--data-dir', home.dataDir])
  said.push(await (await fetch(`${server.url}/_strongroom/metrics`)).text())
  said.push(await (await fetch(`${server.url}/_strongroom/health`)).text())
  for (const event of (await call('LookupEvents', { MaxResults: 50 }, 'cloudtrail')).body.Events)
    said.push(event.CloudTrailEvent)
  said.push((await run(process.execPath, [COMMAND, 'root-key', '--data-dir', home.dataDir])).stdout)

  // Shares of a root key: made, and given to the server, one of them in vain.
  const command = (...args: string[]) => run(process.execPath, [COMMAND, ...args, '--data-dir', home.dataDir])
  const shares = (await command('root-key', 'add', 'shamir', '--shares', '4', '--threshold', '3')).stdout
    .trim()
    .split('\n')
  assert.equal(shares.length, 4)
  for (const share of shares) {
    const text = canaries.know(share.slice(share.indexOf(':') + 1))
    // Format, set, threshold and index are no secret; the payload is, its checksum goes with it.
    canaries.knowBytes(Buffer.from(text, 'base64url').subarray(11, 43))
  }
  const give = async (share: string) => {
    const child = run(process.execPath, [COMMAND, 'unseal', '--data-dir', home.dataDir])
    child.child.stdin?.end(share)
    const { stdout, stderr } = await child.catch((error: { readonly stdout: string; readonly stderr: string }) => error)
    said.push(stdout, stderr)
    return stdout
  }
  await give(shares[0]!.slice(0, -1))
  for (const share of shares.slice(0, 3)) assert.match(await give(share), /"sealed": false/)
  said.push((await command('seal-status')).stdout, (await command('root-key', 'verify')).stdout)
  said.push((await command('root-key')).stdout)
  await dumpPostgres(home.options, outside)

  // The keys of the installation are canaries too, outside the two files that are there to hold them.
  canaries.know(server.credentials.secretAccessKey)
  const rootKey = readFileSync(join(home.dataDir, 'root.key'), 'utf8').trim().split(/\s+/).at(-1)!
  canaries.know(rootKey)

  search(canaries, home.dataDir, 'while running')
  search(canaries, outside, 'backup')
  assert.equal(await server.kill('SIGTERM'), 0)
  said.push(server.output())
  search(canaries, home.dataDir, 'after stop')
  writeFileSync(join(outside, 'said'), said.join('\n'))
  search(canaries, outside, 'said')
  assert.ok(said.length > 60)
})

const TARGETS: { readonly [service: string]: string } = {
  cloudtrail: 'CloudTrail_20131101',
  organizations: 'AWSOrganizationsV20161128',
}
const NEW_ACCOUNT = { AccountName: 'team', Email: 'team@example.com' }

const MEANT_TO_HOLD_KEYS = ['root.key', 'credentials']

function search(canaries: Canaries, folder: string, when: string): void {
  const files = readdirSync(folder).filter((name) => !MEANT_TO_HOLD_KEYS.includes(name))
  const regular = files.filter((name) => statSync(join(folder, name)).isFile())
  assert.ok(regular.length > 0)
  for (const name of regular) {
    const found = canaries.findIn(readFileSync(join(folder, name)))
    assert.equal(found, undefined, `${when}: ${name} holds a value, as ${found}`)
  }
}

/** Every row of every table, as the server would read it, where the tests run on PostgreSQL. */
async function dumpPostgres(options: readonly string[], folder: string): Promise<void> {
  const url = options[options.indexOf('--database') + 1]
  if (!options.includes('--database') || url === undefined) return
  const client = new Client({ connectionString: url })
  await client.connect()
  const { rows: tables } = await client.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
  assert.ok(tables.length > 5)
  for (const { tablename } of tables) {
    const { rows } = await client.query(`SELECT * FROM ${tablename}`)
    const cells = rows.flatMap((row: object) => Object.values(row))
    writeFileSync(
      join(folder, `table-${tablename}`),
      Buffer.concat(cells.map((cell) => (Buffer.isBuffer(cell) ? cell : Buffer.from(`${cell}\n`)))),
    )
  }
  await client.end()
}
