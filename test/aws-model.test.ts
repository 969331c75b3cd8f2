// Our shapes against AWS's: the official SDK exports the schema of every operation. Members, types, what is required and what is
// sensitive must agree, so that a member forgotten here, or one that would leak into the audit trail, is found.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as cloudtrail from '@aws-sdk/client-cloudtrail'
import * as iam from '@aws-sdk/client-iam'
import * as kms from '@aws-sdk/client-kms'
import * as lambda from '@aws-sdk/client-lambda'
import * as organizations from '@aws-sdk/client-organizations'
import * as rds from '@aws-sdk/client-rds'
import * as secretsmanager from '@aws-sdk/client-secrets-manager'
import * as ssm from '@aws-sdk/client-ssm'
import * as sts from '@aws-sdk/client-sts'
import { NormalizedSchema } from '@smithy/core/schema'
import type { AnyOperation, Service } from '../packages/server/src/operation.ts'
import { services } from '../packages/server/src/services/index.ts'
import { isOptional, type Member, type Members, type Shape, shapeOf } from '../packages/server/src/shape/shape.ts'

const SDKS: { readonly [service: string]: { readonly [name: string]: unknown } } = {
  cloudtrail,
  iam,
  kms,
  lambda,
  organizations,
  rds,
  secretsmanager,
  ssm,
  sts,
}

/** Services that have a part of AWS's members: every parameter that they do not declare is refused (`refuseParameter`). */
const PARTS = new Set(['rds'])

/** Members that AWS marks sensitive only in prose: what they hold is a secret here all the same. */
const MORE_SENSITIVE = new Set<string>(
  ['AssumeRole', 'AssumeRoleWithWebIdentity', 'GetFederationToken', 'GetSessionToken'].map(
    (operation) => `${operation} output.Credentials output.SessionToken`,
  ),
)

for (const service of services) {
  const sdk = SDKS[service.name]
  if (!sdk) continue
  for (const operation of service.operations) {
    test(`${service.name} ${operation.name} has the members, types, required and sensitive marks of AWS's model`, () => {
      const schema = sdk[`${operation.name}$`] as readonly unknown[]
      assert.ok(Array.isArray(schema), `the SDK has no schema of ${operation.name}`)
      const part = PARTS.has(service.name)
      if (part) assert.ok(service.refuseParameter !== undefined, `${service.name} passes over parameters`)
      compareMembers(operation.input, NormalizedSchema.of(schema[4] as never), `${operation.name} input`, part)
      const output = NormalizedSchema.of(schema[5] as never)
      if (operation.output === undefined) assert.ok(output.isUnitSchema(), `${operation.name} has an output`)
      else compareMembers(operation.output, output, `${operation.name} output`, part)
      if (service.protocol === 'rest-json') compareHttp(operation, schema)
    })
  }
}

test('every service of AWS that the server has is compared with its SDK', () => {
  const own = services.filter((service: Service) => service.operations.every(({ path }) => path !== undefined))
  const compared = services.filter((service: Service) => SDKS[service.name] !== undefined)
  assert.equal(own.length + compared.length, services.length)
})

test('the README of Secrets Manager names the operations that it does not have, and no others', () => {
  const page = readFileSync(
    new URL('../packages/server/src/services/secretsmanager/README.md', import.meta.url),
    'utf8',
  )
  const named = [...page.matchAll(/ \| UnknownOperationException: (.*) \|$/gm)].flatMap(([, list]) => list!.split(', '))
  const { operations } = services.find(({ name }) => name === 'secretsmanager')!
  const missing = Object.keys(secretsmanager)
    .flatMap((name) => /^([A-Z]\w+)Command$/.exec(name)?.[1] ?? [])
    .filter((name) => !operations.some((operation) => operation.name === name))
  assert.deepEqual(named.sort(), missing.sort())
})

/** Where the operation and its members stand in HTTP. */
function compareHttp({ name, http, headers = {} }: AnyOperation, schema: readonly unknown[]): void {
  const { http: trait } = schema[3] as { readonly http: readonly [string, string, number] }
  // AWS models the status of DeleteFunction as 200 and answers 204, which its member says.
  const code = http!.responseCode === undefined || name !== 'DeleteFunction' ? http!.code : 200
  assert.deepEqual([http!.method, http!.uri, code], trait, `${name}: method, path and status`)
  const input = traitsOf(schema[4])
  assert.deepEqual(labelsOf(http!.uri).sort(), namesWith(input, 'httpLabel'), `${name}: labels`)
  assert.deepEqual(http!.query ?? {}, valuesOf(input, 'httpQuery'), `${name}: query`)
  const sent = Object.entries(valuesOf(input, 'httpHeader')).map(([member, header]) => [member, header.toLowerCase()])
  assert.deepEqual(headers, Object.fromEntries(sent), `${name}: headers`)
  assert.deepEqual([http!.payload ?? []].flat(), namesWith(input, 'httpPayload'), `${name}: payload`)
  const output = traitsOf(schema[5])
  assert.deepEqual(http!.responseHeaders ?? {}, valuesOf(output, 'httpHeader'), `${name}: headers of the answer`)
  assert.deepEqual([http!.responsePayload ?? []].flat(), namesWith(output, 'httpPayload'), `${name}: its payload`)
  assert.deepEqual([http!.responseCode ?? []].flat(), namesWith(output, 'httpResponseCode'), `${name}: its status`)
}

type Traits = { readonly [member: string]: { readonly [trait: string]: unknown } }

function traitsOf(schema: unknown): Traits {
  const normalized = NormalizedSchema.of(schema as never)
  const members = normalized.isUnitSchema() ? {} : normalized.getMemberSchemas()
  return Object.fromEntries(Object.entries(members).map(([name, member]) => [name, { ...member.getMergedTraits() }]))
}

const labelsOf = (uri: string): string[] => [...uri.matchAll(/\{(\w+)\}/g)].map(([, label]) => label!)
const namesWith = (traits: Traits, trait: string): readonly string[] =>
  Object.keys(traits)
    .filter((name) => traits[name]![trait] !== undefined)
    .sort()
const valuesOf = (traits: Traits, trait: string): Record<string, string> =>
  Object.fromEntries(namesWith(traits, trait).map((name) => [name, traits[name]![trait] as string]))

function compareMembers(ours: Members, theirs: NormalizedSchema, where: string, part = false): void {
  const members = theirs.isUnitSchema() ? {} : theirs.getMemberSchemas()
  const requiredNames = new Set(requiredOf(theirs))
  const expected = Object.keys(members).filter((name) => !part || requiredNames.has(name) || Object.hasOwn(ours, name))
  assert.deepEqual(Object.keys(ours).sort(), expected.sort(), `${where}: members`)
  for (const [name, schema] of Object.entries(members)) {
    if (!Object.hasOwn(ours, name)) continue
    const member: Member = ours[name]!
    if (where.endsWith('input'))
      assert.equal(isOptional(member), !requiredNames.has(name), `${where}.${name}: optional`)
    compare(shapeOf(member), schema, `${where}.${name}`, where.endsWith('input'), part)
  }
}

/** The SDK lists required members first and says how many they are. */
function requiredOf(schema: NormalizedSchema): readonly string[] {
  if (schema.isUnitSchema()) return []
  const [, , , , names, , count] = schema.getSchema() as unknown as [
    number,
    string,
    string,
    unknown,
    string[],
    unknown,
    number?,
  ]
  return names.slice(0, count ?? 0)
}

function compare(shape: Shape, schema: NormalizedSchema, where: string, isInput: boolean, part: boolean): void {
  const sensitive = schema.getMergedTraits().sensitive === 1 || MORE_SENSITIVE.has(where)
  assert.equal(shape.sensitive ?? false, sensitive, `${where}: sensitive`)
  assert.equal(shape.kind, kindOf(schema), `${where}: type`)
  switch (shape.kind) {
    case 'list':
      if (part)
        assert.equal(
          shape.itemName,
          schema.getValueSchema().getMergedTraits().xmlName,
          `${where}: the name of its items`,
        )
      compare(shape.member, schema.getValueSchema(), `${where}[]`, isInput, part)
      break
    case 'map':
      compare(shape.value, schema.getValueSchema(), `${where}{}`, isInput, part)
      break
    case 'structure':
      compareMembers(shape.members, schema, `${where}${isInput ? ' input' : ' output'}`, part)
      break
  }
}

function kindOf(schema: NormalizedSchema): Shape['kind'] | 'unknown' {
  if (schema.isStructSchema()) return 'structure'
  if (schema.isListSchema()) return 'list'
  if (schema.isMapSchema()) return 'map'
  if (schema.isBlobSchema()) return 'blob'
  if (schema.isTimestampSchema()) return 'timestamp'
  if (schema.isBooleanSchema()) return 'boolean'
  if (schema.isNumericSchema()) return 'integer'
  if (schema.isStringSchema()) return 'string'
  return 'unknown'
}
