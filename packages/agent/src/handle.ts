// The path of a request, in the order in which AWS's agent checks: connections, X-Forwarded-For, token, method, path.

import { type Answer, failureAnswer, parameterAnswer, secretAnswer } from './answers.ts'
import { parameterByQuery, secretByPath, secretByQuery } from './asked.ts'
import type { AgentConfig } from './config.ts'
import type { Identities } from './identities.ts'
import type { Log } from './log.ts'
import { type Metrics, metricsText } from './metrics.ts'
import { RequestError } from './request-error.ts'
import { tokenCheck } from './token.ts'
import { toldOf } from './told.ts'

export type AgentRequest = {
  readonly method: string
  /** Path and query. */
  readonly target: string
  /** Names in lower case. */
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined }
  /** Which of the open connections it came on, when that began: 1 is the first. */
  readonly connection: number
  readonly needsToken: boolean
}

export type HandlerParts = {
  readonly config: Pick<AgentConfig, 'connectionsMax' | 'tokenHeaders' | 'token' | 'pathPrefix'>
  readonly identities: Identities
  readonly metrics: Metrics
  readonly log: Log
}

export type Handler = (request: AgentRequest) => Promise<Answer>

/** Of our own, so that it is no name of AWS's agent or extension. */
export const METRICS_PATH = '/_strongroom/metrics'
/** So that a full agent still tells that it is there. */
const SPARE_CONNECTIONS = 2

export function createHandler({ config, identities, metrics, log }: HandlerParts): Handler {
  const isToken = config.token === undefined ? () => false : tokenCheck(config.token)

  const check = ({ method, headers, connection, needsToken }: AgentRequest, path: string): void => {
    const isPing = path === '/ping'
    if (connection > config.connectionsMax + (isPing ? SPARE_CONNECTIONS : 0))
      throw new RequestError(429, 'Connection limit exceeded')
    if (!isPing) {
      if (headers['x-forwarded-for'] !== undefined) throw new RequestError(400, 'Forwarded')
      if (needsToken && !config.tokenHeaders.some((name) => isToken(String(headers[name] ?? ''))))
        throw new RequestError(403, 'Bad Token')
    }
    if (method !== 'GET') throw new RequestError(405, 'Not allowed')
  }

  const route = (path: string, query: string): Promise<Answer> | Answer => {
    if (path === '/ping') return { status: 200, body: 'healthy' }
    if (path === '/secretsmanager/get') return secret(secretByQuery(query))
    if (path === '/systemsmanager/parameters/get') return parameter(parameterByQuery(query))
    if (path === METRICS_PATH) return { status: 200, body: metricsText(metrics, identities.totals()) }
    if (path.startsWith(config.pathPrefix)) return secret(secretByPath(path.slice(config.pathPrefix.length), query))
    throw new RequestError(404, 'Not found')
  }

  const secret = ({ secretId, roleArn, ...options }: ReturnType<typeof secretByQuery>): Promise<Answer> =>
    identities.use(roleArn, async ({ secrets }) => secretAnswer(await secrets.getSecretValue(secretId, options)))

  const parameter = ({ name, roleArn, ...options }: ReturnType<typeof parameterByQuery>): Promise<Answer> =>
    identities.use(roleArn, async ({ parameters }) =>
      parameterAnswer(await (await parameters()).getParameterValue(name, options)),
    )

  return async (request) => {
    const { method, target } = request
    const queryAt = target.indexOf('?')
    const [path, query] = queryAt < 0 ? [target, ''] : [target.slice(0, queryAt), target.slice(queryAt + 1)]
    let given: Answer
    try {
      check(request, path)
      given = await route(path, query)
      log.debug({ method, path, status: given.status }, 'answered')
    } catch (error) {
      given = failureAnswer(error)
      const why = error instanceof RequestError ? { reason: error.message } : { query, error: toldOf(error) }
      log[given.status >= 500 ? 'error' : 'warn']({ method, path, status: given.status, ...why }, 'not answered')
    }
    metrics.answered(given.status)
    return given
  }
}
