// UpdateCustomKeyStore is refused: there are no custom key stores.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateCustomKeyStore.html

import { operation } from '../../../operation.ts'
import { optional, string } from '../../../shape/shape.ts'
import { noCustomKeyStore } from '../errors.ts'
import { CustomKeyStoreId, KeyStoreProxy } from '../shapes.ts'

export const updateCustomKeyStore = operation({
  name: 'UpdateCustomKeyStore',
  readOnly: false,
  input: {
    CustomKeyStoreId,
    NewCustomKeyStoreName: optional(string({ min: 1, max: 256 })),
    ...KeyStoreProxy,
  },
  output: {},
  target: async ({ account }) => ({ resource: '*', shown: '*', account }),

  async run() {
    throw noCustomKeyStore()
  },
})
