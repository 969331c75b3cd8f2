// The limits of AWS's model, each at its edge: the last value within is taken, the first one beyond is refused.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Shape } from '../../shape/shape.ts'
import { validate } from '../../shape/validate.ts'
import * as shapes from './shapes.ts'

const text = (length: number): string => 'x'.repeat(length)
const number = (value: number): number => value
const listOf =
  (item: unknown) =>
  (length: number): readonly unknown[] =>
    Array.from({ length }, () => item)

const filter = shapes.ParameterFilters.member.members

for (const [name, shape, make, min, max] of [
  ['Name', shapes.ParameterName, text, 1, 2_048],
  ['Names', shapes.ParameterNames, listOf('x'), 1, 10],
  ['Description', shapes.Description, text, 0, 1_024],
  ['Value', shapes.ParameterValue, text, 1, undefined],
  ['KeyId', shapes.KeyId, text, 1, 256],
  ['AllowedPattern', shapes.AllowedPattern, text, 0, 1_024],
  ['Policies', shapes.Policies, text, 1, 4_096],
  ['DataType', shapes.DataType, text, 0, 128],
  ['Labels', shapes.Labels, listOf('x'), 1, 10],
  ['a label', shapes.Label, text, 1, 100],
  ['Tags', shapes.Tags, listOf({ Key: 'a', Value: '' }), 0, 1_000],
  ['the key of a tag', shapes.TagKey, text, 1, 128],
  ['the value of a tag', shapes.TagValue, text, 0, 256],
  ['MaxResults', shapes.MaxResults, number, 1, 50],
  ['MaxResults of GetParametersByPath', shapes.MaxResultsByPath, number, 1, 10],
  ['the option of a filter', filter.Option.shape, text, 1, 10],
  ['the values of a filter', filter.Values.shape, listOf('x'), 1, 50],
  ['a value of a filter', filter.Values.shape.member, text, 1, 1_024],
  ['ResourceArn', shapes.ResourceArn, text, 20, 2_048],
] as readonly (readonly [string, Shape, (size: number) => unknown, number, number | undefined])[]) {
  test(`${name} has ${min} to ${max ?? 'any number'}`, () => {
    const check = (size: number) => validate({ Value: shape }, { Value: make(size) })
    check(min)
    if (min > 0) assert.throws(() => check(min - 1), refusal('greater', min))
    if (max === undefined) return
    check(max)
    assert.throws(() => check(max + 1), refusal('less', max))
  })
}

const refusal = (way: string, limit: number) => ({
  code: 'ValidationException',
  message: new RegExp(` at 'value' .*Member must have (length|value) ${way} than or equal to ${limit}(;|$)`),
})
