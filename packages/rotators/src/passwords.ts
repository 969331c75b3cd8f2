// Passwords that a rotation makes: every one that the rules allow is equally likely.
// The options are those of AWS's rotation templates. https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_available-rotation-templates.html

import type { PasswordRules } from './engine.ts'
import { RotatorError } from './errors.ts'
import type { Described, Finding, Io, Run } from './rotator.ts'

const TYPES = {
  excludeUppercase: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  excludeLowercase: 'abcdefghijklmnopqrstuvwxyz',
  excludeNumbers: '0123456789',
  excludePunctuation: '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
} as const

/** What connection strings, `.pgpass` and shells trip over. https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_available-rotation-templates.html */
export const EXCLUDED_FOR_CLIENTS = ':/@"\'\\% '

/** 32 characters, as AWS's templates make them. */
export const USUAL_PASSWORDS: PasswordRules = { length: 32, excluded: EXCLUDED_FOR_CLIENTS }

const LENGTH_MIN = 16
const LENGTH_MAX = 128
const BITS_MIN = 64

/** Each is also taken by its name as a variable of AWS's templates: `PASSWORD_LENGTH`, `EXCLUDE_CHARACTERS`, … */
const names = [
  'passwordLength',
  'excludeCharacters',
  'excludeNumbers',
  'excludePunctuation',
  'excludeUppercase',
  'excludeLowercase',
  'requireEachIncludedType',
] as const
type OptionName = (typeof names)[number]

const awsName = (name: string): string => name.replace(/[A-Z]/g, '_$&').toUpperCase()

export function describePasswordOptions(rules: PasswordRules): readonly Described[] {
  const about: { readonly [name in OptionName]: string } = {
    passwordLength: `Characters, ${LENGTH_MIN} to ${LENGTH_MAX}; ${rules.length} where it is absent.`,
    excludeCharacters: 'Characters that no password has, beside those that never stand in one.',
    excludeNumbers: 'true: no digits.',
    excludePunctuation: 'true: no punctuation.',
    excludeUppercase: 'true: no upper-case letters.',
    excludeLowercase: 'true: no lower-case letters.',
    requireEachIncludedType: 'false: a password need not hold one of each kind of character.',
  }
  return names.flatMap((name) => [
    { name, required: false, about: about[name] },
    { name: awsName(name), required: false, about: `The same as ${name}.` },
  ])
}

type Alphabet = { readonly types: readonly string[]; readonly length: number; readonly each: boolean }

/** @throws RotatorError `secret` where an option is not one, or leaves passwords that can be guessed */
export function readPasswordOptions(rules: PasswordRules, options: Run['options']): Alphabet {
  const given = (name: OptionName): string | undefined => {
    const [own, aws] = [options[name], options[awsName(name)]]
    if (own !== undefined && aws !== undefined) throw wrong(`${name} and ${awsName(name)} are the same option`)
    return own ?? aws
  }
  const flag = (name: OptionName, unless: boolean): boolean => {
    const text = given(name)?.toLowerCase()
    if (text === undefined) return unless
    if (text !== 'true' && text !== 'false') throw wrong(`${name} is neither true nor false`)
    return text === 'true'
  }

  const lengthText = given('passwordLength') ?? String(rules.length)
  const length = /^[0-9]{1,3}$/.test(lengthText) ? Number(lengthText) : 0
  if (length < LENGTH_MIN || length > LENGTH_MAX) {
    throw wrong(`passwordLength is not a number from ${LENGTH_MIN} to ${LENGTH_MAX}`)
  }
  const excluded = new Set(rules.excluded + (given('excludeCharacters') ?? ''))
  const types = Object.entries(TYPES)
    .filter(([name]) => !flag(name as keyof typeof TYPES, false))
    .map(([, type]) => [...type].filter((character) => !excluded.has(character)).join(''))
    .filter((type) => type !== '')
  const alphabet = { types, length, each: flag('requireEachIncludedType', true) }
  if (bitsOf(alphabet) < BITS_MIN) throw wrong(`the options leave passwords of fewer than ${BITS_MIN} bits`)
  return alphabet
}

/** @throws RotatorError `secret` */
export function makePassword(rules: PasswordRules, options: Run['options'], io: Pick<Io, 'randomBytes'>): string {
  const { types, length, each } = readPasswordOptions(rules, options)
  const alphabet = types.join('')
  // Whole passwords until one has every type: placing one character of each would make some likelier than others.
  for (;;) {
    const password = draw(alphabet, length, io)
    if (!each || types.every((type) => [...password].some((character) => type.includes(character)))) return password
  }
}

/** For a dry run: what passwords the options make. */
export function lookAtPasswords(rules: PasswordRules, options: Run['options']): Finding {
  const alphabet = readPasswordOptions(rules, options)
  return {
    level: 'ok',
    message: `New passwords have ${alphabet.length} characters out of ${alphabet.types.join('').length}, ${Math.floor(bitsOf(alphabet))} bits.`,
  }
}

const bitsOf = ({ types, length }: Alphabet): number => {
  const size = types.join('').length
  return size === 0 ? 0 : length * Math.log2(size)
}

const wrong = (what: string): RotatorError =>
  new RotatorError('secret', `The options of the rotator are not usable: ${what}.`)

/** A byte beyond the last whole multiple of the alphabet is thrown away, so that each character is equally likely. */
function draw(alphabet: string, length: number, io: Pick<Io, 'randomBytes'>): string {
  const usable = 256 - (256 % alphabet.length)
  let password = ''
  while (password.length < length) {
    const bytes = io.randomBytes(2 * length)
    for (const byte of bytes) {
      if (byte < usable && password.length < length) password += alphabet[byte % alphabet.length]
    }
    bytes.fill(0)
  }
  return password
}
