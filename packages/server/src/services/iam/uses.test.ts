import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Identity } from '../../call.ts'
import { startIam, TRUSTS_LAMBDA } from './testing.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

test('a role was last used when a session of it last asked for something, to a quarter of an hour', async (t) => {
  const { server, iam, account } = await startIam(t)
  const { Role } = await iam.createRole({ RoleName: 'r', AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  const roleId = Role!.RoleId!
  const session: Identity = {
    accessKeyId: 'ASIAEXAMPLE',
    account,
    kind: 'role-session',
    userId: `${roleId}:s`,
    arn: `arn:aws:sts::${account}:assumed-role/r/s`,
    session: {
      issuedAt: 0,
      expiresAt: 0,
      role: { arn: Role!.Arn!, roleId, roleName: 'r' },
      tags: {},
      transitiveTagKeys: [],
      chain: 1,
      context: {},
    },
  }
  const { app } = server
  const shown = async () => (await iam.getRole({ RoleName: 'r' })).Role!.RoleLastUsed
  const note = (region: string) => app.uses.note(session, { usedAt: app.now(), service: 'secretsmanager', region })
  assert.deepEqual(await shown(), {})

  const at = new Date(Math.floor(app.now() / 1000) * 1000)
  note('eu-west-1')
  const first = await shown()
  assert.equal(first!.Region, 'eu-west-1')
  assert.ok(first!.LastUsedDate!.getTime() >= at.getTime())
  await app.uses.flush()
  assert.deepEqual(await shown(), first)

  server.clock.advance(14 * MINUTE)
  note('eu-west-2')
  assert.deepEqual(await shown(), first)
  server.clock.advance(2 * MINUTE)
  note('eu-west-3')
  await app.uses.flush()
  assert.equal((await shown())!.Region, 'eu-west-3')

  server.clock.advance(401 * DAY)
  assert.deepEqual(await shown(), {})
})
