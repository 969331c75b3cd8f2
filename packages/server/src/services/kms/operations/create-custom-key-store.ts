// CreateCustomKeyStore is refused: keys lie in the server's own database.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateCustomKeyStore.html

import { operation } from '../../../operation.ts'
import { optional, string } from '../../../shape/shape.ts'
import { noCustomKeyStore } from '../errors.ts'
import { CustomKeyStoreId, KeyStoreProxy } from '../shapes.ts'

export const createCustomKeyStore = operation({
  name: 'CreateCustomKeyStore',
  readOnly: false,
  input: {
    CustomKeyStoreName: string({ min: 1, max: 256 }),
    TrustAnchorCertificate: optional(string({ min: 1, max: 5000 })),
    CustomKeyStoreType: optional(string()),
    ...KeyStoreProxy,
  },
  output: { CustomKeyStoreId: optional(CustomKeyStoreId) },
  target: async ({ account }) => ({ resource: '*', shown: '*', account }),

  async run() {
    throw noCustomKeyStore()
  },
})
