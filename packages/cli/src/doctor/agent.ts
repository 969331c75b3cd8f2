// Whether an agent answers where applications look for one. None is well too: nothing is told then.

import { ask } from './ask.ts'
import type { Report } from './finding.ts'
import type { Shell } from './shell.ts'

const DEFAULT_PORT = '2773'

/** The variable is that of the Lambda extension. https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets_lambda.html */
export async function checkAgent({ ok, warn }: Report, shell: Shell): Promise<void> {
  const port = shell.variable('PARAMETERS_SECRETS_EXTENSION_HTTP_PORT') ?? DEFAULT_PORT
  const url = URL.parse(`http://127.0.0.1:${port}/ping`)
  if (url === null || !/^\d+$/.test(port)) {
    const mend = 'make it the port of the agent, or unset it'
    return warn('agent', 'PARAMETERS_SECRETS_EXTENSION_HTTP_PORT is no port', mend)
  }
  const answer = await ask(url, {}).catch(() => undefined)
  if (answer === undefined) return
  if (answer.status === 200) return ok('agent', `an agent answers on ${url.host}`)
  warn('agent', `what answers on ${url.host} with status ${answer.status} is no agent, or not well`, 'see its log')
}
