// GetRandomPassword makes a password under the caller's rules. It is not kept, and it is about no secret.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html

import { operation } from '../../../operation.ts'
import { boolean, integer, optional, string } from '../../../shape/shape.ts'
import { generatePassword } from '../password.ts'
import { RandomPassword } from '../shapes.ts'

const PASSWORD_LENGTH = 32

export const getRandomPassword = operation({
  name: 'GetRandomPassword',
  readOnly: true,

  input: {
    PasswordLength: optional(integer({ min: 1, max: 4096 })),
    ExcludeCharacters: optional(string({ max: 4096 })),
    ExcludeNumbers: optional(boolean()),
    ExcludePunctuation: optional(boolean()),
    ExcludeUppercase: optional(boolean()),
    ExcludeLowercase: optional(boolean()),
    IncludeSpace: optional(boolean()),
    RequireEachIncludedType: optional(boolean()),
  },

  output: { RandomPassword: optional(RandomPassword) },

  target: async ({ account }) => ({ resource: '*', account }),

  async run({ app, input }) {
    const rules = {
      length: input.PasswordLength ?? PASSWORD_LENGTH,
      excludeCharacters: input.ExcludeCharacters ?? '',
      excludeNumbers: input.ExcludeNumbers ?? false,
      excludePunctuation: input.ExcludePunctuation ?? false,
      excludeUppercase: input.ExcludeUppercase ?? false,
      excludeLowercase: input.ExcludeLowercase ?? false,
      includeSpace: input.IncludeSpace ?? false,
      requireEachIncludedType: input.RequireEachIncludedType ?? true,
    }
    return { RandomPassword: generatePassword(rules, app.randomBytes) }
  },
})
