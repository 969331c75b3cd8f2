// RemoveOpenIDConnectProviderKeys forgets the keys that were uploaded for an identity provider: its issuer is asked for them again. No AWS
// operation: docs/workloads.md.

import { operation } from '../../../operation.ts'
import { boolean, string } from '../../../shape/shape.ts'
import { existingOidcProvider, oidcProviderTarget, setProviderKeys } from '../../iam/port.ts'

export const removeOpenIDConnectProviderKeys = operation({
  name: 'RemoveOpenIDConnectProviderKeys',
  readOnly: false,
  path: '/_strongroom/oidc-providers/remove-keys',

  input: { OpenIDConnectProviderArn: string({ min: 20, max: 2048 }) },

  output: {
    OpenIDConnectProviderArn: string(),
    /** False where there were none. */
    Removed: boolean(),
  },

  target: oidcProviderTarget,

  responseElements: ({ Removed }) => ({ removed: Removed }),

  async run({ app, tx, target }) {
    const provider = existingOidcProvider(target)
    const removed = provider.body.keys !== undefined
    if (removed) await setProviderKeys(app, tx, provider, undefined)
    return { OpenIDConnectProviderArn: target.arn, Removed: removed }
  },
})
