// Two tenants on one server: what an administrator of one account is told of another account's things is exactly what it is told of things
// that do not exist. Every operation of every service is tried, once for each member that names a thing, and nothing changes on the other
// side. One thing is left out, as on AWS: a policy document that names a principal is refused where there is no such principal.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  AddUserToGroupCommand,
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateGroupCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam'
import type { AnyOperation, Service } from '../packages/server/src/operation.ts'
import { iamClient, policyDocument } from '../packages/server/src/services/iam/testing.ts'
import { services } from '../packages/server/src/services/index.ts'
import { ECHO, lambdaClient } from '../packages/server/src/services/lambda/testing.ts'
import { askDatabases } from '../packages/server/src/services/rds/testing.ts'
import { type Caller, createCaller, token } from '../packages/server/src/services/secretsmanager/testing.ts'
import { callAssociations } from '../packages/server/src/services/strongroom/testing-pods.ts'
import { decodedFor } from '../packages/server/src/services/sts/testing.ts'
import { isOptional } from '../packages/server/src/shape/shape.ts'
import { signedCall, signedRestCall, startTestServer, type TestServer } from '../packages/server/src/testing.ts'
import { openPostgresUrl, openSqliteFile, type RawSql, type Row } from './raw-sql.ts'

/** In every name that the other account gives. What does not exist is called `absent` instead, which is as long. */
const THEIRS = 'violet'
const ABSENT = 'indigo'

/** One of each thing, all with the same word in their names. */
type Things = {
  readonly account: string
  readonly secret: string
  readonly user: string
  readonly group: string
  readonly role: string
  readonly inlinePolicy: string
  readonly policyArn: string
  readonly roleArn: string
  readonly provider: string
  readonly device: string
  readonly accessKeyId: string
  readonly userArn: string
  readonly keyArn: string
  readonly alias: string
  readonly accountAlias: string
  readonly grantId: string
  readonly functionArn: string
  readonly functionAlias: string
  readonly associationId: string
  readonly database: string
  readonly parameterArn: string
  /** Whatever else would tell that they exist. */
  readonly marks: readonly string[]
}

/** What a member may be. A thing is tried as the other account's and as one that does not exist, in each form; elsewhere it is the caller's. */
type Sample = { readonly forms: (things: Things) => readonly unknown[] } | { readonly value: unknown }

const thing = (...forms: readonly ((things: Things) => unknown)[]): Sample => ({
  forms: (things) => forms.map((form) => form(things)),
})
const always = (value: unknown): Sample => ({ value })
/** A name that is not taken, where the operation makes the thing. */
const fresh = (form: (things: Things) => string): Sample =>
  thing((things) => (form(things).includes(THEIRS) ? form(things) : `new-${form(things)}`))

const POLICY = policyDocument({ Effect: 'Allow', Action: 'secretsmanager:ListSecrets', Resource: '*' })
const TRUST = policyDocument({
  Effect: 'Allow',
  Principal: { Service: ['secretsmanager.amazonaws.com', 'lambda.amazonaws.com'] },
  Action: 'sts:AssumeRole',
})
const RESOURCE_POLICY = policyDocument({ Effect: 'Allow', Principal: '*', Action: 'secretsmanager:*', Resource: '*' })

const secretForms = thing(
  ({ secret }) => secret,
  ({ secret }) => secret.slice(0, -7),
  ({ secret }) => secret.split(':').at(-1)!.slice(0, -7),
)

const keyForms = thing(
  ({ keyArn }) => keyArn,
  ({ keyArn }) => keyArn.split('/')[1],
  ({ keyArn, alias }) => keyArn.replace(/key\/.*/, alias),
)
const functionForms = thing(
  ({ functionArn }) => functionArn,
  ({ functionArn }) => functionArn.split(':').slice(4).join(':'),
  ({ functionArn }) => functionArn.split(':').at(-1),
)
/** There is a cluster beside each instance, of the same name. */
const databaseForms = (kind: 'db' | 'cluster'): Sample =>
  thing(
    ({ database }) => database,
    ({ account, database }) => `arn:aws:rds:eu-central-1:${account}:${kind}:${database}`,
  )
const parameterForms = thing(
  ({ parameterArn }) => parameterArn,
  ({ parameterArn }) => parameterArn.replace(/^.*:parameter/, ''),
)
const BYTES = Buffer.from('bytes').toString('base64')

/**
 * By name of the member, of the member in a service, or in one operation. Members that are required must be here, or the test fails; optional
 * ones are sent where they name a thing or stand here for one operation.
 */
const MEMBERS: { readonly [member: string]: Sample } = {
  AccessKeyId: thing(({ accessKeyId }) => accessKeyId),
  AccountId: thing(({ account }) => account),
  AssumeRolePolicyDocument: always(TRUST),
  GroupName: thing(({ group }) => group),
  PermissionsBoundary: thing(({ policyArn }) => policyArn),
  OpenIDConnectProviderArn: thing(({ provider }) => provider),
  PolicyArn: thing(({ policyArn }) => policyArn),
  PolicyDocument: always(POLICY),
  PolicyName: thing(({ inlinePolicy }) => inlinePolicy),
  ResourcePolicy: always(RESOURCE_POLICY),
  RoleArn: thing(({ roleArn }) => roleArn),
  RoleName: thing(({ role }) => role),
  RoleSessionName: always('session'),
  SecretId: secretForms,
  SerialNumber: thing(({ device }) => device),
  TagKeys: always(['a']),
  Tags: always([{ Key: 'a', Value: 'b' }]),
  UserName: thing(({ user }) => user),

  'cloudtrail.LookupEvents.LookupAttributes': thing(
    ({ secret }) => [{ AttributeKey: 'ResourceName', AttributeValue: secret }],
    ({ user }) => [{ AttributeKey: 'Username', AttributeValue: user }],
    ({ accessKeyId }) => [{ AttributeKey: 'AccessKeyId', AttributeValue: accessKeyId }],
  ),

  'iam.AccountAlias': thing(({ accountAlias }) => accountAlias),
  // Who asks for an alias that is taken learns it, as on AWS: this one is nobody's.
  'iam.CreateAccountAlias.AccountAlias': thing(({ accountAlias }) => `${accountAlias}-2`),
  'iam.CreateGroup.GroupName': fresh(({ group }) => group),
  'iam.CreatePolicy.PolicyName': fresh(({ inlinePolicy }) => inlinePolicy),
  'iam.CreateRole.RoleName': fresh(({ role }) => role),
  'iam.ClientID': always('app'),
  'iam.CreateOpenIDConnectProvider.Url': always('https://new.example.com'),
  'iam.CreateUser.UserName': fresh(({ user }) => user),
  'iam.CreateLoginProfile.Password': always('Correct-horse-1'),
  'iam.CreateVirtualMFADevice.VirtualMFADeviceName': fresh(({ device }) => device.split('/')[1]!),
  'iam.AuthenticationCode1': always('123456'),
  'iam.AuthenticationCode2': always('654321'),
  'iam.NewPassword': always('Another-horse-2'),
  'iam.OldPassword': always('Correct-horse-1'),
  'iam.ActionNames': always(['secretsmanager:GetSecretValue']),
  'iam.AWSServiceName': always('mrk.kms.amazonaws.com'),
  'iam.DeletionTaskId': always(
    'task/aws-service-role/mrk.kms.amazonaws.com/AWSServiceRoleForX/11111111-1111-4111-8111-111111111111',
  ),
  'iam.PolicyInputList': always([POLICY]),
  'iam.PolicySourceArn': thing(({ roleArn }) => roleArn),
  'iam.Status': always('Inactive'),
  'iam.ThumbprintList': always(['0'.repeat(40)]),
  'iam.UpdateAssumeRolePolicy.PolicyDocument': always(TRUST),
  'iam.UpdateRoleDescription.Description': always('text'),
  'iam.VersionId': always('v1'),

  'kms.AliasName': thing(({ alias }) => alias),
  'kms.CreateAlias.AliasName': fresh(({ alias }) => alias),
  'kms.CreateGrant.GranteePrincipal': always('999999999999'),
  'kms.CreateKey.Description': always('key'),
  'kms.CustomKeyStoreId': always('cks-1234567890abcdef0'),
  'kms.CustomKeyStoreName': always('store'),
  'kms.Decrypt.CiphertextBlob': always(BYTES),
  'kms.Description': always('text'),
  'kms.DestinationKeyId': keyForms,
  'kms.EncryptedKeyMaterial': always(BYTES),
  'kms.GenerateDataKey.KeySpec': always('AES_256'),
  'kms.GenerateDataKeyWithoutPlaintext.KeySpec': always('AES_256'),
  'kms.GenerateRandom.NumberOfBytes': always(1),
  'kms.GrantId': thing(({ grantId }) => grantId),
  'kms.ImportToken': always(BYTES),
  'kms.KeyAgreementAlgorithm': always('ECDH'),
  'kms.KeyId': keyForms,
  'kms.KeyPairSpec': always('ECC_NIST_P256'),
  'kms.ListRetirableGrants.RetiringPrincipal': thing(({ userArn }) => userArn),
  'kms.Mac': always(BYTES),
  'kms.MacAlgorithm': always('HMAC_SHA_256'),
  'kms.Message': always(BYTES),
  'kms.Operations': always(['Encrypt']),
  'kms.Plaintext': always(BYTES),
  'kms.Policy': always(RESOURCE_POLICY),
  'kms.PrimaryRegion': always('us-west-2'),
  'kms.PublicKey': always(BYTES),
  'kms.ReEncrypt.CiphertextBlob': always(BYTES),
  'kms.ReEncrypt.SourceKeyId': keyForms,
  'kms.ReplicaRegion': always('us-west-2'),
  'kms.Signature': always(BYTES),
  'kms.SigningAlgorithm': always('ECDSA_SHA_256'),
  'kms.Tags': always([{ TagKey: 'a', TagValue: 'b' }]),
  'kms.TargetKeyId': keyForms,
  'kms.WrappingAlgorithm': always('RSAES_OAEP_SHA_256'),
  'kms.WrappingKeySpec': always('RSA_2048'),

  'lambda.Action': always('lambda:InvokeFunction'),
  'lambda.Code': always({ ZipFile: ECHO.toString('base64') }),
  'lambda.CreateAlias.Name': fresh(({ functionAlias }) => functionAlias),
  'lambda.CreateFunction.FunctionName': fresh(({ functionArn }) => functionArn.split(':').at(-1)!),
  'lambda.CreateFunction.Handler': always('index.handler'),
  'lambda.CreateFunction.Runtime': always('nodejs24.x'),
  'lambda.CreateFunction.Tags': always({ a: 'b' }),
  'lambda.FunctionName': functionForms,
  'lambda.FunctionVersion': always('1'),
  'lambda.Invoke.InvocationType': always('DryRun'),
  'lambda.ListFunctions.FunctionVersion': always('ALL'),
  'lambda.Name': thing(({ functionAlias }) => functionAlias),
  'lambda.Principal': always('secretsmanager.amazonaws.com'),
  'lambda.Qualifier': thing(({ functionAlias }) => functionAlias),
  'lambda.ReservedConcurrentExecutions': always(1),
  'lambda.Resource': thing(({ functionArn }) => functionArn),
  'lambda.Role': thing(({ roleArn }) => roleArn),
  'lambda.StatementId': always('statement'),
  'lambda.Tags': always({ a: 'b' }),
  'lambda.UpdateFunctionCode.ZipFile': always(ECHO.toString('base64')),

  'organizations.AccountName': always('name'),
  'organizations.CreateAccountRequestId': always(`car-${'0'.repeat(32)}`),
  'organizations.Email': always('name@example.com'),

  'rds.DBClusterIdentifier': databaseForms('cluster'),
  'rds.DBInstanceIdentifier': databaseForms('db'),
  'rds.CreateDBInstance.DBInstanceClass': always('db.external'),
  'rds.Engine': always('postgres'),
  'rds.MasterUserPassword': always('long-enough'),
  'rds.ModifyDBInstance.MasterUserPassword': always('long-enough'),
  'rds.ModifyDBCluster.MasterUserPassword': always('long-enough'),
  'rds.DeleteDBInstance.SkipFinalSnapshot': always(true),
  'rds.DeleteDBCluster.SkipFinalSnapshot': always(true),
  'rds.ResourceName': thing(({ account, database }) => `arn:aws:rds:eu-central-1:${account}:db:${database}`),

  'secretsmanager.BatchGetSecretValue.SecretIdList': thing(({ secret }) => [secret]),
  'secretsmanager.AddReplicaRegions': always([{ Region: 'eu-west-1' }]),
  'secretsmanager.RemoveReplicaRegions': always(['eu-west-1']),
  'secretsmanager.CreateSecret.Name': fresh(({ user }) => user),
  'secretsmanager.PutSecretValue.ClientRequestToken': always(token('tenant')),
  'secretsmanager.PutSecretValue.SecretString': always('x'),
  'secretsmanager.UpdateSecret.Description': always('text'),
  'secretsmanager.VersionStage': always('green'),

  'ssm.Labels': always(['green']),
  'ssm.Name': parameterForms,
  'ssm.GetParameter.Name': thing(
    ({ parameterArn }) => parameterArn,
    ({ parameterArn }) => `${parameterArn}:1`,
    ({ secret }) => `/aws/reference/secretsmanager/${secret.split(':').at(-1)!.slice(0, -7)}`,
    ({ account, secret }) =>
      `arn:aws:ssm:eu-central-1:${account}:parameter/aws/reference/secretsmanager/${secret.split(':').at(-1)!.slice(0, -7)}`,
  ),
  'ssm.GetParameter.WithDecryption': always(true),
  'ssm.Names': thing(({ parameterArn }) => [parameterArn]),
  'ssm.Path': thing(({ parameterArn }) => parameterArn.replace(/^.*:parameter/, '').replace(/\/[^/]+$/, '')),
  'ssm.Policy': always(RESOURCE_POLICY),
  'ssm.PolicyHash': always('0'.repeat(64)),
  'ssm.PolicyId': always('11111111-1111-4111-8111-111111111111'),
  'ssm.PutParameter.KeyId': keyForms,
  'ssm.PutParameter.Overwrite': always(true),
  'ssm.PutParameter.Tier': always('Advanced'),
  'ssm.PutParameter.Type': always('SecureString'),
  'ssm.ResourceArn': thing(({ parameterArn }) => parameterArn),
  'ssm.ResourceId': parameterForms,
  'ssm.ResourceType': always('Parameter'),
  'ssm.UnlabelParameterVersion.ParameterVersion': always(1),
  'ssm.Value': always('x'),

  'strongroom.Account': thing(({ account }) => account),
  'strongroom.Authorization': always('no token'),
  'strongroom.Action': always('secretsmanager:GetSecretValue'),
  'strongroom.ChangedAt': always(1),
  'strongroom.Create': always(true),
  'strongroom.Keys': always('{"keys":[]}'),
  'strongroom.CreatedAt': always(1),
  'strongroom.associationId': thing(({ associationId }) => associationId),
  'strongroom.clusterName': always('production'),
  'strongroom.namespace': always('payments'),
  'strongroom.roleArn': thing(({ roleArn }) => roleArn),
  'strongroom.serviceAccount': always('worker'),
  'strongroom.Overwrite': always(false),
  'strongroom.Engine': always('postgres'),
  'strongroom.Host': always('localhost'),
  'strongroom.Identifier': thing(
    ({ database }) => database,
    ({ account, database }) => `arn:aws:rds:eu-central-1:${account}:db:${database}`,
  ),
  'strongroom.RegisterDatabase.Identifier': always('registered'),
  'strongroom.MasterUserPassword': always('long-enough'),
  'strongroom.MasterUsername': always('master'),
  'strongroom.Port': always(5432),
  'strongroom.RegisterDatabase.SkipLogin': always(true),
  'strongroom.PrincipalArn': thing(({ userArn }) => userArn),
  'strongroom.Resource': thing(({ secret }) => secret),
  'strongroom.PrimaryArn': thing(({ secret }) => secret.replace(/^(arn:aws:secretsmanager:)[^:]+/, '$1ap-south-1')),
  'strongroom.PutReplica.Tags': always([]),
  'strongroom.Revision': always(1),
  'strongroom.Versions': always([]),
  'sts.EncodedMessage': always('x'),
  'sts.Name': always('federated'),
  'sts.WebIdentityToken': always('no token'),

  'strongroom.advance': always('PT0S'),
}

test('another account learns nothing of what there is, and changes nothing of it', async (t) => {
  const server = await startTestServer(t, { functionSandbox: 'C' })
  const theirs = await createThings(t, server, await administratorOf(server, 'owner'), THEIRS)
  // Two callers whose accounts are alike: one asks for what exists, the other for what does not.
  const tenant = async (): Promise<Tenant> => {
    const caller = await administratorOf(server, 'caller')
    return { ...caller, things: await createThings(t, server, caller, 'own') }
  }
  const [one, two] = [await tenant(), await tenant()]
  // Last uses of keys are written a second later.
  await server.app.keyUses.flush()
  const rowsOfTheirs = await rowsOf(t, server, theirs.account)
  const before = await rowsOfTheirs()

  const tried: string[] = []
  const unknown: string[] = []
  for (const { service, operation } of inOrder(services)) {
    const name = `${service.name}.${operation.name}`
    const members = membersOf(name, operation)
    unknown.push(...members.filter(({ sample }) => sample === undefined).map(({ member }) => `${name}.${member}`))
    if (unknown.length > 0) continue
    // Both callers see what a job makes of what they asked for.
    if (name === 'iam.GetCredentialReport') await server.jobs.runDue()
    const inputOf = (
      { things }: Tenant,
      tried?: { readonly member: string; readonly value: unknown },
    ): { readonly [member: string]: unknown } =>
      Object.fromEntries(
        members.map(({ member, sample }) => [
          member,
          member === tried?.member ? tried.value : ownValue(sample!, things),
        ]),
      )
    const things = members.filter(({ sample }) => 'forms' in sample!)
    for (const { member, sample } of things) {
      for (const value of 'forms' in sample! ? sample.forms(theirs) : []) {
        const existing = await ask(server, one, service, operation, inputOf(one, { member, value }))
        const absent = await ask(server, two, service, operation, inputOf(two, { member, value: absentOf(value) }))
        const where = `${name} with ${member} ${JSON.stringify(value)}`
        assert.equal(alike(existing, one, theirs), alike(absent, two, theirs), where)
        tried.push(where)
      }
    }
    if (things.length === 0) {
      const { text } = await ask(server, one, service, operation, inputOf(one))
      for (const mark of [theirs.account, THEIRS, ...theirs.marks]) {
        assert.ok(!text.includes(mark), `${name} answers with ${mark}: ${text}`)
      }
      await ask(server, two, service, operation, inputOf(two))
    }
    assert.deepEqual(await rowsOfTheirs(), before, `${name} changed rows of the other account`)
  }
  assert.deepEqual(unknown, [], 'MEMBERS must say what these are')
  t.diagnostic(`${tried.length} calls in the place of another account`)

  const trails = await Promise.all([eventsOf(server, one), eventsOf(server, two)])
  const [ofOne, ofTwo] = [
    trails[0]!.map((event) => alike(event, one, theirs)),
    trails[1]!.map((event) => alike(event, two, theirs)),
  ]
  assert.deepEqual(ofOne.sort(), ofTwo.sort())
  assert.ok(ofOne.length > tried.length)
})

type Tenant = Caller & { readonly things: Things }
type Answer = { readonly status: number; readonly headers: object; readonly text: string }
type Operation = { readonly service: Service; readonly operation: AnyOperation }

/** What makes things comes last, so that until then nobody has any of the names. */
function inOrder(all: readonly Service[]): readonly Operation[] {
  // What a stream tells of other accounts is for strongroom/operations/read-events.test.ts.
  const operations = all.flatMap((service) =>
    service.operations.filter(({ stream }) => stream === undefined).map((operation) => ({ service, operation })),
  )
  const makes = ({ operation }: Operation) => Number(operation.name.startsWith('Create'))
  return operations.toSorted((a, b) => makes(a) - makes(b))
}

function membersOf(name: string, { input }: AnyOperation) {
  const [service] = name.split('.')
  return Object.entries(input).flatMap(([member, shape]) => {
    const special = MEMBERS[`${name}.${member}`]
    const sample = special ?? MEMBERS[`${service}.${member}`] ?? MEMBERS[member]
    const sent = !isOptional(shape) || special !== undefined || (sample !== undefined && 'forms' in sample)
    return sent ? [{ member, sample }] : []
  })
}

const ownValue = (sample: Sample, things: Things): unknown =>
  'value' in sample ? sample.value : sample.forms(things)[0]

/** The same id of something that was never there: another name, or an access key or account that differs in its last character. */
function absentOf(value: unknown): unknown {
  const text = JSON.stringify(value)
  const renamed = text
    .replaceAll(THEIRS, ABSENT)
    .replace(/(?<=")A[KS]IA[A-Z2-7]+(?=")/, absentKey)
    .replace(/(?<=")\d{12}(?=")/, absentAccount)
    .replace(/(?<=["/])[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=")/, absentHex)
    .replace(/(?<=")[0-9a-f]{64}(?=")/, absentHex)
    .replace(/(?<=")a-[a-z2-7]{17}(?=")/, absentAssociation)
  assert.notEqual(renamed, text, `${text} does not tell whose it is`)
  return JSON.parse(renamed)
}

const absentKey = (id: string): string => id.slice(0, -1) + (id.endsWith('A') ? 'B' : 'A')
const absentAssociation = (id: string): string => id.slice(0, -1) + (id.endsWith('a') ? 'b' : 'a')
const absentHex = (id: string): string => id.slice(0, -1) + (id.endsWith('0') ? '1' : '0')
const absentAccount = (id: string): string => id.slice(0, -1) + (id.endsWith('0') ? '1' : '0')

/** An answer, or an event, without what may differ: who asked, what was asked for, when, and what is random. */
function alike(value: object, { account, things, credentials }: Tenant, theirs: Things): string {
  const known: readonly (readonly [string, string])[] = [
    [account, 'CALLER'],
    [theirs.account, 'ACCOUNT'],
    [absentAccount(theirs.account), 'ACCOUNT'],
    [things.accountAlias, 'OWN-ALIAS'],
    [theirs.accessKeyId, 'KEY'],
    [absentKey(theirs.accessKeyId), 'KEY'],
    [credentials.accessKeyId, 'OWN-KEY'],
    [things.accessKeyId, 'OWN-THINGS-KEY'],
    [theirs.associationId, 'ASSOCIATION'],
    [absentAssociation(theirs.associationId), 'ASSOCIATION'],
    [things.associationId, 'OWN-ASSOCIATION'],
    [THEIRS, 'NAME'],
    [ABSENT, 'NAME'],
  ]
  return known
    .reduce((text, [from, to]) => text.replaceAll(from, to), JSON.stringify(value))
    .replaceAll(/\b(AIDA|AROA|AGPA|ANPA|AKIA|ASIA)[A-Z2-7]{12,17}\b/g, '$1')
    .replaceAll(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'UUID')
    .replaceAll(/\b[0-9a-f]{64}\b/g, 'HEX')
    .replaceAll(/(:secret:(?:new-)?(?:own|NAME)-[a-z]+)-[A-Za-z0-9]{6}\b/g, '$1')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+0000)/g, 'TIME')
    .replaceAll(/(Date\\?"|Time\\?"):\d+(\.\d+)?/g, '$1:TIME')
    .replaceAll(/<(SecretAccessKey|Base32StringSeed|QRCodePNG)>[^<]+/g, '<$1>')
}

async function ask(
  { app, url, region }: TestServer,
  { credentials, account }: Caller,
  { name, signingName = name, protocol, targetPrefixes, version }: Service,
  operation: AnyOperation,
  input: { readonly [member: string]: unknown },
): Promise<Answer> {
  if (protocol === 'rest-json') {
    const { status, headers, body } = await signedRestCall(url, name, operation, { ...input }, { credentials, region })
    return { status, headers: keptOf(app, account, headers), text: JSON.stringify(body) ?? '' }
  }
  const path = operation.path ?? ''
  if (operation.pathMember !== undefined) return askUnsigned(url, operation, input)
  const target = operation.path === undefined ? `${targetPrefixes?.[0]}.${operation.name}` : undefined
  const { status, headers, body } =
    protocol === 'query'
      ? await signedCall(url, signingName, undefined, form(operation.name, version!, input), {
          credentials,
          region,
          contentType: 'application/x-www-form-urlencoded',
        })
      : await signedCall(url + path, signingName, target, input, { credentials, region })
  return {
    status,
    headers: keptOf(app, account, headers),
    text: typeof body === 'string' ? body : JSON.stringify(body),
  }
}

const keptOf = (app: TestServer['app'], account: string, headers: Headers) =>
  [...headers].flatMap(([header, value]) => {
    if (header === 'x-amzn-requestid' || header === 'date') return []
    return header === MESSAGE_HEADER ? [[header, value.length, decodedFor(app, account, value)]] : [[header, value]]
  })

/** What has its proof in a header, and names its account in the path. */
async function askUnsigned(
  url: string,
  { path, pathMember, headers = {} }: AnyOperation,
  input: { readonly [member: string]: unknown },
): Promise<Answer> {
  const given = Object.entries(headers).map(([member, name]) => [name!, String(input[member])] as const)
  const response = await fetch(`${url}${path}${input[pathMember!]}`, { headers: Object.fromEntries(given) })
  const kept = [...response.headers].filter(([header]) => header !== 'x-amzn-requestid' && header !== 'date')
  return { status: response.status, headers: kept, text: await response.text() }
}

const MESSAGE_HEADER = 'x-strongroom-authorization-message'

/** `A.member.1.B=...`: AWS Query. */
function form(action: string, version: string, input: object): string {
  const parameters = new URLSearchParams({ Action: action, Version: version })
  const add = (name: string, value: unknown): void => {
    if (Array.isArray(value)) for (const [at, item] of value.entries()) add(`${name}.member.${at + 1}`, item)
    else if (typeof value === 'object') for (const [key, item] of Object.entries(value!)) add(`${name}.${key}`, item)
    else parameters.set(name, String(value))
  }
  for (const [name, value] of Object.entries(input)) add(name, value)
  return parameters.toString()
}

const administratorOf = (server: TestServer, userName: string): Promise<Caller> =>
  createCaller(server, userName, [{ Effect: 'Allow', Action: '*', Resource: '*' }], 'new')

/** Made through the API, as its administrator would. */
async function createThings(t: TestContext, server: TestServer, caller: Caller, word: string): Promise<Things> {
  const iam = iamClient(t, server, caller.credentials)
  const names = {
    user: `${word}-user`,
    group: `${word}-group`,
    role: `${word}-role`,
    inlinePolicy: `${word}-inline`,
  }
  const [UserName, GroupName, RoleName] = [names.user, names.group, names.role]
  const secret = await server.call(
    'secretsmanager',
    'CreateSecret',
    {
      Name: `${word}-secret`,
      SecretString: `${word} value`,
      ClientRequestToken: token(),
      Tags: [{ Key: word, Value: word }],
    },
    caller,
  )
  const ResourcePolicy = policyDocument({
    Effect: 'Allow',
    Principal: { AWS: caller.account },
    Action: 'secretsmanager:*',
    Resource: '*',
  })
  await server.call('secretsmanager', 'PutResourcePolicy', { SecretId: secret.body.ARN, ResourcePolicy }, caller)
  const user = await iam.send(new CreateUserCommand({ UserName }))
  const group = await iam.send(new CreateGroupCommand({ GroupName }))
  const role = await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: TRUST }))
  const { body: made } = await server.call('kms', 'CreateKey', { Tags: [{ TagKey: word, TagValue: word }] }, caller)
  const { KeyId, Arn: keyArn } = made.KeyMetadata
  const alias = `alias/${word}-alias`
  await server.call('kms', 'CreateAlias', { AliasName: alias, TargetKeyId: KeyId }, caller)
  const grant = await server.call(
    'kms',
    'CreateGrant',
    { KeyId, GranteePrincipal: caller.account, Operations: ['Encrypt'], RetiringPrincipal: user.User!.Arn! },
    caller,
  )
  const functionName = `${word}-function`
  const functionAlias = `${word}-alias`
  const createFunction = { Runtime: 'nodejs24.x' as const, Handler: 'index.handler', Code: { ZipFile: ECHO } }
  const lambda = lambdaClient(t, server, caller.credentials)
  const fn = await lambda.createFunction({
    ...createFunction,
    FunctionName: functionName,
    Role: role.Role!.Arn!,
    Publish: true,
    Tags: { [word]: word },
    Environment: { Variables: { NAME: word } },
  })
  await lambda.createAlias({ FunctionName: functionName, Name: functionAlias, FunctionVersion: '1' })
  const policy = await iam.send(new CreatePolicyCommand({ PolicyName: `${word}-managed`, PolicyDocument: POLICY }))
  const key = await iam.send(new CreateAccessKeyCommand({ UserName }))
  const provider = await iam.createOpenIDConnectProvider({ Url: `https://${word}.example.com` })
  const device = await iam.createVirtualMFADevice({ VirtualMFADeviceName: `${word}-device` })
  const associated = await callAssociations(
    { url: server.url, credentials: caller.credentials },
    'CreatePodIdentityAssociation',
    {
      OpenIDConnectProviderArn: provider.OpenIDConnectProviderArn!,
      clusterName: word,
      namespace: 'payments',
      serviceAccount: 'api',
      roleArn: role.Role!.Arn!,
    },
  )
  const Name = `/${word}/parameter`
  const parameter = {
    Name,
    Value: `${word} value`,
    Type: 'SecureString',
    Tier: 'Advanced',
    Tags: [{ Key: word, Value: word }],
  }
  await server.call('ssm', 'PutParameter', parameter, caller)
  const parameterArn = `arn:aws:ssm:${server.region}:${caller.account}:parameter${Name}`
  const Policy = policyDocument({
    Effect: 'Allow',
    Principal: { AWS: caller.account },
    Action: 'ssm:*',
    Resource: '*',
  })
  await server.call('ssm', 'PutResourcePolicy', { ResourceArn: parameterArn, Policy }, caller)
  const database = `${word}-database`
  for (const Cluster of [false, true]) {
    const { status, body } = await askDatabases(
      server,
      'register',
      {
        Identifier: database,
        Cluster,
        Engine: 'postgres',
        Host: 'localhost',
        Port: 5432,
        MasterUsername: word,
        MasterUserPassword: `${word}-password`,
        SkipLogin: true,
      },
      caller.credentials,
    )
    assert.equal(status, 200, JSON.stringify(body))
  }
  const PolicyArn = policy.Policy!.Arn!
  const accountAlias = `${word}-${key.AccessKey!.AccessKeyId!.toLowerCase()}`
  await iam.createAccountAlias({ AccountAlias: accountAlias })
  await iam.send(new AddUserToGroupCommand({ UserName, GroupName }))
  await iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn }))
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: names.inlinePolicy, PolicyDocument: POLICY }))
  return {
    account: caller.account,
    secret: secret.body.ARN,
    ...names,
    policyArn: PolicyArn,
    roleArn: role.Role!.Arn!,
    provider: provider.OpenIDConnectProviderArn!,
    device: device.VirtualMFADevice!.SerialNumber!,
    accessKeyId: key.AccessKey!.AccessKeyId!,
    userArn: user.User!.Arn!,
    keyArn,
    alias,
    accountAlias,
    grantId: grant.body.GrantId,
    functionArn: fn.FunctionArn!.slice(0, -2),
    functionAlias,
    database,
    parameterArn,
    associationId: associated.body.association.associationId,
    marks: [
      fn.RevisionId!,
      KeyId,
      grant.body.GrantId,
      secret.body.ARN.slice(-6),
      user.User!.UserId!,
      group.Group!.GroupId!,
      role.Role!.RoleId!,
      policy.Policy!.PolicyId!,
      key.AccessKey!.AccessKeyId!,
    ],
  }
}

/** Every event of an account, in the Region of the calls and in that of the global services. */
async function eventsOf(server: TestServer, { credentials }: Caller): Promise<readonly object[]> {
  const events: object[] = []
  for (const region of [server.region, 'us-east-1']) {
    let NextToken: string | undefined
    do {
      const page = await server.call('cloudtrail', 'LookupEvents', { NextToken }, { credentials, region })
      assert.equal(page.status, 200)
      for (const { CloudTrailEvent } of page.body.Events) {
        // The look-ups for this very list are not of the list.
        if (JSON.parse(CloudTrailEvent).eventName !== 'LookupEvents') events.push(JSON.parse(CloudTrailEvent))
      }
      NextToken = page.body.NextToken
    } while (NextToken !== undefined)
  }
  return events
}

/** Reads every row that an account owns, but for the days of last use and counts of its own calls, straight from the database. */
async function rowsOf(t: TestContext, { app, dataDir, databaseUrl }: TestServer, account: string) {
  const sql: RawSql =
    app.database.dialect === 'sqlite'
      ? openSqliteFile(t, join(dataDir, 'strongroom.db'))
      : await openPostgresUrl(t, databaseUrl)
  const tables = [...(await sql.tables())].filter(([table]) => !/^(audit_|call_count$)/.test(table))
  const owned = (row: Row): boolean => Object.values(row).some((cell) => String(cell).includes(account))
  return async (): Promise<readonly string[]> => {
    const rows: string[] = []
    for (const [table, { columns }] of tables) {
      const kept = columns.filter((column) => !/^(used_|accessed_day)/.test(column)).join(', ')
      for (const row of await sql.query(`SELECT ${kept} FROM ${table}`)) {
        if (owned(row)) rows.push(`${table} ${JSON.stringify(row)}`)
      }
    }
    return rows.sort()
  }
}
