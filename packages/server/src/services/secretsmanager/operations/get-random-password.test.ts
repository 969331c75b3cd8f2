// GetRandomPassword through the server: every parameter has its effect, and the password is nowhere but in the answer.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GetRandomPasswordCommand, type GetRandomPasswordRequest } from '@aws-sdk/client-secrets-manager'
import { startTestServer } from '../../../testing.ts'
import { events } from '../testing.ts'

test('each parameter shapes the password', async (t) => {
  const { secretsManager: client } = await startTestServer(t)
  const generate = async (input: GetRandomPasswordRequest = {}): Promise<string> =>
    (await client.send(new GetRandomPasswordCommand(input))).RandomPassword as string

  assert.match(await generate(), /^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])(?=.*[!-/:-@[-`{-~])[!-~]{32}$/)
  assert.equal((await generate({ PasswordLength: 4096 })).length, 4096)
  assert.match(await generate({ PasswordLength: 500, ExcludeNumbers: true }), /^[^0-9]{500}$/)
  assert.match(await generate({ PasswordLength: 500, ExcludePunctuation: true }), /^[a-zA-Z0-9]{500}$/)
  assert.match(await generate({ PasswordLength: 500, ExcludeUppercase: true }), /^[^A-Z]{500}$/)
  assert.match(await generate({ PasswordLength: 500, ExcludeLowercase: true }), /^[^a-z]{500}$/)
  assert.match(await generate({ PasswordLength: 500, ExcludeCharacters: 'aeiou"\'\\' }), /^[^aeiou"'\\]{500}$/)
  assert.match(await generate({ IncludeSpace: true, PasswordLength: 5 }), / /)
  assert.match(await generate({ RequireEachIncludedType: false, PasswordLength: 1 }), /^[!-~]$/)
  assert.notEqual(await generate(), await generate())
})

test('rules that no password meets, and lengths out of range, are refused', async (t) => {
  const { secretsManager: client } = await startTestServer(t)
  for (const input of [
    { PasswordLength: 3 },
    { ExcludeNumbers: true, ExcludePunctuation: true, ExcludeUppercase: true, ExcludeLowercase: true },
  ]) {
    await assert.rejects(client.send(new GetRandomPasswordCommand(input)), { name: 'InvalidParameterException' })
  }
  for (const [PasswordLength, constraint] of [
    [0, 'Member must have value greater than or equal to 1'],
    [4097, 'Member must have value less than or equal to 4096'],
  ] as const) {
    await assert.rejects(client.send(new GetRandomPasswordCommand({ PasswordLength })), {
      name: 'ValidationException',
      message: `1 validation error detected: Value '${PasswordLength}' at 'passwordLength' failed to satisfy constraint: ${constraint}`,
    })
  }
})

test('the trail tells the rules and not the password', async (t) => {
  const server = await startTestServer(t)
  const { RandomPassword } = await server.secretsManager.send(
    new GetRandomPasswordCommand({ PasswordLength: 40, ExcludePunctuation: true }),
  )
  const [record] = await events(server, 'GetRandomPassword')
  assert.deepEqual(record?.requestParameters, { passwordLength: 40, excludePunctuation: true })
  assert.equal(record?.responseElements, null)
  assert.ok(!JSON.stringify(record).includes(RandomPassword as string))
})
