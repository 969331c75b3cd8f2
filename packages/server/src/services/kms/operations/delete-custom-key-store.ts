// DeleteCustomKeyStore is refused: there are no custom key stores.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteCustomKeyStore.html

import { operation } from '../../../operation.ts'
import { noCustomKeyStore } from '../errors.ts'
import { CustomKeyStoreId } from '../shapes.ts'

export const deleteCustomKeyStore = operation({
  name: 'DeleteCustomKeyStore',
  readOnly: false,
  input: { CustomKeyStoreId },
  output: {},
  target: async ({ account }) => ({ resource: '*', shown: '*', account }),

  async run() {
    throw noCustomKeyStore()
  },
})
