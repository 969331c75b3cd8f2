// Every operation of Lambda, each once with success, and secret values in the environment of a function, in what it is given and in what it
// answers.

import { Lambda } from '@aws-sdk/client-lambda'
import { nodeZip } from '../packages/server/src/services/lambda/testing.ts'
import { REGION, type ServerProcess } from './server-process.ts'

type Journeys = { readonly [operation: string]: () => Promise<string> }

/** By `service operation`; each resolves with what was answered, as text, but for what is a secret. `roleArn` is trusted to Lambda. */
export function lambdaJourneys(
  { url, credentials }: Pick<ServerProcess, 'url' | 'credentials'>,
  secret: () => string,
  roleArn: () => Promise<string>,
  after: (end: () => void) => void,
): Journeys {
  const lambda = new Lambda({ endpoint: url, region: REGION, credentials: { ...credentials }, maxAttempts: 1 })
  after(() => lambda.destroy())
  const journeys: Record<string, () => Promise<string>> = {}
  const FunctionName = 'fn'
  let Resource = ''
  const told = (answer: object): string =>
    JSON.stringify(answer, (key, value) => (['Variables', 'Payload'].includes(key) ? undefined : value))
  const refused = async (call: Promise<unknown>): Promise<string> =>
    call.then(
      () => Promise.reject(new Error('was not refused')),
      (error: Error) => `${error.name}: ${error.message}`,
    )
  const add = (name: string, call: () => Promise<object>): void => {
    journeys[`lambda ${name}`] = async () => `${name} 200 ${told(await call())}`
  }
  const variables = () => ({ Environment: { Variables: { SECRET: secret() } } })
  const answering = nodeZip('if (event.fail) throw new Error(event.secret); return process.env.SECRET + event.secret')

  add('CreateFunction', async () => {
    const input = { FunctionName, Role: await roleArn(), Runtime: 'nodejs24.x' as const, Handler: 'index.handler' }
    const Code = { ZipFile: answering }
    const broken = { ...input, ...variables(), Code: { ZipFile: Buffer.from(secret()) } }
    const reserved = { ...input, Code, Environment: { Variables: { AWS_REGION: secret() } } }
    const tooLong = { ...input, Code, Environment: { Variables: { SECRET: secret().repeat(100) } } }
    const refusals = [broken, reserved, tooLong].map((wrong) => refused(lambda.createFunction(wrong)))
    const made = await lambda.createFunction({ ...input, ...variables(), Code, Publish: true, Timeout: 20 })
    Resource = made.FunctionArn!.slice(0, -2)
    return { made, refusals: await Promise.all(refusals) }
  })
  add('GetFunction', () => lambda.getFunction({ FunctionName }))
  add('GetFunctionConfiguration', () => lambda.getFunctionConfiguration({ FunctionName }))
  add('UpdateFunctionConfiguration', () => lambda.updateFunctionConfiguration({ FunctionName, ...variables() }))
  add('UpdateFunctionCode', async () => ({
    refused: await refused(lambda.updateFunctionCode({ FunctionName, ZipFile: Buffer.from(secret()) })),
    updated: await lambda.updateFunctionCode({ FunctionName, ZipFile: answering }),
  }))
  add('PublishVersion', () => lambda.publishVersion({ FunctionName }))
  add('ListVersionsByFunction', () => lambda.listVersionsByFunction({ FunctionName }))
  add('ListFunctions', () => lambda.listFunctions({ FunctionVersion: 'ALL' }))
  add('CreateAlias', () => lambda.createAlias({ FunctionName, Name: 'live', FunctionVersion: '1' }))
  add('GetAlias', () => lambda.getAlias({ FunctionName, Name: 'live' }))
  add('UpdateAlias', () => lambda.updateAlias({ FunctionName, Name: 'live', FunctionVersion: '2' }))
  add('ListAliases', () => lambda.listAliases({ FunctionName }))
  add('Invoke', async () => {
    const invoke = (event: object, more: object = {}) =>
      lambda.invoke({ FunctionName, Payload: JSON.stringify(event), ...more })
    const answered = await invoke({ secret: secret() })
    if (answered.FunctionError !== undefined) throw new Error('the function failed')
    return {
      answered,
      failed: await invoke({ secret: secret(), fail: true }),
      later: await invoke({ secret: secret() }, { InvocationType: 'Event' }),
      // Still waiting when the server is killed.
      failsLater: await invoke({ secret: secret(), fail: true }, { InvocationType: 'Event' }),
      dry: await invoke({ secret: secret() }, { InvocationType: 'DryRun' }),
      refused: await refused(lambda.invoke({ FunctionName, Payload: `not JSON: ${secret()}` })),
    }
  })
  const permission = { FunctionName, StatementId: 's', Action: 'lambda:InvokeFunction' }
  add('AddPermission', () => lambda.addPermission({ ...permission, Principal: 'secretsmanager.amazonaws.com' }))
  add('GetPolicy', () => lambda.getPolicy({ FunctionName }))
  add('RemovePermission', () => lambda.removePermission({ FunctionName, StatementId: 's' }))
  add('PutFunctionConcurrency', () => lambda.putFunctionConcurrency({ FunctionName, ReservedConcurrentExecutions: 2 }))
  add('GetFunctionConcurrency', () => lambda.getFunctionConcurrency({ FunctionName }))
  add('DeleteFunctionConcurrency', () => lambda.deleteFunctionConcurrency({ FunctionName }))
  add('TagResource', () => lambda.tagResource({ Resource, Tags: { a: 'b' } }))
  add('ListTags', () => lambda.listTags({ Resource }))
  add('UntagResource', () => lambda.untagResource({ Resource, TagKeys: ['a'] }))
  add('GetFunctionCodeSigningConfig', () => lambda.getFunctionCodeSigningConfig({ FunctionName }))
  add('GetRuntimeManagementConfig', () => lambda.getRuntimeManagementConfig({ FunctionName }))
  add('GetAccountSettings', () => lambda.getAccountSettings())
  add('DeleteAlias', () => lambda.deleteAlias({ FunctionName, Name: 'live' }))
  // The version; the function stays, with what waits for it.
  add('DeleteFunction', () => lambda.deleteFunction({ FunctionName, Qualifier: '1' }))
  return journeys
}
