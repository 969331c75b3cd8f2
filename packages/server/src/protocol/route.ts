// Which operation a request asks for: by X-Amz-Target (JSON), by Action and Version (Query), by method and path (REST, our own routes).

import type { ServiceError } from '../errors.ts'
import { header, type WireRequest } from '../http/request.ts'
import type { AnyOperation, Protocol, Service } from '../operation.ts'
import { unknownOperation } from './errors.ts'
import { parseForm, type QueryParameters } from './query.ts'
import { decodePart, type Labels } from './rest-json.ts'

/** What is known of a request before its signature is checked. Nothing of it is trusted until then. */
export type Route = {
  readonly protocol: Protocol
  /** Undefined where the request names no service that this server has. */
  readonly service: Service | undefined
  /** Undefined where the service has no such operation: refused once the caller is known. */
  readonly operation: AnyOperation | undefined
  /** The operation's name as asked for, for the audit trail; empty where it is not a name at all. */
  readonly asked: string
  readonly parameters?: QueryParameters
  /** REST: what the path gives. */
  readonly labels?: Labels
  /** Why the request cannot be read at all. */
  readonly error?: ServiceError
}

export type Router = {
  /** The most bytes that a request with these headers may send, known before its body is read. */
  bodyBytesMax(rawHeaders: readonly string[], target: string): number
  route(request: WireRequest): Route
}

const FORM = 'application/x-www-form-urlencoded'
const NAME = /^[A-Za-z][A-Za-z0-9]{0,63}$/

/** Our own signed routes: `POST /_strongroom/clock` is an operation of the service `strongroom`. */
export const OWN_PATH = '/_strongroom/'

export function createRouter(services: readonly Service[]): Router {
  const byTarget = new Map<string, Route>()
  const byPrefix = new Map<string, Service>()
  const byAction = new Map<string, { readonly service: Service; readonly operation: AnyOperation }>()
  const byPath = new Map<string, { readonly service: Service; readonly operation: AnyOperation }>()
  /** Of our own routes, by path. */
  const bodySizes = new Map<string, number>()
  for (const service of services) {
    for (const prefix of service.targetPrefixes ?? []) byPrefix.set(prefix, service)
    for (const operation of service.operations) {
      for (const prefix of service.targetPrefixes ?? [])
        byTarget.set(`${prefix}.${operation.name}`, { protocol: 'json', service, operation, asked: operation.name })
      if (service.protocol === 'query') byAction.set(`${service.version} ${operation.name}`, { service, operation })
      if (operation.path !== undefined) {
        byPath.set(`${operation.method ?? 'POST'} ${operation.path}`, { service, operation })
        bodySizes.set(operation.path, service.bodyBytesMax)
      }
    }
  }
  const restRoutes = services.flatMap((service) =>
    service.operations.flatMap((operation) =>
      operation.http === undefined ? [] : [{ service, operation, segments: operation.http.uri.slice(1).split('/') }],
    ),
  )
  const querySize = Math.max(
    ...services.filter((s) => s.protocol === 'query').map((s) => s.bodyBytesMax),
    UNKNOWN_BODY_MAX,
  )

  const findPath = (method: string, path: string) => {
    const exact = byPath.get(`${method} ${path}`)
    if (exact !== undefined) return exact
    const folder = byPath.get(`${method} ${path.slice(0, path.lastIndexOf('/') + 1)}`)
    return folder?.operation.pathMember === undefined ? undefined : folder
  }

  const routeTarget = (target: string): Route => {
    const found = byTarget.get(target)
    if (found) return found
    const dot = target.lastIndexOf('.')
    const name = target.slice(dot + 1)
    const service = dot < 0 ? undefined : byPrefix.get(target.slice(0, dot))
    return { protocol: 'json', service, operation: undefined, asked: NAME.test(name) ? name : '' }
  }

  const routeQuery = (request: WireRequest, search: string, hasForm: boolean): Route => {
    try {
      const form = hasForm
        ? Buffer.from(request.body.buffer, request.body.byteOffset, request.body.length).toString()
        : ''
      const parameters = parseForm(search, form)
      const action = parameters.get('Action') ?? ''
      const version = parameters.get('Version') ?? ''
      const found = byAction.get(`${version} ${action}`)
      const service = found?.service ?? services.find((s) => s.protocol === 'query' && s.version === version)
      return {
        protocol: 'query',
        service,
        operation: found?.operation,
        asked: NAME.test(action) ? action : '',
        parameters,
      }
    } catch (error) {
      return { protocol: 'query', service: undefined, operation: undefined, asked: '', error: error as ServiceError }
    }
  }

  const restRoutesOf = (path: string) => {
    const segments = restSegments(path)
    return segments === undefined ? [] : restRoutes.filter((route) => fits(route.segments, segments))
  }

  const routeRest = (method: string, path: string): Route | undefined => {
    const found = restRoutesOf(path).find(({ operation }) => operation.http?.method === method)
    if (found === undefined) return undefined
    const { service, operation } = found
    const route = { protocol: 'rest-json', service, operation, asked: operation.name } as const
    try {
      return { ...route, labels: readLabels(found.segments, restSegments(path)!) }
    } catch (error) {
      return { ...route, labels: {}, error: error as ServiceError }
    }
  }

  return {
    bodyBytesMax: (rawHeaders, target) => {
      const amzTarget = header(rawHeaders, 'x-amz-target')
      if (amzTarget !== undefined) {
        return byPrefix.get(amzTarget.slice(0, amzTarget.lastIndexOf('.')))?.bodyBytesMax ?? UNKNOWN_BODY_MAX
      }
      if (target.startsWith(OWN_PATH)) return bodySizes.get(target) ?? UNKNOWN_BODY_MAX
      const rest = restRoutesOf(pathOf(target))
      if (rest.length === 0) return querySize
      return Math.max(...rest.map(({ service, operation }) => operation.http?.bodyBytesMax ?? service.bodyBytesMax))
    },

    route: (request) => {
      const question = request.target.indexOf('?')
      const path = pathOf(request.target)
      if (path.startsWith(OWN_PATH)) {
        const found = findPath(request.method, path)
        return {
          protocol: 'json',
          service: found?.service,
          operation: found?.operation,
          asked: found?.operation.name ?? '',
        }
      }
      const amzTarget = header(request.rawHeaders, 'x-amz-target')
      if (amzTarget !== undefined) {
        if (path === '/' && request.method === 'POST') return routeTarget(amzTarget)
        return { protocol: 'json', service: undefined, operation: undefined, asked: '', error: unknownOperation() }
      }
      const rest = routeRest(request.method, path)
      if (rest !== undefined) return rest
      const contentType = header(request.rawHeaders, 'content-type') ?? ''
      const hasForm = contentType.slice(0, FORM.length).toLowerCase() === FORM
      const search = question < 0 ? '' : request.target.slice(question + 1)
      if (path === '/' && (hasForm || search !== '')) return routeQuery(request, search, hasForm)
      return { protocol: 'json', service: undefined, operation: undefined, asked: '' }
    },
  }
}

const UNKNOWN_BODY_MAX = 65_536

const pathOf = (target: string): string => {
  const question = target.indexOf('?')
  return question < 0 ? target : target.slice(0, question)
}

/**
 * The segments of a path, which may end in a slash. Undefined where one is empty or made of dots: the signature is over the path without
 * them, so it would stand for another operation too.
 */
function restSegments(path: string): readonly string[] | undefined {
  const segments = path
    .slice(1)
    .replace(/\/$/, '')
    .split('/', REST_SEGMENTS_MAX + 1)
  return segments.some((segment) => segment === '' || segment === '.' || segment === '..') ? undefined : segments
}

/** More than any operation has. */
const REST_SEGMENTS_MAX = 16

const isLabel = (segment: string): boolean => segment.startsWith('{')

const fits = (template: readonly string[], segments: readonly string[]): boolean =>
  template.length === segments.length && template.every((part, at) => isLabel(part) || part === segments[at])

/** @throws ServiceError SerializationException */
const readLabels = (template: readonly string[], segments: readonly string[]): Labels =>
  Object.fromEntries(
    template.flatMap((part, at) => (isLabel(part) ? [[part.slice(1, -1), decodePart(segments[at]!)]] : [])),
  )
