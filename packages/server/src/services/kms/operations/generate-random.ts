// GenerateRandom returns random bytes from the system's generator.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateRandom.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { refuseRecipient } from '../cryptography.ts'
import { invalidRequest, keyStoreNotFound } from '../errors.ts'
import { CiphertextBlob, CustomKeyStoreId, NumberOfBytes, Plaintext, Recipient } from '../shapes.ts'

export const generateRandom = operation({
  name: 'GenerateRandom',
  readOnly: true,
  input: {
    NumberOfBytes: optional(NumberOfBytes),
    CustomKeyStoreId: optional(CustomKeyStoreId),
    Recipient: optional(Recipient),
  },
  output: { Plaintext: optional(Plaintext), CiphertextForRecipient: optional(CiphertextBlob) },
  target: async ({ account }) => ({ resource: '*', shown: '*', account }),

  async run({ app, input }) {
    refuseRecipient(input)
    if (input.CustomKeyStoreId !== undefined) throw keyStoreNotFound()
    if (input.NumberOfBytes === undefined) throw invalidRequest('NumberOfBytes is required.')
    return { Plaintext: app.randomBytes(input.NumberOfBytes) }
  },
})
