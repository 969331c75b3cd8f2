import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeParameterBy } from './parameter-judge.ts'

const ARN = 'arn:aws:ssm:eu-central-1:111122223333:parameter/app/level'
const OTHER = 'arn:aws:ssm:eu-central-1:444455556666:parameter/app/level'

const change = (operation: string, arn = ARN) => ({
  'detail-type': 'Parameter Store Change',
  resources: [arn],
  detail: { operation, name: '/app/level' },
})
const held = (ARN: string, id = '/app/level') => ({ id, about: { ARN } })
const asked = (id: string) => ({ id, about: undefined })

test('what an event says of the parameters that are held', () => {
  const secret = { 'detail-type': 'Secret Label Updated', resources: ['arn:…'], detail: { name: 'app/db' } }
  const removed = { ...change(''), 'detail-type': 'Parameter Labels Removed' }
  for (const [event, parameter, verdict] of [
    [change('Update'), held(ARN), 'expire'],
    [change('Update'), held(ARN, '/app/level:3'), 'expire'],
    [change('Update'), held(OTHER), 'keep'],
    [change('LabelParameterVersion'), held(ARN), 'expire'],
    [removed, held(ARN), 'expire'],
    [change('Delete'), held(ARN), 'drop'],
    [change('Create'), asked('/app/level'), 'expire'],
    [change('Create'), asked('/app/level:old'), 'expire'],
    [change('Create'), asked(ARN), 'expire'],
    [change('Create'), asked(`${ARN}:1`), 'expire'],
    [change('Create'), asked(OTHER), 'keep'],
    [change('Create'), asked('/app/levels'), 'keep'],
    [secret, asked('/aws/reference/secretsmanager/app/db'), 'expire'],
    [secret, held('any', '/aws/reference/secretsmanager/app/db:AWSPREVIOUS'), 'expire'],
    [secret, held('any', '/aws/reference/secretsmanager/app/db2'), 'keep'],
    [secret, held('any', '/app/db'), 'keep'],
    [{ ...change('Update'), 'detail-type': 'Parameter Store Policy Action' }, held(ARN), 'keep'],
    [{}, asked(''), 'keep'],
  ] as const)
    assert.equal(judgeParameterBy(event)(parameter), verdict, JSON.stringify([event, parameter]))
})
