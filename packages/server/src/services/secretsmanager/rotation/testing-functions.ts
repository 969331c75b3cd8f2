// Rotation functions for tests: a small Lambda API that checks each signature with AWS's own signer, and functions in the frame of AWS's
// templates, which call the server with the SDK and change a password in something real.

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import {
  DescribeSecretCommand,
  GetRandomPasswordCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'
import { SignatureV4 } from '@smithy/signature-v4'
import type { GivenOptions } from '../../../config.ts'
import { type TestScope, temporaryDirectory } from '../../../storage/testing.ts'
import { NodeSha256 } from '../../../testing.ts'
import type { Step } from './model.ts'

export type RotationEvent = {
  readonly Step: Step
  readonly SecretId: string
  readonly ClientRequestToken: string
  readonly RotationToken: string
}

/** What it throws becomes an error of the function, with its name and message. */
export type TestFunction = (event: RotationEvent, signal: AbortSignal) => Promise<unknown>

/** Answered in the place of a function. */
export type Answer = {
  readonly status: number
  readonly headers?: { readonly [name: string]: string }
  readonly body?: string
}

export type TestFunctions = {
  readonly url: string
  /** For the server that is to call them. */
  readonly options: GivenOptions & { readonly lambdaEndpoint: string; readonly lambdaCredentials: string }
  /** Lets the account's secrets be rotated: its profile is in the credentials file. */
  trust(account: string): void
  /** By name. A function that is not here does not exist. */
  readonly functions: Map<string, TestFunction>
  /** By name: what is answered instead. */
  readonly answers: Map<string, Answer>
  /** Every call that was signed right, DryRun ones apart. */
  readonly calls: RotationEvent[]
  readonly dryRuns: string[]
}

const CREDENTIALS = { accessKeyId: 'AKIAROTATIONFUNCTION', secretAccessKey: 'of-the-functions-of-the-tests-0123456789' }

export const functionArn = (name: string, account = '210987654321', region = 'eu-central-1'): string =>
  `arn:aws:lambda:${region}:${account}:function:${name}`

export async function startFunctions(t: TestScope): Promise<TestFunctions> {
  const functions: TestFunctions['functions'] = new Map()
  const answers: TestFunctions['answers'] = new Map()
  const calls: RotationEvent[] = []
  const dryRuns: string[] = []
  const lambdaCredentials = join(temporaryDirectory(t), 'lambda-credentials')
  let profiles = ''
  const trust = (account: string): void => {
    profiles += `[${account}]\naws_access_key_id = ${CREDENTIALS.accessKeyId}\naws_secret_access_key = ${CREDENTIALS.secretAccessKey}\n`
    writeFileSync(lambdaCredentials, profiles)
  }
  writeFileSync(lambdaCredentials, '')

  const answer = async (
    path: string,
    headers: IncomingHttpHeaders,
    body: string,
    signal: AbortSignal,
  ): Promise<Answer> => {
    if (!(await isSigned(path, headers, body)))
      return { status: 403, headers: { 'x-amzn-errortype': 'InvalidSignatureException' } }
    const arn = decodeURIComponent(/^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(path)?.[1] ?? '')
    const name = arn.split(':')[6] ?? ''
    const instead = answers.get(name)
    const known = functions.get(name)
    if (headers['x-amz-invocation-type'] === 'DryRun') {
      dryRuns.push(name)
      return instead ?? { status: known === undefined ? 404 : 204 }
    }
    const event = JSON.parse(body) as RotationEvent
    calls.push(event)
    if (instead !== undefined) return instead
    if (known === undefined) return { status: 404, headers: { 'x-amzn-errortype': 'ResourceNotFoundException' } }
    try {
      return { status: 200, body: JSON.stringify((await known(event, signal)) ?? null) }
    } catch (error) {
      const { name: errorType, message: errorMessage } = error as Error
      const body = JSON.stringify({ errorType, errorMessage })
      return { status: 200, headers: { 'x-amz-function-error': 'Unhandled' }, body }
    }
  }

  const server = createServer((request, response) => {
    let body = ''
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', async () => {
      const { status, headers = {}, body: text = '' } = await answer(request.url!, request.headers, body, gone.signal)
      response.writeHead(status, headers).end(text)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, options: { lambdaEndpoint: url, lambdaCredentials }, trust, functions, answers, calls, dryRuns }
}

/** Whether AWS's signer comes to the same signature. */
async function isSigned(path: string, headers: IncomingHttpHeaders, body: string): Promise<boolean> {
  const match = /Credential=([^/]+)\/\d+\/([a-z0-9-]+)\/lambda\/aws4_request, SignedHeaders=([^,]+), /.exec(
    headers.authorization ?? '',
  )
  if (match === null || match[1] !== CREDENTIALS.accessKeyId) return false
  const [, , region, names] = match
  const time = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(String(headers['x-amz-date']))
  if (time === null) return false
  const [, year, month, day, hour, minute, second] = time
  const signer = new SignatureV4({
    service: 'lambda',
    region: region!,
    credentials: CREDENTIALS,
    sha256: NodeSha256,
    applyChecksum: false,
  })
  const signed = names!.split(';').map((name) => [name, String(headers[name])])
  const request = {
    method: 'POST',
    protocol: 'http:',
    hostname: '',
    path,
    query: {},
    headers: Object.fromEntries(signed),
    body,
  }
  const signingDate = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  const { headers: expected } = await signer.sign(request as Parameters<typeof signer.sign>[0], { signingDate })
  return expected.authorization === headers.authorization
}

/** What a function rotates: something that takes a password. */
export type Target = {
  setPassword(password: string): Promise<void>
  /** Rejects where the password is not the one. */
  logIn(password: string): Promise<void>
}

/** In memory. */
export function memoryTarget(password: string): Target & { readonly passwords: string[] } {
  const passwords = [password]
  return {
    passwords,
    setPassword: async (next) => {
      passwords.push(next)
    },
    logIn: async (given) => {
      if (given !== passwords.at(-1)) throw new Error('password authentication failed')
    },
  }
}

type Versions = { readonly [id: string]: readonly string[] }

/** A function in the frame of AWS's single-user templates. Each step may be asked for again. */
export function templateFunction(
  client: SecretsManagerClient,
  target: Target,
  seen: (step: Step, versions: Versions) => void = () => undefined,
): TestFunction {
  return async ({ Step, SecretId, ClientRequestToken, RotationToken }) => {
    const described = await client.send(new DescribeSecretCommand({ SecretId }))
    const versions = described.VersionIdsToStages ?? {}
    seen(Step, versions)
    if (described.RotationEnabled !== true) throw new Error('the secret is not enabled for rotation')
    const stages = versions[ClientRequestToken]
    if (stages === undefined) throw new Error('the secret has no such version')
    if (stages.includes('AWSCURRENT')) return
    if (!stages.includes('AWSPENDING')) throw new Error('the version is not pending')
    const read = async (stage: string, VersionId?: string): Promise<string> => {
      const { SecretString } = await client.send(
        new GetSecretValueCommand({ SecretId, VersionStage: stage, ...(VersionId && { VersionId }) }),
      )
      return SecretString!
    }
    switch (Step) {
      case 'createSecret': {
        try {
          await read('AWSPENDING', ClientRequestToken)
        } catch (error) {
          if (!(error instanceof ResourceNotFoundException)) throw error
          const { RandomPassword } = await client.send(new GetRandomPasswordCommand({ ExcludePunctuation: true }))
          await client.send(
            new PutSecretValueCommand({
              SecretId,
              ClientRequestToken,
              RotationToken,
              SecretString: RandomPassword,
              VersionStages: ['AWSPENDING'],
            }),
          )
        }
        return
      }
      case 'setSecret': {
        const pending = await read('AWSPENDING', ClientRequestToken)
        const isSet = await target.logIn(pending).then(
          () => true,
          () => false,
        )
        if (isSet) return
        await target.logIn(await read('AWSCURRENT'))
        return target.setPassword(pending)
      }
      case 'testSecret':
        return target.logIn(await read('AWSPENDING', ClientRequestToken))
      case 'finishSecret': {
        const current = Object.entries(versions).find(([, stages]) => stages.includes('AWSCURRENT'))?.[0]
        assert.ok(current)
        await client.send(
          new UpdateSecretVersionStageCommand({
            SecretId,
            VersionStage: 'AWSCURRENT',
            MoveToVersionId: ClientRequestToken,
            RemoveFromVersionId: current,
          }),
        )
      }
    }
  }
}
