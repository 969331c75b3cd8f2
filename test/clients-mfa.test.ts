// MFA devices as a user of the AWS CLI has them: made, enabled with codes, shown to GetSessionToken and to AssumeRole.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { IAM } from '@aws-sdk/client-iam'
import { authenticator, earlyInStep } from '../packages/server/src/services/iam/testing-mfa.ts'
import { awsCli, hasAwsCli } from './aws-tools.ts'
import { type Credentials, makeHome, sdkOptions, startProcess } from './server-process.ts'

const policy = (...Statement: readonly object[]): string => JSON.stringify({ Version: '2012-10-17', Statement })
const BY_AGE = { NumericLessThan: { 'aws:MultiFactorAuthAge': '900' } }

type Told = { readonly AccessKeyId: string; readonly SecretAccessKey: string; readonly SessionToken?: string }

const credentialsOf = ({ AccessKeyId, SecretAccessKey, SessionToken }: Told): Credentials => ({
  accessKeyId: AccessKeyId,
  secretAccessKey: SecretAccessKey,
  ...(SessionToken !== undefined && { sessionToken: SessionToken }),
})

test('the AWS CLI enables a device, gets a session with its code, and does with it what takes a fresh code', async (t) => {
  if (!hasAwsCli()) return t.skip('the AWS CLI is not installed')
  const server = await startProcess(await makeHome(t))
  const admin = awsCli(server)
  const UserName = 'alice'
  const named = ['--user-name', UserName]
  const outfile = join(server.dataDir, 'seed')
  const device = async (name: string) => {
    const made = ['--virtual-mfa-device-name', name, '--outfile', outfile, '--bootstrap-method', 'Base32StringSeed']
    const { VirtualMFADevice } = await admin('iam', 'create-virtual-mfa-device', ...made)
    return authenticator(VirtualMFADevice.SerialNumber, readFileSync(outfile, 'utf8'))
  }
  const enable = async (name: string) => {
    const app = await device(name)
    await earlyInStep()
    const { AuthenticationCode1, AuthenticationCode2 } = app.lastTwo()
    const codes = ['--authentication-code1', AuthenticationCode1, '--authentication-code2', AuthenticationCode2]
    await admin('iam', 'enable-mfa-device', ...named, '--serial-number', app.serialNumber, ...codes)
    return app
  }

  const iam = new IAM(sdkOptions(server))
  t.after(() => iam.destroy())
  const { User } = await iam.createUser({ UserName })
  const account = User!.Arn!.split(':')[4]!
  const document = policy({ Effect: 'Allow', Action: '*', Resource: '*', Condition: BY_AGE })
  await iam.putUserPolicy({ UserName, PolicyName: 'mfa', PolicyDocument: document })
  const trust = policy({ Effect: 'Allow', Principal: { AWS: account }, Action: 'sts:AssumeRole', Condition: BY_AGE })
  await iam.createRole({ RoleName: 'Careful', AssumeRolePolicyDocument: trust })
  const { AccessKey } = await iam.createAccessKey({ UserName })
  const { AccessKeyId, SecretAccessKey } = AccessKey!
  const alice = awsCli(server, { accessKeyId: AccessKeyId!, secretAccessKey: SecretAccessKey! })
  await assert.rejects(alice('secretsmanager', 'list-secrets'), /AccessDeniedException/)

  const phone = await enable('phone')
  const shown = ['--serial-number', phone.serialNumber, '--token-code', phone.code(1)]
  const { Credentials: told } = await alice('sts', 'get-session-token', ...shown)
  await assert.rejects(alice('sts', 'get-session-token', ...shown), /with invalid MFA one time pass code\./)
  const session = awsCli(server, credentialsOf(told))
  assert.deepEqual((await session('secretsmanager', 'list-secrets')).SecretList, [])
  const { MFADevices } = await session('iam', 'list-mfa-devices')
  assert.deepEqual([MFADevices.length, MFADevices[0].SerialNumber], [1, phone.serialNumber])

  const tablet = await enable('tablet')
  const role = ['--role-arn', `arn:aws:iam::${account}:role/Careful`, '--role-session-name', 'alice']
  await assert.rejects(alice('sts', 'assume-role', ...role), /not authorized to perform: sts:AssumeRole/)
  const code = ['--serial-number', tablet.serialNumber, '--token-code', tablet.code(1)]
  const { AssumedRoleUser } = await alice('sts', 'assume-role', ...role, ...code)
  assert.match(AssumedRoleUser.Arn, /:assumed-role\/Careful\/alice$/)
})
