import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IAM } from '@aws-sdk/client-iam'
import { noSuchEntity, notAllowed, refusal, startIam } from '../testing.ts'

type Asked = { readonly UserName?: string; readonly Marker?: string }
type List = (iam: IAM, asked: Asked) => Promise<readonly unknown[] | undefined>

const LISTS: readonly (readonly [operation: string, list: List])[] = [
  ['ListSSHPublicKeys', async (iam, asked) => (await iam.listSSHPublicKeys(asked)).SSHPublicKeys],
  ['ListSigningCertificates', async (iam, asked) => (await iam.listSigningCertificates(asked)).Certificates],
  [
    'ListServiceSpecificCredentials',
    async (iam, asked) => (await iam.listServiceSpecificCredentials(asked)).ServiceSpecificCredentials,
  ],
]

test('what no user of this server has is listed as nothing, of a user that is there and of the caller', async (t) => {
  const { iam, account, clientOf } = await startIam(t)
  await iam.createUser({ UserName: 'alice' })
  const stranger = await clientOf('stranger')
  for (const [operation, list] of LISTS) {
    assert.deepEqual(await list(iam, { UserName: 'alice' }), [], operation)
    assert.deepEqual(await list(iam, {}), [], operation)
    await assert.rejects(list(iam, { UserName: 'none' }), noSuchEntity('The user with name none cannot be found.'))
    await assert.rejects(list(iam, { Marker: 'none' }), refusal('ValidationError', 400, 'Invalid Marker.'))
    const refused = notAllowed(`arn:aws:iam::${account}:user/stranger`, `iam:${operation}`, 'user alice')
    await assert.rejects(list(stranger, { UserName: 'alice' }), refused)
  }
})

test('credentials of services: of all users at once, or of one; this server has no service with such', async (t) => {
  const { iam, account, clientOf } = await startIam(t)
  const { ServiceSpecificCredentials } = await iam.listServiceSpecificCredentials({ AllUsers: true })
  assert.deepEqual(ServiceSpecificCredentials, [])
  await assert.rejects(
    iam.listServiceSpecificCredentials({ AllUsers: true, UserName: 'administrator' }),
    refusal('InvalidInput', 400, 'UserName and AllUsers cannot be specified together.'),
  )
  const ServiceName = 'codecommit.amazonaws.com'
  await assert.rejects(
    iam.listServiceSpecificCredentials({ ServiceName }),
    refusal('NotSupportedService', 404, `Service ${ServiceName} has no service-specific credentials on this server.`),
  )
  const one = await clientOf('one', {
    Effect: 'Allow',
    Action: 'iam:ListServiceSpecificCredentials',
    Resource: `arn:aws:iam::${account}:user/one`,
  })
  assert.deepEqual((await one.listServiceSpecificCredentials({})).ServiceSpecificCredentials, [])
  const refused = notAllowed(`arn:aws:iam::${account}:user/one`, 'iam:ListServiceSpecificCredentials', '*')
  await assert.rejects(one.listServiceSpecificCredentials({ AllUsers: true }), refused)
})
