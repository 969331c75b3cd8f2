// What the tests of this service share: raw calls, refusals, and parameters to begin with.

import type { App } from '../../app.ts'
import type { Call } from '../../call.ts'
import type { TestAnswer, TestServer } from '../../testing.ts'
import { callsOf, type Who } from '../../testing-calls.ts'
import { newDataKey } from './data-key.ts'
import { parameterArn } from './names.ts'
import { insertParameter, insertVersion } from './store.ts'
import { sealVersion } from './value.ts'

export type { Who }

export const { call, outcome, codeOf } = callsOf('ssm')

/** Puts a String, unless more says otherwise. */
export const put = (server: TestServer, Name: string, Value: string, more: object = {}, who: Who = {}) =>
  call(server, 'PutParameter', { Name, Value, Type: 'String', ...more }, who)

/** Puts the next version. */
export const overwrite = (server: TestServer, Name: string, Value: string, more: object = {}, who: Who = {}) =>
  call(server, 'PutParameter', { Name, Value, Overwrite: true, ...more }, who)

export const read = async (server: TestServer, Name: string, more: object = {}, who: Who = {}) =>
  (await call(server, 'GetParameter', { Name, ...more }, who)).Parameter

export const history = async (server: TestServer, Name: string, more: object = {}) =>
  (await call(server, 'GetParameterHistory', { Name, ...more })).Parameters

/** Everything of a paged list, with how many pages it took. */
export async function all(server: TestServer, operation: string, input: object, who: Who = {}) {
  const found: TestAnswer['body'][] = []
  let pages = 0
  let NextToken: string | undefined
  do {
    const page = await call(server, operation, { ...input, ...(NextToken !== undefined && { NextToken }) }, who)
    found.push(...page.Parameters)
    NextToken = page.NextToken
    pages += 1
  } while (NextToken !== undefined)
  return { found, names: found.map(({ Name }) => Name as string), pages }
}

const ROWS_PER_WRITE = 1_000

/** Many parameters of type String, written as PutParameter writes them but for the quota. */
export async function insertMany(
  { app, accountId, region }: { readonly app: App; readonly accountId: string; readonly region: string },
  paths: readonly string[],
): Promise<void> {
  const details = {
    tier: 'Standard',
    dataType: 'text',
    modifiedAt: app.now(),
    modifiedBy: 'arn:aws:iam::1:root',
  } as const
  for (let from = 0; from < paths.length; from += ROWS_PER_WRITE) {
    await app.database.transaction('write', async (tx) => {
      for (const path of paths.slice(from, from + ROWS_PER_WRITE)) {
        const place = { account: accountId, region, path }
        const owner = { id: app.uuid() }
        const bare = { ...owner, name: path, type: 'String', key: newDataKey(app, owner), tags: [], details } as const
        const arn = parameterArn({ partition: app.partition, region, account: accountId }, path)
        const sealing = { arn, parameter: bare, version: 1, tier: 'Standard', keyId: undefined } as const
        const sealed = await sealVersion({ app, tx } as Call, sealing, Buffer.from('x'))
        const digest = await insertVersion({ app, tx }, owner.id, { ...details, version: 1, ...sealed })
        const versions = [{ version: 1, digest, labels: [] }]
        await insertParameter({ app, tx }, place, { ...bare, versions, policies: [] })
      }
    })
  }
}
