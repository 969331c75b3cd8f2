import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splitArn } from './arn.ts'

test('an ARN has six segments and the last keeps its colons', () => {
  const parts = (text: string) => {
    const name = splitArn(text)
    return name?.starts.map((start, i) => text.slice(start, (name.starts[i + 1] ?? text.length + 1) - 1))
  }
  assert.deepEqual(parts('arn:aws:lambda:us-east-1:123456789012:function:name:1'), [
    'arn',
    'aws',
    'lambda',
    'us-east-1',
    '123456789012',
    'function:name:1',
  ])
  assert.deepEqual(parts('arn:aws:iam::123456789012:root'), ['arn', 'aws', 'iam', '', '123456789012', 'root'])
  for (const text of ['', '*', 'name', 'arn', 'arn:', 'arn:aws:iam::123456789012', 'Arn:aws:iam::123456789012:root']) {
    assert.equal(splitArn(text), undefined, text)
  }
})
