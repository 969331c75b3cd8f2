import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import type { Run, SecretValue } from '../rotator.ts'
import { testIo } from '../testing/io.ts'
import { ConfluentDouble, DatadogDouble, startDouble } from '../testing/partners.ts'
import { confluentCloudApiKey, datadogApiKey, type Partner, partnerRotator } from './partners.ts'

const ADMIN = { adminSecretArn: 'arn' }

async function start<D extends DatadogDouble | ConfluentDouble>(t: TestContext, double: D, partner: Partner) {
  const { requests, url, authority, stop } = await startDouble(double)
  t.after(stop)
  const io = testIo({ authorities: [authority] })
  const sites: string[] = []
  const rotator = partnerRotator(partner, (site) => {
    sites.push(site)
    return url
  })
  /** As the server drives it. @returns the new value */
  const rotate = async (current: SecretValue, more: Partial<Run> = {}): Promise<SecretValue> => {
    const run: Run = { current, versionId: randomUUID(), options: {}, resumed: false, ...more }
    rotator.check(current, run.options)
    const pending = await rotator.create(run, io)
    await rotator.set({ ...run, pending }, io)
    await rotator.test({ ...run, pending }, io)
    const findings = await rotator.settle!({ ...run, pending }, io)
    assert.deepEqual(
      findings.map(({ level }) => level),
      ['ok'],
    )
    return pending
  }
  return { double, requests, io, rotator, rotate, sites }
}

test('Datadog: two keys by turns, made by the admin’s keys at the admin’s site, and what a crash left is revoked', async (t) => {
  const { double, rotate, rotator, io, sites } = await start(t, new DatadogDouble(), datadogApiKey)
  const first = double.issue('by hand')
  const with_ = { options: ADMIN, master: { ...double.admin, site: 'datadoghq.eu' } }
  const second = await rotate(first, with_)
  assert.ok(sites.every((site) => site === 'datadoghq.eu'))
  const ids = () => [...double.keys.keys()].sort()
  assert.deepEqual(ids(), [first.apiKeyId, String(second.apiKeyId)].sort())
  const third = await rotate(second, { ...with_, previous: first })
  assert.deepEqual(ids(), [String(second.apiKeyId), String(third.apiKeyId)].sort())

  const versionId = randomUUID()
  double.silent = true
  await assert.rejects(rotate(third, { ...with_, previous: second, versionId }), { kind: 'unreachable' })
  assert.equal(double.keys.size, 3)
  const fourth = await rotate(third, { ...with_, previous: second, versionId, resumed: true })
  assert.deepEqual(ids(), [String(third.apiKeyId), String(fourth.apiKeyId)].sort())

  assert.throws(() => rotator.check(first, {}), /A DatadogApiKey like this one needs the option adminSecretArn/)
  assert.throws(() => rotator.check({ apiKey: 'x' }, ADMIN), /does not fit DatadogApiKey: apiKeyId is missing/)
  const evil = { ...with_, master: { ...double.admin, site: 'evil.example' } }
  await assert.rejects(rotate(fourth, evil), /The member site of the master secret is none of datadoghq.com/)
  const wrong = { ...with_, master: { ...double.admin, adminAppKey: 'no' } }
  await assert.rejects(rotate(fourth, wrong), { kind: 'permission' })
  const [finding] = await rotator.dryRun({ current: fourth, versionId, resumed: false, ...with_ }, io)
  assert.equal(finding?.level, 'ok')
})

test('Confluent Cloud: a Cloud API key issues the next one itself, or an admin’s does', async (t) => {
  const { double, rotate } = await start(t, new ConfluentDouble(), confluentCloudApiKey)
  const serviceAccountId = 'sa-abc123'
  const first = { ...double.issue('by hand', serviceAccountId), serviceAccountId }
  const second = await rotate(first)
  const third = await rotate(second, { previous: first, options: ADMIN, master: double.admin })
  assert.deepEqual([...double.keys.keys()], [second.apiKey, third.apiKey])
  assert.equal(double.keys.get(String(third.apiKey))!.owner, serviceAccountId)
})

test('Confluent Cloud: a key of a resource is issued for it, by an admin alone', async (t) => {
  const { double, rotate, rotator } = await start(t, new ConfluentDouble(), confluentCloudApiKey)
  const whose = { serviceAccountId: 'sa-abc123', resourceId: 'lkc-1', environmentId: 'env-1' }
  const first = { ...double.issue('by hand', whose.serviceAccountId, { id: 'lkc-1' }), ...whose }
  assert.throws(() => rotator.check(first, {}), /needs the option adminSecretArn/)
  const second = await rotate(first, { options: ADMIN, master: double.admin })
  const { owner, resource } = double.keys.get(String(second.apiKey))!
  assert.deepEqual([owner, resource], ['sa-abc123', { id: 'lkc-1', environment: 'env-1' }])
  const moved = { ...second, serviceAccountId: 'sa-other' }
  const run = {
    current: first,
    pending: moved,
    versionId: randomUUID(),
    resumed: false,
    options: ADMIN,
    master: double.admin,
  }
  await assert.rejects(rotator.test(run, testIo()), /of another place/)
  // An admin makes keys of whom RotateSecret's caller saw there, and of nobody else.
  const wayOf = (value: SecretValue) => rotator.check(value, ADMIN).way
  assert.equal(wayOf(second), wayOf(first))
  for (const other of [{ serviceAccountId: 'sa-admin' }, { resourceId: 'lkc-2' }, { environmentId: '' }])
    assert.notEqual(wayOf({ ...first, ...other }), wayOf(first))
})
