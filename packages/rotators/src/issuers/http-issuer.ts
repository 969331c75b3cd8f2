// How a credential that an HTTP API issues is rotated, wherever the requests are described: in a secret, or by who knows the product.
// docs/rotators.md#credentials-of-an-http-api

import { RotatorError } from '../errors.ts'
import { type Origin, send } from '../http.ts'
import type { Finding, Io, PendingRun, Rotator, Run, SecretValue } from '../rotator.ts'
import { parseExactly, placeOf } from '../secret.ts'
import { matches, type Operation, pick, pointAt, render, type Scope, TEMPLATE, type Template } from './template.ts'

const ANSWER_BYTES_MAX = 1024 * 1024
/** What a list may find to be revoked: more is a list that matches what it should not. */
const LEFT_BEHIND_MAX = 20

/** Of one run: where the requests go, and what they are. */
export type HttpApi = { readonly origin: Origin; readonly template: Template }

/** What tells one kind of HTTP credential from another. */
export type HttpIssuer = Omit<Rotator, 'strategy' | 'create' | 'set' | 'test' | 'settle' | 'dryRun'> & {
  /** Whether the previous credential is kept until the next rotation. */
  readonly overlap: boolean
  /** @throws RotatorError `secret` */
  api(run: Run): HttpApi
  /** Whether two values of the secret are of one product, and of one of its accounts. */
  isOfSamePlace(one: SecretValue, other: SecretValue): boolean
}

/** A rotator of credentials that an HTTP API issues, tests, lists and revokes. */
export function httpRotator(issuer: HttpIssuer): Rotator {
  const { overlap, api: _, isOfSamePlace, ...facts } = issuer
  const apiOf = (run: Run, io: Io): Api => apiAt(issuer.api(run), run, io)
  /** @throws RotatorError `secret` where the pending value is of another product than the current one */
  const pendingOf = ({ pending, current }: PendingRun): SecretValue => {
    if (isOfSamePlace(pending, current)) return pending
    throw new RotatorError('secret', 'The pending version is of another place than the current one.')
  }
  return {
    ...facts,
    strategy: overlap ? 'dual' : 'single',

    async create(run, io) {
      const api = apiOf(run, io)
      await revokeLeftBehind(api, run)
      const scope = { ...api.scope(run.current), rotation: { versionId: run.versionId } }
      const issued = pick(await api.ask('issue', scope), api.template.issue.set)
      if (issued === undefined)
        throw new RotatorError('other', `${api.at} issues nothing that ${TEMPLATE}.issue.set finds.`)
      return { ...run.current, ...issued }
    },

    async set(run, io) {
      const api = apiOf(run, io)
      if (run.previous === undefined || !isOfSamePlace(run.previous, run.current)) return
      await revokeUnless(api, run.current, run.previous, [run.current, pendingOf(run)])
    },

    async test(run, io) {
      const api = apiOf(run, io)
      await test(api, pendingOf(run))
    },

    async settle(run, io) {
      const api = apiOf(run, io)
      const pending = pendingOf(run)
      if (overlap) return [await lookAtPrevious(api, run.current)]
      const revoked = await revokeUnless(api, pending, run.current, [pending])
      return [
        revoked
          ? { level: 'ok', message: 'The previous credential is revoked.' }
          : { level: 'warning', message: 'The previous credential is the current one too, and stays.' },
      ]
    },

    async dryRun(run, io) {
      const findings: Finding[] = []
      try {
        const api = apiOf(run, io)
        await test(api, run.current)
        findings.push({ level: 'ok', message: `The current credential works at ${api.at}.` })
        const rotation = { versionId: run.versionId }
        // Whether every placeholder of them has a value.
        render('issue', api.template.issue, { ...api.scope(run.current), rotation })
        render('revoke', api.template.revoke, { ...api.scope(run.current), credential: run.current })
        if (api.template.list) {
          const found = (await leftBehind(api, run)).length
          findings.push({ level: 'ok', message: `Credentials that were left behind and would be revoked: ${found}.` })
        } else if (!JSON.stringify(api.template.issue).includes('{{rotation.versionId}}')) {
          const message = `A crash may leave a credential behind: ${TEMPLATE} has no list, and issue does not send rotation.versionId.`
          findings.push({ level: 'warning', message })
        }
      } catch (error) {
        if (!(error instanceof RotatorError)) throw error
        findings.push({ level: 'problem', message: error.message })
      }
      return findings
    },
  }
}

type Api = {
  readonly at: string
  readonly template: Template
  /** With the credential that acts. */
  scope(acting: SecretValue): Scope
  /** The JSON of the answer; undefined where it has none. @throws RotatorError */
  ask(operation: Operation, scope: Scope): Promise<unknown>
}

function apiAt({ origin, template }: HttpApi, { master }: Run, io: Io): Api {
  const at = placeOf(origin)
  return {
    at,
    template,
    scope: (secret) => ({ secret, master }),
    async ask(operation, scope) {
      const request = template[operation]!
      const { body: sent, ...rendered } = render(operation, request, scope)
      const asked = { ...rendered, ...(sent !== undefined && { body: Buffer.from(sent) }) }
      const { status, body } = await send(origin, asked, io, ANSWER_BYTES_MAX)
      if (!request.statuses.includes(status)) throw refusal(at, operation, status)
      try {
        return body === '' ? undefined : parseExactly(body)
      } catch {
        if (operation === 'revoke' || (operation === 'test' && Object.keys(request.match).length === 0))
          return undefined
        throw new RotatorError('other', `${at} does not answer ${operation} with JSON.`)
      }
    },
  }
}

function refusal(at: string, operation: Operation, status: number): RotatorError {
  const message = `${at} answers ${operation} with status ${status}.`
  if (status === 401 || (status === 403 && operation === 'test')) return new RotatorError('authentication', message)
  if (status === 403) return new RotatorError('permission', message)
  return new RotatorError(status === 429 || status >= 500 ? 'unreachable' : 'other', message)
}

async function test(api: Api, credential: SecretValue): Promise<void> {
  const scope = { ...api.scope(credential), credential }
  const answer = await api.ask('test', scope)
  if (!matches('test', answer, api.template.test, scope)) {
    throw new RotatorError('authentication', `${api.at} answers test with something else than ${TEMPLATE}.test.match.`)
  }
}

/** Not where the same request would revoke one of `kept`. @returns whether it was sent */
async function revokeUnless(
  api: Api,
  acting: SecretValue,
  credential: SecretValue,
  kept: readonly SecretValue[],
): Promise<boolean> {
  const scope = { ...api.scope(acting), credential }
  if (isAnyOf(api, acting, credential, kept)) return false
  await api.ask('revoke', scope)
  return true
}

function isAnyOf(api: Api, acting: SecretValue, credential: SecretValue, kept: readonly SecretValue[]): boolean {
  const revoking = (one: SecretValue): string =>
    JSON.stringify(render('revoke', api.template.revoke, { ...api.scope(acting), credential: one }))
  return kept.some((one) => revoking(one) === revoking(credential))
}

/** What the list matches, but for the current credential. */
async function leftBehind(api: Api, run: Run): Promise<readonly SecretValue[]> {
  const { list } = api.template
  if (list === undefined) return []
  const scope = { ...api.scope(run.current), rotation: { versionId: run.versionId } }
  const items = pointAt(await api.ask('list', scope), list.items)
  if (!Array.isArray(items)) throw new RotatorError('other', `${api.at} lists nothing at ${TEMPLATE}.list.items.`)
  const found = items
    .filter((item) => matches('list', item, list, scope))
    .map((item) => {
      const picked = pick(item, list.set)
      if (picked === undefined)
        throw new RotatorError('other', `${api.at} lists what ${TEMPLATE}.list.set does not find.`)
      return { ...run.current, ...picked }
    })
    .filter((credential) => !isAnyOf(api, run.current, credential, [run.current]))
  if (found.length > LEFT_BEHIND_MAX) {
    throw new RotatorError(
      'secret',
      `${TEMPLATE}.list matches more than ${LEFT_BEHIND_MAX} credentials: none is revoked.`,
    )
  }
  return found
}

async function revokeLeftBehind(api: Api, run: Run): Promise<void> {
  for (const credential of await leftBehind(api, run)) {
    await revokeUnless(api, run.current, credential, [run.current])
  }
}

async function lookAtPrevious(api: Api, previous: SecretValue): Promise<Finding> {
  try {
    await test(api, previous)
    return { level: 'ok', message: 'The previous credential still works.' }
  } catch (error) {
    if (!(error instanceof RotatorError)) throw error
    const refused = error.kind === 'authentication'
    const what = refused ? 'no longer works' : 'could not be tried'
    return { level: refused ? 'problem' : 'warning', message: `The previous credential ${what}: ${error.message}` }
  }
}
