// What the options and the environment are read as, and what is refused before anything is fetched.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { UsageError } from '../usage-error.ts'
import { type PlanOptions, readPlan } from './plan.ts'

const ARN = 'arn:aws:secretsmanager:us-east-1:111122223333:secret:app/db-AbCdEf'

test('secrets, members, parameters and paths are told apart, on the command line and in the environment', () => {
  const plan = readPlan(
    {
      env: ['A=app/db', 'B=app/db#a#b', 'C=strongroom://ssm:/app/log-level', `D=${ARN}#password`],
      envFrom: ['app/db', 'ssm:/app/prod/', 'ssm:/app/json'],
      file: ['KEY=app/key=='],
    },
    { PLAIN: 'app/db', REFERRED: 'strongroom://ssm:/app/x', NONE: undefined },
  )
  const secret = (id: string) => ({ kind: 'secret', id })
  const parameter = (id: string) => ({ kind: 'parameter', id })
  assert.deepEqual(plan, {
    base: { PLAIN: 'app/db' },
    referred: [{ name: 'REFERRED', reference: { source: parameter('/app/x') } }],
    groups: [secret('app/db'), { path: '/app/prod/' }, parameter('/app/json')],
    prefix: '',
    variables: [
      { name: 'A', reference: { source: secret('app/db') } },
      { name: 'B', reference: { source: secret('app/db'), member: 'a#b' } },
      { name: 'C', reference: { source: parameter('/app/log-level') } },
      { name: 'D', reference: { source: secret(ARN), member: 'password' } },
    ],
    files: [{ name: 'KEY', reference: { source: secret('app/key==') } }],
  })
})

test('files of variables are read in order, each over the environment and those before', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'strongroom-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const [first, second] = [join(directory, 'first'), join(directory, 'second')]
  const lines = [
    '# a comment',
    'A=1',
    'export B="two words"',
    'C=strongroom://app/db#password # why',
    'D="strongroom://app/db#a b"',
  ]
  writeFileSync(first, `${lines.join('\n')}\n`)
  writeFileSync(second, 'A=2\n')
  const { base, referred } = readPlan({ envFile: [first, second] }, { A: '0', C: '0', E: '0' })
  assert.deepEqual(base, { A: '2', B: 'two words', E: '0' })
  const source = { kind: 'secret', id: 'app/db' }
  assert.deepEqual(referred, [
    { name: 'C', reference: { source, member: 'password' } },
    { name: 'D', reference: { source, member: 'a b' } },
  ])
  writeFileSync(first, Buffer.alloc(1_048_576, '\n'))
  assert.deepEqual(readPlan({ envFile: [first] }, {}).base, {})
  writeFileSync(first, Buffer.alloc(1_048_577, 'A'))
  assert.throws(() => readPlan({ envFile: [first] }, {}), /--env-file \S+ is larger than 1 MiB/)
})

test('our own credentials are kept from the command where that is asked for, and what is named stays', () => {
  const environment = {
    AWS_ACCESS_KEY_ID: 'a',
    AWS_SECRET_ACCESS_KEY: 'b',
    AWS_SESSION_TOKEN: 'c',
    AWS_SHARED_CREDENTIALS_FILE: 'd',
    AWS_CONTAINER_CREDENTIALS_FULL_URI: 'e',
    AWS_PROFILE: 'f',
    STRONGROOM_BOOTSTRAP_SECRET_ACCESS_KEY: 'g',
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL: 'http://127.0.0.1:4650',
    PATH: '/bin',
  }
  assert.deepEqual(readPlan({}, environment).base, environment)
  const withheld = readPlan({ awsCredentials: false, env: ['AWS_ACCESS_KEY_ID=app/key#id'] }, environment)
  assert.deepEqual(Object.keys(withheld.base), ['AWS_REGION', 'AWS_ENDPOINT_URL', 'PATH'])
  assert.equal(withheld.variables[0]!.name, 'AWS_ACCESS_KEY_ID')
})

test('what cannot be meant is refused with one line that repeats no value', () => {
  const refused: readonly (readonly [PlanOptions, RegExp])[] = [
    [{ env: ['hunter2'] }, /^--env takes NAME=SECRET/],
    [{ env: ['A-B=hunter2'] }, /^--env takes NAME=SECRET/],
    [{ env: ['=hunter2'] }, /^--env takes NAME=SECRET/],
    [{ env: ['A='] }, /^--env A names no secret/],
    [{ env: ['A=app/db#'] }, /^--env A names no secret/],
    [{ env: ['A=#hunter2'] }, /^--env A names no secret/],
    [{ env: ['A=ssm:'] }, /^--env A names no secret/],
    [{ env: ['A=app db'] }, /^--env A names no secret/],
    [{ env: [`A=${'x'.repeat(2049)}`] }, /^--env A names no secret/],
    [{ file: ['A=app/db\n'] }, /^--file A names no secret/],
    [{ envFrom: ['app/db#password'] }, /^--env-from takes every member/],
    [{ env: ['A=strongroom://'] }, /^--env A names no secret/],
    [{ env: ['A=x'], file: ['A=y'] }, /^A is given twice$/],
    [{ prefix: 'DB-' }, /^--prefix may hold/],
    [{ envFile: ['/nowhere/env'] }, /^--env-file \/nowhere\/env cannot be read \(ENOENT\)$/],
    [{ envFile: ['/'] }, /^--env-file \/ cannot be read \(EISDIR\)$/],
    [{ env: Array.from({ length: 501 }, (_, n) => `A${n}=app/db`) }, /^more than 500 values/],
  ]
  for (const [options, line] of refused) {
    assert.throws(
      () => readPlan(options, {}),
      (error: Error) => error instanceof UsageError && line.test(error.message) && !/hunter2|\n/.test(error.message),
      JSON.stringify(options).slice(0, 100),
    )
  }
})
