// SetOpenIDConnectProviderKeys gives an identity provider of the caller's account the keys that its tokens are checked with, for an issuer that
// the server cannot reach. Who may do so may make tokens of whomever the issuer speaks for. No AWS operation: docs/workloads.md.

import { operation } from '../../../operation.ts'
import { list, string } from '../../../shape/shape.ts'
import {
  existingOidcProvider,
  oidcProviderTarget,
  PROVIDER_KEYS_BYTES_MAX,
  parseProviderKeys,
  setProviderKeys,
} from '../../iam/port.ts'

export const setOpenIDConnectProviderKeys = operation({
  name: 'SetOpenIDConnectProviderKeys',
  readOnly: false,
  path: '/_strongroom/oidc-providers/set-keys',

  input: {
    OpenIDConnectProviderArn: string({ min: 20, max: 2048 }),
    /** A JWK Set in JSON. It takes the place of all keys there were. Not in the trail: what it must not hold are private keys. */
    Keys: string({ min: 1, max: PROVIDER_KEYS_BYTES_MAX, sensitive: true }),
  },

  output: {
    OpenIDConnectProviderArn: string(),
    KeyIds: list(string()),
  },

  target: oidcProviderTarget,

  responseElements: ({ KeyIds }) => ({ keyIds: KeyIds }),

  async run({ app, tx, input, target }) {
    const provider = existingOidcProvider(target)
    const keys = parseProviderKeys(input.Keys)
    await setProviderKeys(app, tx, provider, keys)
    return { OpenIDConnectProviderArn: target.arn, KeyIds: keys.map(({ kid }) => kid) }
  },
})
