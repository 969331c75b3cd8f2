import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreateUserCommand, GetUserCommand } from '@aws-sdk/client-iam'
import { startTestServer } from '../../../testing.ts'
import { createCaller, events } from '../../secretsmanager/testing.ts'
import { iamClient } from '../testing.ts'

test('a user is made with its path, boundary and tags, and found under its name in any case', async (t) => {
  const server = await startTestServer(t)
  const iam = iamClient(t, server)
  const boundary = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
  const { User } = await iam.send(
    new CreateUserCommand({
      UserName: 'Alice',
      Path: '/team/blue/',
      PermissionsBoundary: boundary,
      Tags: [
        { Key: 'Team', Value: 'blau grün' },
        { Key: 'Empty', Value: '' },
      ],
    }),
  )
  assert.match(User!.UserId!, /^AIDA[A-Z2-7]{17}$/)
  assert.ok(Math.abs(User!.CreateDate!.getTime() - Date.now()) < 60_000)
  assert.deepEqual(User, {
    Path: '/team/blue/',
    UserName: 'Alice',
    UserId: User!.UserId,
    Arn: `arn:aws:iam::${server.accountId}:user/team/blue/Alice`,
    CreateDate: User!.CreateDate,
    PermissionsBoundary: { PermissionsBoundaryType: 'PermissionsBoundaryPolicy', PermissionsBoundaryArn: boundary },
    Tags: [
      { Key: 'Team', Value: 'blau grün' },
      { Key: 'Empty', Value: '' },
    ],
  })
  assert.deepEqual((await iam.send(new GetUserCommand({ UserName: 'aLICE' }))).User, User)

  const [event] = await events(server, 'CreateUser')
  const { requestParameters, responseElements } = event!
  assert.equal(requestParameters!.userName, 'Alice')
  assert.equal((responseElements!.user as { readonly userId: string }).userId, User!.UserId)
})

test('what IAM refuses is refused in its codes and words', async (t) => {
  const server = await startTestServer(t)
  const iam = iamClient(t, server)
  await iam.send(new CreateUserCommand({ UserName: 'alice', Path: '/team/' }))
  const tag = (Key: string) => ({ Key, Value: 'v' })
  const length = (max: number) => `failed to satisfy constraint: Member must have length less than or equal to ${max}`
  for (const [input, name, status, message] of [
    [{ UserName: 'ALICE' }, 'EntityAlreadyExists', 409, 'User with name ALICE already exists.'],
    [
      { UserName: 'a b' },
      'ValidationError',
      400,
      'The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-',
    ],
    [
      { UserName: 'x'.repeat(65) },
      'ValidationError',
      400,
      `1 validation error detected: Value '${'x'.repeat(65)}' at 'userName' ${length(64)}`,
    ],
    [
      { UserName: 'b', Path: 'team/' },
      'ValidationError',
      400,
      'The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.',
    ],
    [
      { UserName: 'b', PermissionsBoundary: 'arn:aws:iam::aws:policy/Nothing' },
      'NoSuchEntity',
      404,
      'Scope ARN: arn:aws:iam::aws:policy/Nothing does not exist or is not attachable.',
    ],
    [
      { UserName: 'b', PermissionsBoundary: 'arn:aws:s3:::a-bucket-name' },
      'InvalidInput',
      400,
      'ARN arn:aws:s3:::a-bucket-name is not valid.',
    ],
    [
      { UserName: 'b', Tags: [tag('Team'), tag('team')] },
      'InvalidInput',
      400,
      'Duplicate tag keys found. Please note that Tag keys are case insensitive.',
    ],
    [
      { UserName: 'b', Tags: [tag('AWS:x')] },
      'InvalidInput',
      400,
      'Tag keys that begin with aws: are reserved for system use.',
    ],
    [
      { UserName: 'b', Tags: [{ Key: 'k', Value: 'a|b' }] },
      'ValidationError',
      400,
      "1 validation error detected: Value 'a|b' at 'tags.1.member.value' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*",
    ],
  ] as const) {
    await assert.rejects(iam.send(new CreateUserCommand(input as never)), (error: unknown) => {
      const { $metadata, ...refusal } = error as {
        $metadata: { httpStatusCode: number }
        Error: object
        message: string
      }
      assert.equal(refusal.message, message)
      assert.equal((refusal.Error as { readonly Code: string }).Code, name)
      assert.equal($metadata.httpStatusCode, status)
      return true
    })
  }
})

test('it asks for iam:CreateUser on the ARN to be, and for iam:TagUser where there are tags', async (t) => {
  const server = await startTestServer(t)
  const Resource = `arn:aws:iam::${server.accountId}:user/team/*`
  const maker = await createCaller(server, 'maker', [{ Effect: 'Allow', Action: 'iam:CreateUser', Resource }])
  const iam = iamClient(t, server, maker.credentials)
  await iam.send(new CreateUserCommand({ UserName: 'alice', Path: '/team/' }))
  const refused = (action: string, resource: string) => ({
    name: 'AccessDenied',
    message: `User: ${maker.arn} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`,
  })
  const arn = `arn:aws:iam::${server.accountId}:user`
  await assert.rejects(iam.send(new CreateUserCommand({ UserName: 'bob' })), refused('iam:CreateUser', `${arn}/bob`))
  await assert.rejects(
    iam.send(new CreateUserCommand({ UserName: 'bob', Path: '/team/', Tags: [{ Key: 'a', Value: 'b' }] })),
    refused('iam:TagUser', `${arn}/team/bob`),
  )
  // Whether a name is taken is not told before it may be made.
  await assert.rejects(
    iam.send(new CreateUserCommand({ UserName: 'maker' })),
    refused('iam:CreateUser', `${arn}/maker`),
  )
})

test('a user of one account does not show in another, where its name is free', async (t) => {
  const server = await startTestServer(t)
  await iamClient(t, server).send(new CreateUserCommand({ UserName: 'alice' }))
  const everything = [{ Effect: 'Allow', Action: 'iam:*', Resource: '*' }]
  const stranger = await createCaller(server, 'stranger', everything, 'new')
  const iam = iamClient(t, server, stranger.credentials)
  await assert.rejects(iam.send(new GetUserCommand({ UserName: 'alice' })), { name: 'NoSuchEntityException' })
  const { User } = await iam.send(new CreateUserCommand({ UserName: 'alice' }))
  assert.equal(User!.Arn, `arn:aws:iam::${stranger.account}:user/alice`)
})
