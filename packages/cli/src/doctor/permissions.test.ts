// What the doctor tells of rights: tried by callers who have few, on a real server; each refusal with the mend, and the mend is one.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, PutUserPolicyCommand } from '@aws-sdk/client-iam'
import { CreateKeyCommand, DisableKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { CreateSecretCommand, DeleteSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { clientOptions, run, serve, temporaryDirectory } from '../testing.ts'
import { diagnose } from './doctor.ts'
import { type Finding, formatFinding } from './finding.ts'

test('what a caller may not do is told with the statement that is missing, which mends it', async (t) => {
  const server = await serve(t)
  const options = clientOptions(server)
  const [iam, kms, client] = [new IAMClient(options), new KMSClient(options), new SecretsManagerClient(options)]
  const create = async (Name: string, KmsKeyId?: string) => {
    const command = new CreateSecretCommand({ Name, SecretString: 'hunter2', ...(KmsKeyId && { KmsKeyId }) })
    return (await client.send(command)).ARN!
  }
  const arn = await create('app/db')
  await iam.send(new CreateUserCommand({ UserName: 'app' }))
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'app' }))
  const shell = {
    PATH: '/nowhere',
    HOME: temporaryDirectory(t),
    AWS_ENDPOINT_URL: server.url,
    AWS_ACCESS_KEY_ID: AccessKey!.AccessKeyId!,
    AWS_SECRET_ACCESS_KEY: AccessKey!.SecretAccessKey!,
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    PARAMETERS_SECRETS_EXTENSION_HTTP_PORT: '1',
  }
  const allow = (...Statement: readonly object[]) =>
    iam.send(
      new PutUserPolicyCommand({
        UserName: 'app',
        PolicyName: 'p',
        PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement }),
      }),
    )
  const told = async (secret: string): Promise<readonly Finding[]> => {
    const findings = await diagnose({ dataDir: '/nowhere', secret }, shell)
    assert.ok(!JSON.stringify(findings).includes('hunter2'))
    return findings
  }
  const at = (findings: readonly Finding[], check: string): string =>
    formatFinding(findings.find((finding) => finding.check === check)!)
  const statementIn = (line: string): object => JSON.parse(/\{.*\}$/.exec(line)![0])

  const none = await told('app/db')
  assert.match(at(none, 'list'), /^warn {2}you may not list .* \(AccessDeniedException\) {2}→ attach a policy with \{/)
  assert.match(at(none, 'events'), /^warn {2}you may not follow change events .*"strongroom:ReadEvents"/)
  assert.match(at(none, 'describe'), /^warn {2}you may not describe app\/db, which applications seldom need/)
  assert.match(
    at(none, 'read'),
    /^fail {2}app\/db cannot be read \(AccessDeniedException: User: arn.*"secretsmanager:GetSecretValue"/,
  )
  const mends = ['list', 'events', 'describe', 'read'].map((check) => statementIn(at(none, check)))
  await allow(...mends)
  const mended = await told('app/db')
  for (const check of ['list', 'events', 'describe', 'read']) assert.match(at(mended, check), /^ok {4}you may /)
  assert.match(at(await told(arn), 'read'), /^ok {4}you may read arn:aws:secretsmanager/)

  const key = (await kms.send(new CreateKeyCommand({}))).KeyMetadata!.Arn!
  await create('app/keyed', key)
  await allow({ Effect: 'Allow', Action: 'secretsmanager:*', Resource: '*' })
  const keyed = at(await told('app/keyed'), 'read')
  assert.match(
    keyed,
    /^fail .*\(AccessDeniedException: Access to KMS is not allowed\) .*"Action":"kms:Decrypt","Resource":"arn:aws:kms:/,
  )
  const all = { Effect: 'Allow', Action: 'secretsmanager:*', Resource: '*' }
  await allow(all, statementIn(keyed))
  assert.match(at(await told('app/keyed'), 'read'), /^ok {4}you may read app\/keyed, and its KMS key opens it$/)
  await kms.send(new DisableKeyCommand({ KeyId: key }))
  assert.match(
    at(await told('app/keyed'), 'read'),
    /^fail .*\(DecryptionFailure: .* → see whether its KMS key is enabled/,
  )

  await allow(all, { Effect: 'Deny', Action: 'secretsmanager:GetSecretValue', Resource: '*' })
  const denied = at(await told('app/db'), 'read')
  assert.match(
    denied,
    /→ a policy denies secretsmanager:GetSecretValue: an administrator sees which by "strongroom policy explain --principal/,
  )
  const [, question] = /"strongroom (policy explain [^"]*)"/.exec(denied)!
  const administrator = {
    AWS_ENDPOINT_URL: server.url,
    AWS_SHARED_CREDENTIALS_FILE: join(server.dataDir, 'credentials'),
  }
  assert.match(
    (await run(question!.split(' '), administrator)).stdout,
    /^Denied explicitly, by the identity-based policies/,
  )
  await allow(
    all,
    { Effect: 'Deny', Action: 'secretsmanager:GetSecretValue', Resource: '*' },
    { Effect: 'Allow', Action: 'strongroom:*', Resource: '*' },
  )
  assert.match(at(await told('app/db'), 'read'), /→ Statement .* denies it: no Allow outweighs that/i)

  await allow(all)
  assert.match(at(await told('app/none'), 'read'), /^fail .*\(ResourceNotFoundException: .*→ look at its name/)
  await client.send(new DeleteSecretCommand({ SecretId: 'app/db', RecoveryWindowInDays: 7 }))
  assert.match(at(await told('app/db'), 'read'), /^fail .*\(InvalidRequestException: .*→ it may be marked for deletion/)
})
