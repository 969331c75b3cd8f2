import assert from 'node:assert/strict'
import { test } from 'node:test'
import { events } from '../../secretsmanager/testing.ts'
import { notAllowed, policyDocument, refusal, startIam, TRUSTS_LAMBDA, trusting } from '../testing.ts'

const role = (RoleName: string) => ({ RoleName, AssumeRolePolicyDocument: TRUSTS_LAMBDA })
const malformed = (message: string) => refusal('MalformedPolicyDocument', 400, message)

test('a role is made with all that it may have from the start', async (t) => {
  const { server, iam, account } = await startIam(t)
  const PermissionsBoundary = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
  const AssumeRolePolicyDocument = trusting({ AWS: [account, `arn:aws:iam::${account}:user/administrator`] })
  const { Role } = await iam.createRole({
    RoleName: 'Deploy',
    Path: '/team/blue/',
    AssumeRolePolicyDocument,
    Description: 'Déploie\n',
    MaxSessionDuration: 43_200,
    PermissionsBoundary,
    Tags: [{ Key: 'Team', Value: 'blue' }],
  })
  assert.match(Role!.RoleId!, /^AROA[A-Z2-7]{17}$/)
  assert.ok(Math.abs(Role!.CreateDate!.getTime() - Date.now()) < 60_000)
  assert.deepEqual(Role, {
    Path: '/team/blue/',
    RoleName: 'Deploy',
    RoleId: Role!.RoleId,
    Arn: `arn:aws:iam::${account}:role/team/blue/Deploy`,
    CreateDate: Role!.CreateDate,
    AssumeRolePolicyDocument: Role!.AssumeRolePolicyDocument,
    Description: 'Déploie\n',
    MaxSessionDuration: 43_200,
    PermissionsBoundary: {
      PermissionsBoundaryType: 'PermissionsBoundaryPolicy',
      PermissionsBoundaryArn: PermissionsBoundary,
    },
    Tags: [{ Key: 'Team', Value: 'blue' }],
  })
  assert.match(Role!.AssumeRolePolicyDocument!, /^%7B%22Version%22%3A%222012-10-17%22%2C[\w%.-]+%7D$/)
  assert.equal(decodeURIComponent(Role!.AssumeRolePolicyDocument!), AssumeRolePolicyDocument)
  assert.deepEqual((await iam.getRole({ RoleName: 'dEPLOY' })).Role, { ...Role, RoleLastUsed: {} })

  const [event] = await events(server, 'CreateRole')
  assert.equal(event!.requestParameters!.assumeRolePolicyDocument, AssumeRolePolicyDocument)
  assert.equal((event!.responseElements!.role as { readonly roleId: string }).roleId, Role!.RoleId)
})

test('a role has a session of an hour at most unless it says otherwise', async (t) => {
  const { iam } = await startIam(t)
  assert.equal((await iam.createRole(role('r'))).Role!.MaxSessionDuration, 3_600)
})

test('what IAM refuses is refused in its codes and words', async (t) => {
  const { iam, account } = await startIam(t)
  await iam.createRole({ ...role('taken'), Path: '/team/' })
  const exists = refusal('EntityAlreadyExists', 409, 'Role with name TAKEN already exists.')
  await assert.rejects(iam.createRole(role('TAKEN')), exists)
  const reserved = "Path prefix '/aws-service-role/' can only be used for AWS Service linked Roles"
  const Path = '/aws-service-role/lambda.amazonaws.com/'
  await assert.rejects(iam.createRole({ ...role('r'), Path }), refusal('InvalidInput', 400, reserved))
  const failed = 'failed to satisfy constraint: Member must have value'
  for (const [MaxSessionDuration, limit] of [
    [3_599, 'greater than or equal to 3600'],
    [43_201, 'less than or equal to 43200'],
  ] as const) {
    const message = `1 validation error detected: Value '${MaxSessionDuration}' at 'maxSessionDuration' ${failed} ${limit}`
    await assert.rejects(iam.createRole({ ...role('r'), MaxSessionDuration }), refusal('ValidationError', 400, message))
  }
  const boundary = `arn:aws:iam::${account}:policy/none`
  await assert.rejects(
    iam.createRole({ ...role('r'), PermissionsBoundary: boundary }),
    refusal('NoSuchEntity', 404, `Scope ARN: ${boundary} does not exist or is not attachable.`),
  )
  await assert.rejects(
    iam.createRole({
      ...role('r'),
      Tags: [
        { Key: 'a', Value: '1' },
        { Key: 'A', Value: '2' },
      ],
    }),
    refusal('InvalidInput', 400, 'Duplicate tag keys found. Please note that Tag keys are case insensitive.'),
  )

  const put = (AssumeRolePolicyDocument: string) => iam.createRole({ RoleName: 'r', AssumeRolePolicyDocument })
  await assert.rejects(put('{'), malformed('Syntax errors in policy.'))
  await assert.rejects(
    put(policyDocument({ Effect: 'Allow', Action: 's3:*', Resource: '*' })),
    (error: Error) => error.name === 'MalformedPolicyDocumentException',
  )
  const long = trusting({ Service: Array.from({ length: 200 }, (_, i) => `s${i}.lambda.amazonaws.com`) })
  await assert.rejects(put(long), refusal('LimitExceeded', 409, 'Cannot exceed quota for ACLSizePerRole: 4096'))
  for (const principal of [
    `arn:aws:iam::${account}:user/nobody`,
    `arn:aws:iam::${account}:user/team/administrator`,
    `arn:aws:iam::${account}:user/Administrator`,
    `arn:aws:iam::${account}:role/r`,
    `arn:aws:sts::${account}:assumed-role/none/session`,
    'arn:aws:iam::999999999999:root',
    'AROAAAAAAAAAAAAAAAAAA',
  ]) {
    await assert.rejects(
      put(trusting({ AWS: principal })),
      malformed(`Invalid principal in policy: "AWS":"${principal}"`),
    )
  }
  assert.equal((await iam.listRoles({})).Roles!.length, 1)
})

test('it asks for iam:CreateRole on the role to be, with its boundary and tags, and for iam:TagRole where there are tags', async (t) => {
  const { account, clientOf } = await startIam(t)
  const boundary = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
  const arn = `arn:aws:iam::${account}:role/team/r`
  const creator = await clientOf('creator', {
    Effect: 'Allow',
    Action: 'iam:CreateRole',
    Resource: `arn:aws:iam::${account}:role/team/*`,
    Condition: { StringEquals: { 'iam:PermissionsBoundary': boundary } },
  })
  const refused = (action: string, shown: string) => notAllowed(`arn:aws:iam::${account}:user/creator`, action, shown)
  const Path = '/team/'
  await assert.rejects(creator.createRole({ ...role('r'), Path }), refused('iam:CreateRole', arn))
  const PermissionsBoundary = boundary
  const elsewhere = `arn:aws:iam::${account}:role/r`
  await assert.rejects(creator.createRole({ ...role('r'), PermissionsBoundary }), refused('iam:CreateRole', elsewhere))
  const Tags = [{ Key: 'Team', Value: 'blue' }]
  await assert.rejects(
    creator.createRole({ ...role('r'), Path, PermissionsBoundary, Tags }),
    refused('iam:TagRole', arn),
  )
  await creator.createRole({ ...role('r'), Path, PermissionsBoundary })
})

test('a shared identity provider is trusted only with a claim that tells its tenants apart', async (t) => {
  const { iam, account } = await startIam(t)
  const trust = (issuer: string, Condition?: object) =>
    policyDocument({
      Effect: 'Allow',
      Principal: { Federated: `arn:aws:iam::${account}:oidc-provider/${issuer}` },
      Action: 'sts:AssumeRoleWithWebIdentity',
      ...(Condition && { Condition }),
    })
  const create = (RoleName: string, AssumeRolePolicyDocument: string) =>
    iam.createRole({ RoleName, AssumeRolePolicyDocument })
  const github = 'token.actions.githubusercontent.com'
  const audience = { StringEquals: { [`${github}:aud`]: 'sts.amazonaws.com' } }
  const refused = malformed(
    `The identity provider ${github} is shared by many organizations: the trust policy must evaluate ${github}:sub or ${github}:job_workflow_ref in a condition that is not only a wildcard.`,
  )
  await assert.rejects(create('a', trust(github, audience)), refused)
  await assert.rejects(create('a', trust(github, { ...audience, StringLike: { [`${github}:sub`]: '*' } })), refused)
  await assert.rejects(create('a', trust('gitlab.com')), { name: 'MalformedPolicyDocumentException' })
  await create('a', trust(github, { ...audience, StringLike: { [`${github}:sub`]: 'repo:example/app:*' } }))
  await create('b', trust('idp.example.com'))
  await assert.rejects(iam.updateAssumeRolePolicy({ RoleName: 'b', PolicyDocument: trust(github, audience) }), refused)
})
