// THE PATH OF A REQUEST, top to bottom:
// route → authenticate → throttle → decode → validate → second factor → find target → authorize → run → audit → encode.
// Authorization is here and never in an operation. Nothing leaves before its audit record is written.

import { setTimeout as delay } from 'node:timers/promises'
import type { App } from './app.ts'
import type { AuditEvent, AuditResource } from './audit/event.ts'
import type { AccessKeys, Authenticated } from './auth/authenticate.ts'
import { expiredToken, SignatureError, signatureRefused, unsignedHeader } from './auth/errors.ts'
import type { Proof } from './auth/repeat.ts'
import type {
  AlsoEvent,
  Call,
  CallBase,
  Concealed,
  Following,
  Identity,
  Principal,
  Supposed,
  Supposition,
} from './call.ts'
import { GLOBAL_REGION, globalContext, resourceContext } from './context.ts'
import { IntegrityError, ServiceError } from './errors.ts'
import type { Handler } from './http/listen.ts'
import { header, type WireRequest, type WireResponse } from './http/request.ts'
import { asksForWork } from './jobs/job.ts'
import type { Again, AnyOperation, Service, Target } from './operation.ts'
import { accessDenied, federatedDenied } from './policy/denied.ts'
import { type AuthorizationRequest, type Context, type Decision, ownContext, type Permission } from './policy/engine.ts'
import { evaluate } from './policy/evaluate.ts'
import { addressRateExceeded, invalidAction, rateExceeded, unknownOperation } from './protocol/errors.ts'
import { readIfVersion } from './protocol/if-version.ts'
import { decodeJson, encodeCredentialsError, encodeJson, encodeJsonError, JSON_CONTENT_TYPE } from './protocol/json.ts'
import {
  decodeQuery,
  encodeQueryJson,
  encodeQueryJsonError,
  encodeXml,
  encodeXmlError,
  findUnknownParameter,
  QUERY_JSON_CONTENT_TYPE,
  wantsJson,
  XML_CONTENT_TYPE,
} from './protocol/query.ts'
import { decodeRest, encodeRest, encodeRestError, REST_JSON_CONTENT_TYPE } from './protocol/rest-json.ts'
import { createRouter, OWN_PATH, type Route } from './protocol/route.ts'
import { createRepeats, type Repeats, type WholePath } from './repeats.ts'
import { readSessionPrincipal, sessionHolds } from './services/iam/sessions.ts'
import { findAccessKey, readPrincipal } from './services/iam/store.ts'
import { readPublished } from './services/secretsmanager/port.ts'
import { refuseCallOfSession, sealAuthorizationMessage } from './services/sts/port.ts'
import { redact } from './shape/redact.ts'
import { validate } from './shape/validate.ts'
import { DatabaseError, type Transaction } from './storage/database.ts'

type Plain = { readonly [name: string]: unknown }

/** What has come to be known of a request, for its event and its answer. */
type Progress = {
  identity?: Identity
  region: string
  parameters: Plain | null
  /** What app.rates.take said; asked once a request, however often its transaction runs. */
  refusedForMs?: number
  /** Whether its address paid for it as for one that fails. */
  paid?: boolean
  ifVersion?: string
  resources: readonly AuditResource[]
  /** The account of the target, once the caller was let through to it. */
  owner: string | undefined
  /** Of who signed. */
  proof?: Proof
}

/** What is noted while a call is made. */
type Notes = {
  readonly also: AlsoEvent[]
  /** Whether a policy asked what time it is. */
  timed: boolean
}

const newNotes = (): Notes => ({ also: [], timed: false })

/** What GET /_strongroom/health answers: 200 where `ok`, else 503. `problems` and `warnings` name what an operator can act on. */
export type Health = {
  readonly ok: boolean
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
}

/** What the open routes, which need no signature, answer with. */
export type OpenAnswers = {
  readonly health: () => Promise<Health>
  /** In Prometheus' text format. */
  readonly metrics: () => Promise<string>
}

/** What the listener calls: the open routes, and the path of every other request. `wake` is told of jobs that are due at once. */
export function createHandler(app: App, { health, metrics }: OpenAnswers, wake: () => void): Handler {
  const router = createRouter(app.services)
  const whole: WholePath = (request, route, refusedForMs) =>
    handle(app, { repeats, wake }, request, route, refusedForMs)
  const repeats: Repeats = createRepeats(app, whole)
  const openRoutes: { readonly [route: string]: () => Promise<WireResponse> } = {
    'GET /_strongroom/health': async () => {
      const state = await health()
      return { status: state.ok ? 200 : 503, contentType: 'application/json', body: `${JSON.stringify(state)}\n` }
    },
    'GET /_strongroom/metrics': async () => ({
      status: 200,
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      body: await metrics(),
    }),
  }
  return {
    bodyBytesMax: router.bodyBytesMax,
    open: (method, path, remoteAddress) => {
      if (!path.startsWith(OWN_PATH)) return undefined
      const isPublic = method === 'GET' && path.startsWith(JWKS_PATH)
      const route = isPublic ? () => answerJwks(app, path, remoteAddress) : openRoutes[`${method} ${path}`]
      if (route === undefined) return undefined
      if (app.addressRates.take(isPublic ? 'published' : 'open', remoteAddress, app.wallNow())) return route()
      app.metrics.refused('TooManyRequests')
      return Promise.resolve(TOO_MANY_REQUESTS)
    },
    handle: (request) => {
      try {
        const route = router.route(request)
        return repeats.answer(request, route) ?? whole(request, route)
      } catch (error) {
        return Promise.reject(error)
      }
    },
  }
}

/** `/_strongroom/jwks/ACCOUNT/REGION/NAME/jwks.json`: the public keys that a secret's owner has published. docs/rotators.md#for-anybody-to-read */
const JWKS_PATH = `${OWN_PATH}jwks/`
const JWKS_PLACE = /^([0-9]{12})\/([a-z0-9-]{1,32})\/([A-Za-z0-9/_+=.@!%-]{1,1536})\/jwks\.json$/
const JWKS_NAME = /^[A-Za-z0-9/_+=.@!-]{1,512}$/
const JWKS_CONTENT_TYPE = 'application/jwk-set+json'
const JWKS_SECONDS = 300
const NO_KEYS: WireResponse = {
  status: 404,
  contentType: 'application/json',
  body: '{"message":"There are no published keys of this name."}\n',
}

/** The same answer wherever nothing is published. A set of keys is nobody's secret; whether a secret exists is. */
async function answerJwks(app: App, path: string, from: string): Promise<WireResponse> {
  const [, account = '', region = '', encoded] = JWKS_PLACE.exec(path.slice(JWKS_PATH.length)) ?? []
  const name = decoded(encoded)
  // Not every text may be asked of a database.
  if (name === undefined || !JWKS_NAME.test(name)) return NO_KEYS
  try {
    const body = await readPublished(app, { account, region, name })
    if (body === undefined) return NO_KEYS
    const headers = { 'cache-control': `public, max-age=${JWKS_SECONDS}` }
    return { status: 200, contentType: JWKS_CONTENT_TYPE, headers, body }
  } catch (err) {
    if (err instanceof IntegrityError) app.metrics.integrityFailures.inc({ table: err.table })
    // At a bounded rate: strangers may ask as often as they like.
    app.noteRefusal({ requestId: app.uuid(), code: err instanceof Error ? err.name : 'Error', from })
    return { status: 503, contentType: 'application/json', body: '{"message":"The keys cannot be read now."}\n' }
  }
}

function decoded(name: string | undefined): string | undefined {
  try {
    return name && decodeURIComponent(name)
  } catch {
    return undefined
  }
}

const TOO_MANY_REQUESTS: WireResponse = { status: 429, contentType: 'text/plain', body: 'Too many requests.\n' }

async function handle(
  app: App,
  { repeats, wake }: { readonly repeats: Repeats; readonly wake: () => void },
  request: WireRequest,
  route: Route,
  refusedForMs: number | undefined,
): Promise<WireResponse> {
  const started = performance.now()
  const requestId = app.uuid()
  const ownEventId = app.uuid()
  const time = app.wallNow()
  const progress: Progress = {
    region: '',
    parameters: null,
    resources: [],
    owner: undefined,
    ...(refusedForMs !== undefined && { refusedForMs }),
  }

  const event = (error?: ServiceError, responseElements: Plain | null = null, eventId = ownEventId): AuditEvent => ({
    eventId,
    time,
    requestId,
    service: route.service?.name ?? 'strongroom',
    eventName: route.operation?.name ?? (route.asked || 'UnknownOperation'),
    region: progress.region,
    readOnly: route.operation?.readOnly ?? true,
    ...(progress.identity && { identity: progress.identity }),
    account: progress.identity?.account ?? '',
    sourceIpAddress: request.remoteAddress,
    userAgent: header(request.rawHeaders, 'user-agent') ?? '',
    requestParameters: progress.parameters,
    responseElements,
    resources: progress.resources,
    ...(progress.ifVersion !== undefined && { additionalEventData: { ifVersion: progress.ifVersion } }),
    ...(request.tlsVersion !== undefined && { tlsVersion: request.tlsVersion }),
    ...(error && { errorCode: error.code, errorMessage: error.message }),
  })

  /** A call that reached a resource of another account stands in both trails. One that was refused tells the owner nothing. */
  const inTrails = (event: AuditEvent, owner: string | undefined): readonly AuditEvent[] => {
    if (owner === undefined || owner === event.account) return [event]
    if (event.ofService) return [{ ...event, account: owner }]
    const shared = { ...event, sharedEventId: app.uuid() }
    return [shared, { ...shared, eventId: app.uuid(), account: owner }]
  }

  const eventsOf = ({ also }: Notes): readonly AuditEvent[] =>
    also.flatMap(({ owner, ...fields }) => inTrails({ ...event(undefined, null, app.uuid()), ...fields }, owner))

  /** Who asks, and for what: the signature and the rate, then the input, its types and its declared limits. May run again. */
  const begin = async (tx: Transaction): Promise<Asked> => {
    const caller = await authenticate(app, tx, request, route)
    progress.identity = caller.identity
    progress.region = caller.region
    progress.proof = caller.proof

    if (route.error) throw route.error
    const { service, operation } = route
    if (!service || !operation) throw notAnOperation(route)
    if (operation.http !== undefined) mustSignHeaders(operation, request, caller)
    // By the caller's account, whoever owns what it asks for.
    const region = service.global ? '' : caller.region
    progress.refusedForMs ??= app.rates.take(operation, caller.identity.account, region, time)
    if (progress.refusedForMs > 0) throw rateExceeded(route.protocol)
    refuseCallOfSession(caller.identity, service.name, operation.name)
    const now = app.now()
    app.uses.note(caller.identity, { usedAt: now, service: service.name, region: caller.region })
    return { service, operation, base: baseOf(caller, now, readInput(operation)) }
  }

  /** The same where the operation knows by itself who asks: the input first, in which the proof is. */
  const beginUnsigned = async (service: Service, operation: AnyOperation): Promise<Asked> => {
    if (!app.addressRates.take('proof', request.remoteAddress, time)) {
      throw addressRateExceeded(route.protocol, operation.forCredentials ?? false)
    }
    progress.paid = true
    const now = app.now()
    const input = readInput(operation)
    const identity = await operation.identify!({ app, partition: app.partition, now, input })
    progress.identity = identity
    progress.region = GLOBAL_REGION
    return { service, operation, base: baseOf({ identity, region: GLOBAL_REGION }, now, input) }
  }

  const readInput = (operation: AnyOperation): Plain => {
    const input = decodeInput(operation, route, request)
    progress.parameters = redact(operation.input, input)
    const ifVersion = readIfVersion(request, operation, route.protocol)
    if (ifVersion !== undefined) progress.ifVersion = ifVersion
    validate(operation.input, input, route.protocol === 'query' ? 'ValidationError' : 'ValidationException')
    return input
  }

  const baseOf = (
    { identity, region }: Pick<Authenticated, 'identity' | 'region'>,
    now: number,
    input: Plain,
  ): CallBase<Plain> => {
    const { partition } = app
    const { ifVersion } = progress
    return {
      app,
      requestId,
      eventId: ownEventId,
      now,
      partition,
      region,
      account: identity.account,
      identity,
      ...(ifVersion !== undefined && { ifVersion }),
      input,
    }
  }

  /** The call itself: its target, its permissions, its run, and the events that tell of it. */
  const perform = async (tx: Transaction, { service, operation, base }: Asked, prepared?: unknown): Promise<Done> => {
    progress.owner = undefined
    const notes = newNotes()
    const call = await beginCall(request, base, service, tx, prepared, notes)
    const target: Target = await operation.target(call)
    progress.resources = resourcesOf(target)
    if (target.requestParameters) progress.parameters = { ...progress.parameters, ...target.requestParameters }
    authorizeAll(call, service, operation, target)
    progress.owner = target.account
    const found = await operation.run({ ...call, target })
    const again = typeof found === 'function' ? (found as Again<Plain>) : undefined
    const result = again === undefined ? (found as Plain) : again(base)!
    const own = event(undefined, operation.responseElements?.(result) ?? null)
    const events = [...inTrails(own, progress.owner), ...eventsOf(notes)]
    const { snapshot } = tx
    const lasts = again !== undefined && snapshot !== undefined && !notes.timed
    return { service, operation, base, result, events, ...(lasts && { lasting: { again, snapshot } }) }
  }

  /** Before the transaction of the call, and after its answer: each look at the data is a read of its own, by a caller who must still be let in. */
  const follow = ({ service, operation, base }: Asked): Following<Plain> => ({
    ...base,
    asOfNow: async (work) => {
      try {
        const { seen, events } = await app.database.transaction('read', async (tx) => {
          const { session } = base.identity
          if (session !== undefined && session.expiresAt <= app.wallNow()) throw expiredToken()
          const notes = newNotes()
          const call = await beginCall(request, { ...base, now: app.now() }, service, tx, undefined, notes)
          authorizeAll(call, service, operation, await operation.target(call))
          return { seen: await work(call), events: eventsOf(notes) }
        })
        await app.trail.append(events)
        return seen
      } catch (thrown) {
        throw toServiceError(app, thrown, route, requestId)
      }
    },
  })

  try {
    const done = await inTransactions(app, request, route, { begin, beginUnsigned, perform, follow, wake })
    const { service, operation, result } = done
    if (!operation.readOnly) app.events.committed()
    if (progress.paid) app.addressRates.succeeded('proof', request.remoteAddress)
    const response = operation.stream
      ? encodeStream(operation.stream, follow(done), result, requestId)
      : encodeOutput(request, service, operation, result, requestId)
    learn(repeats, request, done, progress)
    app.metrics.finished(service.name, operation.name, '', performance.now() - started)
    return response
  } catch (thrown) {
    const error = toServiceError(app, thrown, route, requestId)
    // What is no fault of the caller's costs it nothing.
    if (progress.paid && error.status >= 500) app.addressRates.succeeded('proof', request.remoteAddress)
    const name = { service: route.service?.name ?? '', operation: route.operation?.name ?? '' }
    app.metrics.finished(name.service, name.operation, error.code, performance.now() - started)
    if (progress.identity === undefined) {
      app.metrics.refused(error.code)
      app.noteRefusal({ requestId, code: error.code, from: request.remoteAddress })
      return encodeError(request, route, error, requestId)
    }
    try {
      await app.trail.append(inTrails(event(error), progress.owner))
    } catch (failure) {
      const unrecorded = toServiceError(app, failure, route, requestId)
      // Of two failures of the storage the first is told: the second knows nothing of what the call may have changed.
      return encodeError(request, route, thrown instanceof DatabaseError ? error : unrecorded, requestId)
    }
    if (progress.refusedForMs) await delay(progress.refusedForMs)
    return { ...encodeError(request, route, error, requestId), ...authorizationMessage(app, error) }
  }
}

type Asked = { readonly service: Service; readonly operation: AnyOperation; readonly base: CallBase<Plain> }

type Done = Asked & {
  readonly result: Plain
  readonly events: readonly AuditEvent[]
  /** Of what holds until something is committed. */
  readonly lasting?: { readonly again: Again<Plain>; readonly snapshot: number }
}

/** Where one event tells of it in the caller's own trail. */
function learn(repeats: Repeats, request: WireRequest, done: Done, { identity, region, proof }: Progress): void {
  const { service, operation, lasting, events } = done
  const [event, ...others] = events
  if (lasting === undefined || proof === undefined || identity === undefined) return
  if (event === undefined || others.length > 0 || service.protocol !== 'json') return
  repeats.learn({ request, service, operation, identity, region, proof, event, ...lasting })
}

/**
 * A read is one transaction from the signature on, its events are written after it and before the answer. A change is identified in a
 * read, so that a stranger never waits for, or holds up, the writers; then it commits together with its events.
 */
async function inTransactions(
  app: App,
  request: WireRequest,
  route: Route,
  stages: {
    readonly begin: (tx: Transaction) => Promise<Asked>
    readonly beginUnsigned: (service: Service, operation: AnyOperation) => Promise<Asked>
    readonly perform: (tx: Transaction, asked: Asked, prepared?: unknown) => Promise<Done>
    readonly follow: (asked: Asked) => Following<Plain>
    readonly wake: () => void
  },
): Promise<Done> {
  const { database, trail } = app
  const { begin, beginUnsigned, perform, follow, wake } = stages
  const { service, operation } = route
  const unsigned = service !== undefined && operation?.identify !== undefined
  const beginOrDo = async (tx: Transaction): Promise<{ readonly begun: Asked; readonly done?: Done }> => {
    const begun = await begin(tx)
    return isPlainRead(begun) ? { begun, done: await perform(tx, begun) } : { begun }
  }
  const { begun, done } = unsigned
    ? { begun: await beginUnsigned(service, operation), done: undefined }
    : await database.transaction('read', beginOrDo)
  if (done !== undefined) {
    await trail.append(done.events)
    return done
  }
  const asked = await withSecondFactor(begun)
  const prepared = asked.operation.prepare && (await prepareCall(request, asked, follow(asked)))
  if (asked.operation.readOnly) {
    const done = await database.transaction('read', (tx) => perform(tx, asked, prepared))
    await trail.append(done.events)
    return done
  }
  let due = false
  const changed = await database.transaction('write', async (tx) => {
    const done = await perform(tx, asked, prepared)
    await trail.record(tx, done.events)
    due = asksForWork(tx, app.now())
    return done
  })
  if (due) wake()
  return changed
}

const isPlainRead = ({ operation, base }: Asked): boolean =>
  operation.readOnly && !operation.prepare && !operation.secondFactor?.isGiven(base.input)

/** A code of an MFA device is used up before anything is decided: what is decided may ask whether there was one. */
async function withSecondFactor(asked: Asked): Promise<Asked> {
  const { operation, base } = asked
  if (!operation.secondFactor?.isGiven(base.input)) return asked
  return { ...asked, base: { ...base, mfaAt: await operation.secondFactor.accept(base) } }
}

function authenticate(app: App, tx: Transaction, request: WireRequest, route: Route): Promise<Authenticated> {
  const expected = { service: route.service?.signingName ?? route.service?.name, protocol: route.protocol }
  const keys: AccessKeys = {
    find: (accessKeyId) => findAccessKey(app, tx, accessKeyId),
    findSession: async (token, accessKeyId) => {
      const session = app.sessionTokens.open(token, accessKeyId)
      return session && (await sessionHolds(app, tx, session.identity)) ? session : undefined
    },
  }
  return app.authenticate(request, expected, keys, app.wallNow())
}

/** The first authorization of an operation that works outside the transaction; it is repeated inside. */
async function prepareCall(
  request: WireRequest,
  { base, service, operation }: Asked,
  following: Following<Plain>,
): Promise<unknown> {
  await base.app.database.transaction('read', async (tx) => {
    const call = await beginCall(request, base, service, tx, undefined, newNotes())
    authorizeAll(call, service, operation, await operation.target(call))
  })
  return operation.prepare!(following)
}

async function beginCall(
  request: WireRequest,
  base: CallBase<Plain>,
  service: Service,
  tx: Transaction,
  prepared: unknown,
  notes: Notes,
): Promise<Call<Plain>> {
  const principal = await principalOf(base.app, tx, base.identity)
  return callOf(request, base, service, tx, principal, prepared, notes).call
}

function callOf(
  request: WireRequest,
  base: CallBase<Plain>,
  service: Supposed['service'],
  tx: Transaction,
  principal: Principal,
  prepared: unknown,
  notes: Notes,
): Supposition & { readonly call: Call<Plain> } {
  const { app, region } = base
  const { organization } = app
  const { policies: identity, boundary, sessionPolicies: session } = principal
  const layers = { identity, ...(boundary && { boundary }), ...(session && { session }) }
  const onTime = (): void => {
    notes.timed = true
  }
  let known: Context | undefined
  const globals = (): Context =>
    (known ??= globalContext({
      request,
      principal,
      mfaAt: base.mfaAt,
      organization,
      time: app.wallNow(),
      region,
      global: service.global ?? false,
    }))
  const question = (asked: Permission, concealed?: Concealed): AuthorizationRequest => {
    const permission = concealed === undefined ? asked : withConcealed(asked, concealed)
    const context = (): Context => ({ ...globals(), ...resourceContext(permission.resourceAccount, organization) })
    return { principal, permission, context, layers, onTime }
  }
  const decide = (asked: Permission, concealed?: Concealed): Decision => {
    const request = question(asked, concealed)
    const decision = evaluate(request)
    if (!decision.allow) refused.set(decision, request)
    return decision
  }
  const authorize = (permission: Permission, concealed?: Concealed): void => {
    const decision = decide(permission, concealed)
    if (decision.allow) return
    if (principal.identity.federated !== undefined) throw federatedDenied(permission)
    const told = concealed === undefined ? decision : decide(permission)
    throw accessDenied(service.protocol, principal.arn, permission, told)
  }
  const suppose = ({ principal, region, service }: Supposed): Supposition => {
    const { identity, account } = principal
    return callOf(request, { ...base, identity, account, region }, service, tx, principal, undefined, newNotes())
  }
  const call = {
    ...base,
    tx,
    principal,
    prepared,
    decide,
    authorize,
    suppose,
    also: (event: AlsoEvent) => notes.also.push(event),
  }
  return { call, question }
}

/** What the engine was asked where it refused, for as long as its decision is known. */
const refused = new WeakMap<Decision, AuthorizationRequest>()

/** What policies said of a refusal, for who may know it. */
function authorizationMessage(app: App, { decision }: ServiceError): Pick<WireResponse, 'authorizationMessage'> {
  const request = decision && refused.get(decision)
  return request === undefined ? {} : { authorizationMessage: sealAuthorizationMessage(app, request, decision!) }
}

async function principalOf(app: App, tx: Transaction, identity: Identity): Promise<Principal> {
  const { federated, session, kind, arn, userId } = identity
  if (federated !== undefined) {
    const { service } = federated
    const who = service === undefined ? { kind, arn } : { kind: 'service' as const, arn: service }
    return { identity, ...who, account: '', userId, policies: [], tags: {} }
  }
  return session === undefined ? readPrincipal(app, tx, identity) : readSessionPrincipal(app, tx, identity)
}

function authorizeAll(call: Call<Plain>, service: Service, operation: AnyOperation, target: Target): void {
  const permissions = operation.permissions?.(call.input, target) ?? [
    {
      action: `${service.name}:${operation.name}`,
      resource: target.resource,
      ...(target.shown !== undefined && { shown: target.shown }),
      resourceAccount: target.account,
    },
  ]
  const context = (): Context => ({ ...target.context, ...operation.conditions?.(call.input) })
  const { resourcePolicy, grant, concealed } = target
  for (const { concealed: others, ...permission } of permissions) {
    // The policy of the target is not one of whatever else the call asks for.
    const isOwn = permission.resource === target.resource
    const own = isOwn ? { ...(resourcePolicy && { resourcePolicy }), ...(grant && { grant }) } : {}
    const asked = { ...own, ...permission, context: () => ({ ...context(), ...ownContext(permission) }) }
    call.authorize(asked, others ?? (isOwn ? concealed : undefined))
  }
}

/** What is asked of a resource, with all that it has. */
const withConcealed = (
  permission: Permission,
  { resource, context, resourcePolicy, grant }: Concealed,
): Permission => ({
  ...permission,
  ...(resource !== undefined && { resource }),
  context: { ...context, ...ownContext(permission) },
  ...(resourcePolicy && { resourcePolicy }),
  ...(grant && { grant }),
})

const resourcesOf = ({ resource, resources, resourceType, account }: Target): readonly AuditResource[] => {
  if (resources !== undefined) return resources
  const isNamed = resourceType !== undefined && resource.startsWith('arn:')
  return isNamed ? [{ arn: resource, accountId: account, type: resourceType }] : []
}

function notAnOperation({ protocol, parameters, asked }: Route): ServiceError {
  const version = parameters?.get('Version') ?? ''
  if (protocol !== 'query' || !/^[0-9-]{1,10}$/.test(version)) return unknownOperation()
  return invalidAction(asked, version)
}

/** The answer to whatever was thrown. What is not a ServiceError is a fault of ours: the caller gets a request id, the log the cause. */
function toServiceError(app: App, thrown: unknown, route: Route, requestId: string): ServiceError {
  if (thrown instanceof ServiceError) {
    if (thrown.cause !== undefined) app.log.warn({ requestId, code: thrown.code, err: thrown.cause }, thrown.message)
    return thrown
  }
  // The credentials ceased to hold between the signature check and the transaction.
  if (thrown instanceof SignatureError) return signatureRefused(thrown, route.protocol)
  const code = route.service?.faultCode ?? 'InternalFailure'
  if (thrown instanceof IntegrityError) {
    app.metrics.integrityFailures.inc({ table: thrown.table })
    app.log.error({ requestId, table: thrown.table, key: thrown.key }, thrown.message)
    return new ServiceError(code, 500, 'A stored record failed its integrity check and was not used.')
  }
  if (thrown instanceof DatabaseError) {
    app.log.error({ requestId, reason: thrown.reason, err: thrown }, 'the storage failed')
    return new ServiceError(code, 500, STORAGE_FAILURES[thrown.reason])
  }
  app.log.error({ requestId, err: thrown }, 'a fault of the server')
  return new ServiceError(code, 500, 'An error occurred on the server side.')
}

const STORAGE_FAILURES: { readonly [reason in DatabaseError['reason']]: string } = {
  full: 'The storage of the server is full. Nothing was changed.',
  readonly: 'The storage of the server cannot be written. Nothing was changed.',
  unavailable: 'The storage of the server is unavailable. Try again.',
  conflict: 'The storage of the server is busy with conflicting changes. Try again.',
  constraint: 'An error occurred on the server side.',
  corrupt: 'The storage of the server is damaged.',
  other: 'An error occurred on the server side.',
}

function encodeOutput(
  { rawHeaders }: WireRequest,
  service: Service,
  operation: AnyOperation,
  output: Plain,
  requestId: string,
): WireResponse {
  if (service.protocol === 'query') {
    if (wantsJson(rawHeaders)) {
      const body = encodeQueryJson(operation.name, operation.output, output, requestId)
      return { status: 200, contentType: QUERY_JSON_CONTENT_TYPE, requestId, body }
    }
    const body = encodeXml(operation.name, service.xmlNamespace!, operation.output, output, requestId)
    return { status: 200, contentType: XML_CONTENT_TYPE, requestId, body }
  }
  if (service.protocol === 'rest-json') return encodeRest(operation, output, requestId)
  return { status: 200, contentType: JSON_CONTENT_TYPE, requestId, body: encodeJson(operation.output, output) }
}

const encodeStream = (
  { contentType, pieces }: NonNullable<AnyOperation['stream']>,
  following: Following<Plain>,
  result: Plain,
  requestId: string,
): WireResponse => ({
  status: 200,
  contentType,
  requestId,
  body: '',
  stream: (signal) => pieces(following, result, signal),
})

function decodeInput(operation: AnyOperation, route: Route, request: WireRequest): Plain {
  switch (route.protocol) {
    case 'query': {
      const refuse = route.service?.refuseParameter
      const unknown = refuse && findUnknownParameter(operation.input, route.parameters!)
      if (unknown !== undefined) throw refuse!(unknown)
      return decodeQuery(operation.input, route.parameters!)
    }
    case 'rest-json':
      return decodeRest(operation, route.labels!, request)
    case 'json':
      return {
        ...decodeJson(operation.input, request.body),
        ...headerMembers(operation, request),
        ...pathMember(operation, request),
      }
  }
}

/** Members of a REST operation that stand in headers say what is asked for. @throws SignatureError */
function mustSignHeaders({ headers = {} }: AnyOperation, { rawHeaders }: WireRequest, caller: Authenticated): void {
  for (const name of Object.values(headers)) {
    const sent = name !== undefined && header(rawHeaders, name) !== undefined
    if (sent && !caller.signedHeaders.includes(name)) throw unsignedHeader(name)
  }
}

/** The members of the input that stand in headers. */
function headerMembers({ headers = {} }: AnyOperation, { rawHeaders }: WireRequest): Plain {
  const members: Record<string, string> = {}
  for (const [member, name] of Object.entries(headers)) {
    const value = name === undefined ? undefined : header(rawHeaders, name)
    if (value !== undefined) members[member] = value
  }
  return members
}

/** The member that is the rest of the path. */
function pathMember({ path = '', pathMember: member }: AnyOperation, { target }: WireRequest): Plain {
  return member === undefined ? {} : { [member]: target.slice(path.length).replace(/\?.*$/s, '') }
}

/** A refusal in the words of the protocol that the request speaks. */
export function encodeError(
  { rawHeaders }: WireRequest,
  route: Route,
  error: ServiceError,
  requestId: string,
): WireResponse {
  if (route.protocol === 'query') {
    if (wantsJson(rawHeaders)) {
      const body = encodeQueryJsonError(error, requestId)
      return { status: error.status, contentType: QUERY_JSON_CONTENT_TYPE, requestId, body }
    }
    const namespace = route.service?.xmlNamespace ?? 'https://strongroom.invalid/'
    return {
      status: error.status,
      contentType: XML_CONTENT_TYPE,
      requestId,
      body: encodeXmlError(error, namespace, requestId),
    }
  }
  const isRest = route.protocol === 'rest-json'
  const encode = isRest ? encodeRestError : route.operation?.forCredentials ? encodeCredentialsError : encodeJsonError
  return {
    status: error.status,
    contentType: isRest ? REST_JSON_CONTENT_TYPE : JSON_CONTENT_TYPE,
    requestId,
    body: encode(error),
    errorType: error.code,
  }
}
