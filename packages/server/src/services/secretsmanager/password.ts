// Passwords: every password that the rules allow is equally likely. Nothing here is ever logged.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html

import * as errors from './errors.ts'

export type PasswordRules = {
  /** Characters, 1 to 4,096. */
  readonly length: number
  readonly excludeCharacters: string
  readonly excludeNumbers: boolean
  readonly excludePunctuation: boolean
  readonly excludeUppercase: boolean
  readonly excludeLowercase: boolean
  readonly includeSpace: boolean
  readonly requireEachIncludedType: boolean
}

export const UPPERCASE = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
export const LOWERCASE = 'abcdefghijklmnopqrstuvwxyz'
export const NUMBERS = '0123456789'
export const PUNCTUATION = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'

/**
 * A password under the rules. A character type of which nothing is left is not required.
 * @throws InvalidParameterException where no character is left, or where the length cannot hold one of each required type.
 */
export function generatePassword(rules: PasswordRules, randomBytes: (size: number) => Uint8Array): string {
  const types = typesOf(rules)
  const alphabet = types.join('')
  if (alphabet.length === 0) throw errors.passwordNoCharacters()
  if (rules.requireEachIncludedType && rules.length < types.length) throw errors.passwordTooShort(rules.length)

  const draw = drawer(alphabet, randomBytes, rules.length)
  // Drawing whole passwords until one has every type keeps those that have it equally likely, which placing one character of
  // each type would not. In the worst case, five types in five places, that is 16,000 draws on average: milliseconds.
  for (;;) {
    let password = ''
    for (let index = 0; index < rules.length; index++) password += draw()
    if (!rules.requireEachIncludedType || types.every((type) => hasAny(password, type))) return password
  }
}

/** The characters that each included type still has; types without any are dropped. */
function typesOf(rules: PasswordRules): readonly string[] {
  const excluded = new Set(rules.excludeCharacters)
  return [
    rules.excludeUppercase ? '' : UPPERCASE,
    rules.excludeLowercase ? '' : LOWERCASE,
    rules.excludeNumbers ? '' : NUMBERS,
    rules.excludePunctuation ? '' : PUNCTUATION,
    rules.includeSpace ? ' ' : '',
  ]
    .map((type) => [...type].filter((character) => !excluded.has(character)).join(''))
    .filter((type) => type.length > 0)
}

/** Draws characters, each equally likely: a random byte beyond the last whole multiple of the alphabet is thrown away. */
function drawer(alphabet: string, randomBytes: (size: number) => Uint8Array, length: number): () => string {
  const usable = 256 - (256 % alphabet.length)
  const poolBytes = Math.min(Math.max(2 * length, 64), 4_096)
  let pool = randomBytes(poolBytes)
  let at = 0
  return () => {
    for (;;) {
      if (at === pool.length) {
        pool = randomBytes(poolBytes)
        at = 0
      }
      const byte = pool[at] as number
      pool[at] = 0
      at += 1
      if (byte < usable) return alphabet[byte % alphabet.length] as string
    }
  }
}

const hasAny = (text: string, characters: string): boolean => {
  for (const character of text) if (characters.includes(character)) return true
  return false
}
