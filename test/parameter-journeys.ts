// Every operation of Parameter Store, each once with success and with what goes wrong, and a value in every member that can hold one.

import { SSM } from '@aws-sdk/client-ssm'
import { REGION, type ServerProcess } from './server-process.ts'

type Journeys = { readonly [operation: string]: () => Promise<string> }

/** By `service operation`; each resolves with what was answered, as text, but for values. `text` gives a fresh value. */
export function parameterJourneys(
  { url, credentials }: Pick<ServerProcess, 'url' | 'credentials'>,
  text: () => string,
  after: (end: () => void) => void,
): Journeys {
  const ssm = new SSM({ endpoint: url, region: REGION, credentials: { ...credentials }, maxAttempts: 1 })
  after(() => ssm.destroy())
  const told = (answer: object): string =>
    JSON.stringify(answer, (key, value) => (key === 'Value' || key === 'SourceResult' ? undefined : value))
  const refused = (call: Promise<unknown>): Promise<string> =>
    call.then(
      () => Promise.reject(new Error('was not refused')),
      (error: Error) => `${error.name}: ${error.message} ${JSON.stringify(error)}`,
    )
  const line = (operation: string, ...parts: readonly string[]) => `${operation} 200 ${parts.join(' ')}`
  const all = { Name: '/canary/secure', WithDecryption: true }
  const tagged = { ResourceType: 'Parameter', ResourceId: '/canary/plain' } as const
  let arn = ''
  let policy: { readonly PolicyId?: string | undefined; readonly PolicyHash?: string | undefined } = {}

  return {
    'ssm PutParameter': async () => {
      const put = (Name: string, more: object = {}) =>
        ssm.putParameter({ Name, Value: text(), Type: 'String', Description: 'd', ...more })
      const made = [
        await put('/canary/plain', { Tags: [{ Key: 'a', Value: 'b' }] }),
        await put('/canary/list', { Type: 'StringList' }),
        await put('/canary/secure', { Type: 'SecureString' }),
        await put('/canary/advanced', { Type: 'SecureString', Tier: 'Advanced' }),
        await put('/canary/secure', { Type: 'SecureString', Overwrite: true }),
        await put('/canary/advanced', { Type: 'SecureString', Overwrite: true }),
      ]
      const failed = [
        await refused(put('/canary/plain')),
        await refused(put('/canary/plain', { Overwrite: true, Type: 'SecureString' })),
        await refused(put('/canary/new', { AllowedPattern: '\\d+' })),
        await refused(put('/canary/new', { AllowedPattern: '[' })),
        await refused(put('/canary/new', { Value: `${text().repeat(100)}` })),
        await refused(put('/canary/new', { Value: text().repeat(300), Tier: 'Advanced' })),
        await refused(put('/canary/new', { Value: `{{${text()}}}` })),
        await refused(put('/canary/new', { DataType: 'aws:ec2:image' })),
        await refused(put('/canary/new', { Type: 'SecureString', KeyId: 'alias/none' })),
        await refused(put('/canary/new', { Type: 'SecureString', KeyId: 'alias/none', Tier: 'Advanced' })),
        await refused(put('bad name')),
      ]
      return line('PutParameter', told(made), ...failed)
    },
    'ssm GetParameter': async () => {
      const { Parameter } = await ssm.getParameter(all)
      arn = Parameter!.ARN!.replace('/secure', '/advanced')
      const read = [Parameter!, await ssm.getParameter({ Name: '/canary/secure:1' })]
      const made = await ssm.getParameter({ Name: '/aws/reference/secretsmanager/made', WithDecryption: true })
      return line('GetParameter', told([...read, made]), await refused(ssm.getParameter({ Name: '/canary/none' })))
    },
    'ssm GetParameters': async () =>
      line(
        'GetParameters',
        told(await ssm.getParameters({ Names: ['/canary/plain', '/canary/advanced', '/none'], WithDecryption: true })),
      ),
    'ssm GetParametersByPath': async () =>
      line(
        'GetParametersByPath',
        told(await ssm.getParametersByPath({ Path: '/canary', Recursive: true, WithDecryption: true })),
      ),
    'ssm GetParameterHistory': async () => line('GetParameterHistory', told(await ssm.getParameterHistory(all))),
    'ssm DescribeParameters': async () => line('DescribeParameters', told(await ssm.describeParameters({}))),
    'ssm LabelParameterVersion': async () =>
      line(
        'LabelParameterVersion',
        told(await ssm.labelParameterVersion({ Name: '/canary/secure', ParameterVersion: 1, Labels: ['live', '1st'] })),
      ),
    'ssm UnlabelParameterVersion': async () =>
      line(
        'UnlabelParameterVersion',
        told(await ssm.unlabelParameterVersion({ Name: '/canary/secure', ParameterVersion: 1, Labels: ['live'] })),
      ),
    'ssm AddTagsToResource': async () =>
      line('AddTagsToResource', told(await ssm.addTagsToResource({ ...tagged, Tags: [{ Key: 'k', Value: 'v' }] }))),
    'ssm ListTagsForResource': async () =>
      line('ListTagsForResource', JSON.stringify(await ssm.listTagsForResource(tagged))),
    'ssm RemoveTagsFromResource': async () =>
      line('RemoveTagsFromResource', told(await ssm.removeTagsFromResource({ ...tagged, TagKeys: ['k'] }))),
    'ssm PutResourcePolicy': async () => {
      const Statement = {
        Effect: 'Allow',
        Principal: { AWS: arn.split(':')[4] },
        Action: 'ssm:GetParameter',
        Resource: arn,
      }
      const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
      policy = await ssm.putResourcePolicy({ ResourceArn: arn, Policy })
      return line(
        'PutResourcePolicy',
        told(policy),
        await refused(ssm.putResourcePolicy({ ResourceArn: arn, Policy: '{' })),
      )
    },
    'ssm GetResourcePolicies': async () =>
      line('GetResourcePolicies', told(await ssm.getResourcePolicies({ ResourceArn: arn }))),
    'ssm DeleteResourcePolicy': async () => {
      const { PolicyId, PolicyHash } = policy
      return line(
        'DeleteResourcePolicy',
        told(await ssm.deleteResourcePolicy({ ResourceArn: arn, PolicyId, PolicyHash })),
      )
    },
    'ssm DeleteParameter': async () =>
      line('DeleteParameter', told(await ssm.deleteParameter({ Name: '/canary/list' }))),
    'ssm DeleteParameters': async () =>
      line('DeleteParameters', told(await ssm.deleteParameters({ Names: ['/canary/plain', '/canary/none'] }))),
  }
}
