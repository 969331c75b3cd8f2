// Credentials that a product's own HTTP API issues, as its secret describes the requests: API keys, tokens, client secrets.
// docs/rotators.md#credentials-of-an-http-api

import { RotatorError } from '../errors.ts'
import { readOrigin } from '../http.ts'
import type { Rotator, SecretValue } from '../rotator.ts'
import { placeOf } from '../secret.ts'
import { httpRotator } from './http-issuer.ts'
import { readTemplate, TEMPLATE } from './template.ts'

/**
 * `http-credential` keeps the previous credential until the next rotation; `http-credential-single` revokes it once AWSCURRENT has moved. With
 * a master the requests are written in the master's secret: whoever may only write the secret cannot have the master's token sent elsewhere.
 */
const httpCredential = ({ overlap }: { readonly overlap: boolean }): Rotator =>
  httpRotator({
    name: overlap ? 'http-credential' : 'http-credential-single',
    title: `Credential of an HTTP API: ${overlap ? 'the previous one works until the next rotation' : 'the previous one is revoked at once'}`,
    overlap,
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
      const origin = originOf(value)
      if (!hasMaster(value)) readTemplate(value[TEMPLATE], { withMaster: false })
      else if (value[TEMPLATE] !== undefined) {
        throw new RotatorError('secret', `With masterarn the member ${TEMPLATE} stands in the master secret alone.`)
      }
      return { place: placeOf(origin) }
    },

    api({ current, master }) {
      const origin = originOf(current)
      if (hasMaster(current) !== (master !== undefined)) {
        throw new RotatorError('secret', 'The secret that masterarn names cannot be used.')
      }
      if (master && !isOfSamePlace({ url: master.url, ssl: master.ssl }, current)) {
        throw new RotatorError('secret', 'The master secret needs the same url, and ssl, as the secret.')
      }
      return { origin, template: readTemplate((master ?? current)[TEMPLATE], { withMaster: master !== undefined }) }
    },

    isOfSamePlace,
  })

export const httpCredentials: readonly Rotator[] = [
  httpCredential({ overlap: true }),
  httpCredential({ overlap: false }),
]

const hasMaster = ({ masterarn }: SecretValue): boolean => masterarn !== undefined && masterarn !== ''

const originOf = ({ url, ssl }: SecretValue) => readOrigin('url', url, ssl)

function isOfSamePlace(one: SecretValue, other: SecretValue): boolean {
  return one.url === other.url && String(one.ssl) === String(other.ssl)
}
