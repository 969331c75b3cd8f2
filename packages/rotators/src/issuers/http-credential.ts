// Credentials that a product's own HTTP API issues, as its secret describes the requests: API keys, tokens, client secrets.
// docs/rotators.md#credentials-of-an-http-api

import { RotatorError } from '../errors.ts'
import { readOrigin, send } from '../http.ts'
import type { Finding, Io, PendingRun, Rotator, Run, SecretValue } from '../rotator.ts'
import { parseExactly, placeOf } from '../secret.ts'
import {
  matches,
  type Operation,
  pick,
  pointAt,
  readTemplate,
  render,
  type Scope,
  TEMPLATE,
  type Template,
} from './template.ts'

const ANSWER_BYTES_MAX = 1024 * 1024
/** What a list may find to be revoked: more is a list that matches what it should not. */
const LEFT_BEHIND_MAX = 20

/**
 * `http-credential` keeps the previous credential until the next rotation; `http-credential-single` revokes it once AWSCURRENT has moved. With
 * a master the requests are written in the master's secret: whoever may only write the secret cannot have the master's token sent elsewhere.
 */
function httpCredential({ overlap }: { readonly overlap: boolean }): Rotator {
  return {
    name: overlap ? 'http-credential' : 'http-credential-single',
    title: `Credential of an HTTP API: ${overlap ? 'the previous one works until the next rotation' : 'the previous one is revoked at once'}`,
    strategy: overlap ? 'dual' : 'single',
    verified: true,
    verifiedBy: 'an HTTP API made for the tests, over TLS, and no vendor’s',
    members: [
      { name: 'url', required: true, about: 'https://HOST or https://HOST:PORT; http:// only with "ssl": false.' },
      { name: 'ssl', required: false, about: 'TLS with a verified certificate unless it is false.' },
      { name: TEMPLATE, required: false, about: 'The requests: here, or in the secret that masterarn names.' },
      { name: 'masterarn', required: false, about: 'ARN of the secret with the token that issues, and the requests.' },
    ],
    options: [],
    master: 'optional',

    check(value) {
      const origin = placeOfSecret(value)
      if (!hasMaster(value)) readTemplate(value[TEMPLATE], { withMaster: false })
      else if (value[TEMPLATE] !== undefined) {
        throw new RotatorError('secret', `With masterarn the member ${TEMPLATE} stands in the master secret alone.`)
      }
      return { place: placeOf(origin) }
    },

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

export const httpCredentials: readonly Rotator[] = [
  httpCredential({ overlap: true }),
  httpCredential({ overlap: false }),
]

const hasMaster = ({ masterarn }: SecretValue): boolean => masterarn !== undefined && masterarn !== ''

const placeOfSecret = ({ url, ssl }: SecretValue) => readOrigin('url', url, ssl)

const isOfSamePlace = (one: SecretValue, other: SecretValue): boolean =>
  one.url === other.url && String(one.ssl) === String(other.ssl)

/** @throws RotatorError `secret` where the pending value is of another product than the current one */
function pendingOf({ pending, current }: PendingRun): SecretValue {
  if (isOfSamePlace(pending, current)) return pending
  throw new RotatorError('secret', 'The pending version has another url than the current one.')
}

type Api = {
  readonly at: string
  readonly template: Template
  /** With the credential that acts. */
  scope(acting: SecretValue): Scope
  /** The JSON of the answer; undefined where it has none. @throws RotatorError */
  ask(operation: Operation, scope: Scope): Promise<unknown>
}

/** @throws RotatorError `secret` */
function apiOf(run: Run, io: Io): Api {
  const origin = placeOfSecret(run.current)
  const { master } = run
  if (hasMaster(run.current) !== (master !== undefined)) {
    throw new RotatorError('secret', 'The secret that masterarn names cannot be used.')
  }
  if (master && !isOfSamePlace({ url: master.url, ssl: master.ssl }, run.current)) {
    throw new RotatorError('secret', 'The master secret needs the same url, and ssl, as the secret.')
  }
  const template = readTemplate((master ?? run.current)[TEMPLATE], { withMaster: master !== undefined })
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
