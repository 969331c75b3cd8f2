// Credentials of products whose API is known, by the type of a managed external secret, with the members and options that AWS documents for it.
// None was tried at the product itself. docs/rotators.md#managed-external-secrets

import { RotatorError } from '../errors.ts'
import { type Origin, readOrigin } from '../http.ts'
import type { Described, Rotator, Run, SecretValue } from '../rotator.ts'
import { placeOf } from '../secret.ts'
import { httpRotator } from './http-issuer.ts'
import { readTemplate } from './template.ts'

/** A product, as data. */
export type Partner = {
  /** Of the secret. https://docs.aws.amazon.com/secretsmanager/latest/userguide/mes-partners.html */
  readonly type: string
  readonly title: string
  /** A double of its API, in a test. */
  readonly verifiedBy: string
  readonly members: readonly Described[]
  /** Members that say whose credential it is: another one cannot be pending. */
  readonly identity: readonly string[]
  readonly master: 'required' | 'optional'
  /** Origins, by what the member `site` of the master says; the first where there is none. */
  readonly sites: { readonly [site: string]: string }
  /** Why a value without a master cannot be rotated. */
  readonly needsMaster?: (value: SecretValue) => boolean
  /** As `httpCredential` of a secret. */
  readonly requests: (value: SecretValue, acting: 'master' | 'secret') => object
}

/** The option that names the master secret. */
const ADMIN = 'adminSecretArn'
const NAMED = 'strongroom {{rotation.versionId}}'

/** https://docs.aws.amazon.com/secretsmanager/latest/userguide/mes-partner-DatadogApiKey.html, https://docs.datadoghq.com/api/latest/key-management/ */
export const datadogApiKey: Partner = {
  type: 'DatadogApiKey',
  title: 'API key of Datadog',
  verifiedBy: 'a double of Datadog’s Key Management API',
  members: [
    { name: 'apiKey', required: true, about: 'Replaced by each rotation.' },
    { name: 'apiKeyId', required: true, about: 'Replaced by each rotation.' },
  ],
  identity: [],
  master: 'required',
  sites: Object.fromEntries(
    [
      'datadoghq.com',
      'us3.datadoghq.com',
      'us5.datadoghq.com',
      'datadoghq.eu',
      'ap1.datadoghq.com',
      'ap2.datadoghq.com',
      'uk1.datadoghq.com',
      'ddog-gov.com',
      'us2.ddog-gov.com',
    ].map((site) => [site, `https://api.${site}`]),
  ),
  requests: () => {
    const headers = { 'dd-api-key': '{{master.adminApiKey}}', 'dd-application-key': '{{master.adminAppKey}}' }
    return {
      issue: {
        headers,
        path: '/api/v2/api_keys',
        json: { data: { type: 'api_keys', attributes: { name: NAMED } } },
        statuses: [201],
        set: { apiKey: '/data/attributes/key', apiKeyId: '/data/id' },
      },
      test: {
        headers: { 'dd-api-key': '{{credential.apiKey}}' },
        path: '/api/v1/validate',
        match: { '/valid': 'true' },
      },
      list: {
        headers,
        path: '/api/v2/api_keys?page%5Bsize%5D=100&filter=strongroom%20{{rotation.versionId}}',
        items: '/data',
        match: { '/attributes/name': NAMED },
        set: { apiKeyId: '/id' },
      },
      revoke: { headers, path: '/api/v2/api_keys/{{credential.apiKeyId}}' },
    }
  },
}

/** https://docs.aws.amazon.com/secretsmanager/latest/userguide/mes-partner-ConfluentCloudApiKey.html, https://docs.confluent.io/cloud/current/api.html */
export const confluentCloudApiKey: Partner = {
  type: 'ConfluentCloudApiKey',
  title: 'API key of Confluent Cloud',
  verifiedBy: 'a double of Confluent’s IAM v2 API',
  members: [
    { name: 'apiKey', required: true, about: 'Replaced by each rotation.' },
    { name: 'apiSecret', required: true, about: 'Replaced by each rotation.' },
    { name: 'serviceAccountId', required: true, about: 'Whose keys they are.' },
    { name: 'resourceId', required: false, about: 'What they are for; a Cloud API key without it.' },
    { name: 'environmentId', required: false, about: 'Where the resource is.' },
  ],
  identity: ['serviceAccountId', 'resourceId', 'environmentId'],
  master: 'optional',
  sites: { 'confluent.cloud': 'https://api.confluent.cloud' },
  needsMaster: ({ resourceId }) => isText(resourceId),
  requests: ({ resourceId, environmentId }, acting) => {
    const basic = { username: `{{${acting}.apiKey}}`, password: `{{${acting}.apiSecret}}` }
    const resource = {
      id: '{{secret.resourceId}}',
      ...(isText(environmentId) && { environment: '{{secret.environmentId}}' }),
    }
    // A key of a resource is let in there alone; of it the API can only tell that it is there.
    const whose = isText(resourceId)
      ? basic
      : { username: '{{credential.apiKey}}', password: '{{credential.apiSecret}}' }
    return {
      issue: {
        basic,
        path: '/iam/v2/api-keys',
        json: {
          spec: {
            display_name: NAMED,
            owner: { id: '{{secret.serviceAccountId}}' },
            ...(isText(resourceId) && { resource }),
          },
        },
        statuses: [202],
        set: { apiKey: '/id', apiSecret: '/spec/secret' },
      },
      test: {
        basic: whose,
        path: '/iam/v2/api-keys/{{credential.apiKey}}',
        match: { '/id': '{{credential.apiKey}}' },
      },
      list: {
        basic,
        path: '/iam/v2/api-keys?page_size=100&spec.owner={{secret.serviceAccountId}}',
        items: '/data',
        match: { '/spec/display_name': NAMED },
        set: { apiKey: '/id' },
      },
      revoke: { basic, path: '/iam/v2/api-keys/{{credential.apiKey}}' },
    }
  },
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''

/** `originOf` stands in for the product's own addresses, where a double of it is asked. */
export function partnerRotator(
  partner: Partner,
  originOf: (site: string) => string = (site) => partner.sites[site]!,
): Rotator {
  const { type, title, verifiedBy, members, identity, master, sites, needsMaster = () => false, requests } = partner
  const [first = ''] = Object.keys(sites)
  const originFor = (admin: SecretValue | undefined): Origin => {
    const site = admin?.site === undefined || admin.site === '' ? first : admin.site
    if (typeof site !== 'string' || !Object.hasOwn(sites, site)) {
      throw new RotatorError(
        'secret',
        `The member site of the master secret is none of ${Object.keys(sites).join(', ')}.`,
      )
    }
    return readOrigin('site', originOf(site), undefined)
  }
  return httpRotator({
    name: type,
    title: `${title}: the previous one works until the next rotation`,
    overlap: true,
    verified: false,
    verifiedBy,
    members,
    options: [
      {
        name: ADMIN,
        required: master === 'required',
        about: 'ARN of the secret of who issues; the key itself without it.',
      },
    ],
    master,
    masterOption: ADMIN,

    check(value, options) {
      const wrong = members.filter(({ name, required }) => {
        return value[name] === undefined || value[name] === '' ? required : typeof value[name] !== 'string'
      })
      if (wrong.length > 0) {
        const names = wrong.map(({ name }) => name).join(', ')
        throw new RotatorError('secret', `The secret does not fit ${type}: ${names} is missing or not a string.`)
      }
      if (options[ADMIN] === undefined && (master === 'required' || needsMaster(value))) {
        throw new RotatorError('secret', `A ${type} like this one needs the option ${ADMIN}.`)
      }
      // What the master says of its site is not for who may write this secret to change, and neither is whose keys the master makes.
      const place = placeOf(readOrigin('site', sites[first], undefined))
      return { place, way: JSON.stringify(identity.map((name) => value[name] ?? '')) }
    },

    api({ current, master: admin, options }: Run) {
      if ((options[ADMIN] !== undefined) !== (admin !== undefined)) {
        throw new RotatorError('secret', `The secret that ${ADMIN} names cannot be used.`)
      }
      const template = requests(current, admin === undefined ? 'secret' : 'master')
      return { origin: originFor(admin), template: readTemplate(template, { withMaster: admin !== undefined }) }
    },

    isOfSamePlace: (one, other) => identity.every((name) => String(one[name] ?? '') === String(other[name] ?? '')),
  })
}

/** Of managed external secrets, by their type, which is their name. */
export const partnerRotators: readonly Rotator[] = [datadogApiKey, confluentCloudApiKey].map((one) =>
  partnerRotator(one),
)
