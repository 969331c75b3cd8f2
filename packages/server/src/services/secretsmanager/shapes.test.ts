// The limits of AWS's model, each at its edge: the last value within is taken, the first one beyond is refused.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Shape } from '../../shape/shape.ts'
import { validate } from '../../shape/validate.ts'
import { getRandomPassword } from './operations/get-random-password.ts'
import * as shapes from './shapes.ts'

const text = (length: number): string => 'x'.repeat(length)
const bytes = (length: number): Uint8Array => new Uint8Array(length)
const number = (value: number): number => value
const listOf =
  (item: unknown) =>
  (length: number): readonly unknown[] =>
    Array.from({ length }, () => item)
const region = (length: number): string => `${'a'.repeat(length - 2)}-1`

type Limit = readonly [
  name: string,
  shape: Shape,
  make: (size: number) => unknown,
  min: number,
  max: number | undefined,
]

const limits: readonly Limit[] = [
  ['Name of CreateSecret', shapes.NewSecretName, text, 1, 512],
  ['SecretId', shapes.SecretId, text, 1, 2_048],
  ['ClientRequestToken', shapes.ClientRequestToken, text, 32, 64],
  ['VersionId', shapes.VersionId, text, 32, 64],
  ['VersionStage', shapes.VersionStage, text, 1, 256],
  ['VersionStages', shapes.VersionStages, listOf('x'), 1, 20],
  ['Description', shapes.Description, text, 0, 2_048],
  ['KmsKeyId', shapes.KmsKeyId, text, 0, 2_048],
  ['SecretString', shapes.SecretString, text, 1, 65_536],
  ['SecretBinary', shapes.SecretBinary, bytes, 1, 65_536],
  ['RotationToken', shapes.RotationToken, text, 36, 256],
  ['Type', shapes.SecretType, text, 0, 256],
  ['the key of a tag', shapes.TagKey, text, 1, 128],
  ['the value of a tag', shapes.TagValue, text, 0, 256],
  ['MaxResults', shapes.MaxResults, number, 1, 100],
  ['MaxResults of BatchGetSecretValue', shapes.MaxResultsOfBatch, number, 1, 20],
  ['NextToken', shapes.NextToken, text, 1, 4_096],
  ['Filters', shapes.Filters, listOf({ Key: 'name', Values: ['x'] }), 0, 10],
  ['the values of a filter', shapes.Filter.members.Values.shape, listOf('x'), 1, 10],
  ['a value of a filter', shapes.FilterValue, text, 0, 512],
  ['SecretIdList', shapes.SecretIdList, listOf('x'), 1, 20],
  ['Region', shapes.Region, region, 3, 128],
  ['AddReplicaRegions', shapes.AddReplicaRegions, listOf({}), 1, undefined],
  ['PasswordLength', getRandomPassword.input.PasswordLength.shape, number, 1, 4_096],
  ['ExcludeCharacters', getRandomPassword.input.ExcludeCharacters.shape, text, 0, 4_096],
]

for (const [name, shape, make, min, max] of limits) {
  test(`${name} has ${min} to ${max ?? 'any number'}`, () => {
    const check = (size: number) => validate({ Value: shape }, { Value: make(size) })
    check(min)
    if (min > 0 && shape !== shapes.Region) assert.throws(() => check(min - 1), refusal('greater', min))
    if (max === undefined) return
    check(max)
    assert.throws(() => check(max + 1), refusal('less', max))
  })
}

const refusal = (way: string, limit: number) => ({
  code: 'ValidationException',
  message: new RegExp(` at 'value' .*Member must have (length|value) ${way} than or equal to ${limit}$`),
})

test('names and ids have letters, digits and -/_+=.@!; ids may be ARNs, and nothing has a line break', () => {
  const fits = (shape: Shape, value: string): boolean => {
    try {
      validate({ Value: shape }, { Value: value })
      return true
    } catch {
      return false
    }
  }
  for (const name of ['aZ09', '/lead/in', '-/_+=.@!', 'arn', '__proto__']) {
    assert.ok(fits(shapes.NewSecretName, name) && fits(shapes.SecretId, name), name)
  }
  for (const name of ['a b', 'a:b', 'ä', 'a\n', '\na', 'a\0', 'a#b', 'a*', 'a\\b', 'a😀']) {
    assert.ok(!fits(shapes.NewSecretName, name) && !fits(shapes.SecretId, name), JSON.stringify(name))
  }
  const arn = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:a/b-AbCdEf'
  assert.ok(fits(shapes.SecretId, arn) && !fits(shapes.NewSecretName, arn))
  assert.ok(
    !fits(shapes.SecretId, `${arn}\n`) && !fits(shapes.SecretId, `${arn}*`) && !fits(shapes.SecretId, ` ${arn}`),
  )
})
