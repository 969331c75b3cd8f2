// What the tests of this service share: AWS's own client, functions in archives made byte by byte, and roles for them.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { crc32, deflateRawSync } from 'node:zlib'
import { type CreateFunctionCommandInput, type CreateFunctionCommandOutput, Lambda } from '@aws-sdk/client-lambda'
import type { GivenOptions } from '../../config.ts'
import { startTestServer, type TestCredentials, type TestServer } from '../../testing.ts'
import { TRUSTS_LAMBDA } from '../iam/testing.ts'
import { newRole } from '../sts/testing.ts'

export type ZipEntry = {
  readonly name: string | Buffer
  readonly content?: string | Uint8Array
  /** Unix mode with its type bits; absent: the archive is one of DOS, which has none. */
  readonly mode?: number
  readonly method?: number
  /** What the archive says in the place of the truth. */
  readonly says?: {
    readonly size?: number
    readonly crc?: number
    readonly flags?: number
    readonly compressed?: Buffer
  }
}

/** A zip archive, byte by byte: what it says need not be true. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
export function zip(...entries: readonly ZipEntry[]): Buffer {
  const locals: Buffer[] = []
  const centrals: Buffer[] = []
  let offset = 0
  for (const { name, content = '', mode, method = 8, says = {} } of entries) {
    const bytes = Buffer.from(content as string)
    const fileName = Buffer.from(name as string)
    const compressed = says.compressed ?? (method === 8 ? deflateRawSync(bytes) : bytes)
    const flags = says.flags ?? 0x0800
    const crc = says.crc ?? crc32(bytes)
    const size = says.size ?? bytes.length
    const local = Buffer.alloc(30)
    local.writeUInt32LE(0x04034b50, 0)
    local.writeUInt16LE(20, 4)
    local.writeUInt16LE(flags, 6)
    local.writeUInt16LE(method, 8)
    local.writeUInt32LE(crc, 14)
    local.writeUInt32LE(compressed.length, 18)
    local.writeUInt32LE(size, 22)
    local.writeUInt16LE(fileName.length, 26)
    const central = Buffer.alloc(46)
    central.writeUInt32LE(0x02014b50, 0)
    central.writeUInt16LE(mode === undefined ? 20 : (3 << 8) | 20, 4)
    central.writeUInt16LE(20, 6)
    central.writeUInt16LE(flags, 8)
    central.writeUInt16LE(method, 10)
    central.writeUInt32LE(crc, 16)
    central.writeUInt32LE(compressed.length, 20)
    central.writeUInt32LE(size, 24)
    central.writeUInt16LE(fileName.length, 28)
    central.writeUInt32LE(mode === undefined ? 0 : (mode << 16) >>> 0, 38)
    central.writeUInt32LE(offset, 42)
    locals.push(local, fileName, compressed)
    centrals.push(central, fileName)
    offset += local.length + fileName.length + compressed.length
  }
  const directory = Buffer.concat(centrals)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, directory, end])
}

/** A function of Node.js whose `index.handler` has this body. */
export const nodeZip = (body: string): Buffer =>
  zip({ name: 'index.mjs', content: `export const handler = async (event, context) => { ${body} }\n`, mode: 0o100644 })

export const ECHO = nodeZip('return event')

/** AWS's own client, with the administrator's credentials unless others are given, and retries off. */
export function lambdaClient(
  t: TestContext,
  server: TestServer,
  credentials: TestCredentials = server.credentials,
): Lambda {
  const { url: endpoint, region } = server
  const client = new Lambda({ endpoint, region, credentials: { ...credentials }, maxAttempts: 1 })
  t.after(() => client.destroy())
  return client
}

// biome-ignore lint/suspicious/noExplicitAny: a test asserts on whatever came
type Answer = any

export type LambdaTest = {
  readonly server: TestServer
  readonly lambda: Lambda
  /** Of the first account, trusts Lambda, and may do what the statements said. */
  readonly roleArn: string
  /** An operation by its name. */
  call(operation: string, input?: object, credentials?: TestCredentials): Promise<Answer>
  /** Makes a function of Node.js that answers its event, unless told. */
  create(input?: Partial<CreateFunctionCommandInput>): Promise<CreateFunctionCommandOutput>
  /** The parsed answer of a function. */
  invoke(FunctionName: string, event?: unknown): Promise<unknown>
}

/** Functions run without a sandbox in these tests; those of the sandbox have their own. */
export async function startLambda(
  t: TestContext,
  { statements = [], ...given }: GivenOptions & { readonly statements?: readonly object[] } = {},
): Promise<LambdaTest> {
  const server = await startTestServer(t, { functionSandbox: 'C', ...given })
  const { arn: roleArn } = await newRole(server, 'execution', { trustPolicy: TRUSTS_LAMBDA, statements })
  const lambda = lambdaClient(t, server)
  return {
    server,
    lambda,
    roleArn,
    call: (operation, input = {}, credentials = server.credentials) => {
      const client = credentials === server.credentials ? lambda : lambdaClient(t, server, credentials)
      const method = `${operation.charAt(0).toLowerCase()}${operation.slice(1)}` as 'getFunction'
      return client[method](input as { FunctionName: string })
    },
    create: (input) =>
      lambda.createFunction({
        FunctionName: 'fn',
        Role: roleArn,
        Runtime: 'nodejs24.x',
        Handler: 'index.handler',
        Code: { ZipFile: ECHO },
        ...input,
      }),
    invoke: async (FunctionName, event = {}) => {
      const { Payload, FunctionError } = await lambda.invoke({ FunctionName, Payload: JSON.stringify(event) })
      const answer = JSON.parse(Buffer.from(Payload!).toString())
      assert.equal(FunctionError, undefined, JSON.stringify(answer))
      return answer
    },
  }
}

/** For assert.rejects: exactly this type, this status and this text. */
export const refusal =
  (type: string, status: number, message: string | RegExp) =>
  (error: unknown): true => {
    const { name, $metadata, message: told } = error as Error & { readonly $metadata?: { httpStatusCode: number } }
    assert.deepEqual([name, $metadata?.httpStatusCode], [type, status], told)
    if (typeof message === 'string') assert.equal(told, message)
    else assert.match(told, message)
    return true
  }
