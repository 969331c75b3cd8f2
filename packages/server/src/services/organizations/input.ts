// The limits that Organizations checks itself and refuses with InvalidInputException and a Reason. They are public, so they are checked
// before authorization, like every declared limit.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html

import * as errors from './errors.ts'
import { TAGS_MAX } from './model.ts'

/** @throws InvalidInputException */
export function mustBeAccountId(text: string): void {
  mustMatch(text, 12, /^\d{12}$/)
}

/** @throws InvalidInputException */
export function mustBeRequestId(text: string): void {
  mustMatch(text, 36, /^car-[a-z0-9]{8,32}$/)
}

/** The size of a page: 20, or what was asked for. @throws InvalidInputException */
export function pageSize(asked = PAGE_MAX): number {
  if (asked > PAGE_MAX) throw errors.tooLarge()
  if (asked < 1) throw errors.tooSmall()
  return asked
}

const PAGE_MAX = 20

type GivenTag = { readonly Key: string; readonly Value: string }

export type NewAccountInput = {
  readonly Email: string
  readonly AccountName: string
  readonly RoleName?: string | undefined
  readonly IamUserAccessToBilling?: string | undefined
  readonly Tags?: readonly GivenTag[] | undefined
}

/** @throws InvalidInputException, ConstraintViolationException for more than 50 tags */
export function mustBeNewAccount(input: NewAccountInput): void {
  const { Email, AccountName, RoleName, IamUserAccessToBilling, Tags = [] } = input
  mustMatch(Email, 64, /^[^\s@]+@[^\s@]+\.[^\s@]+$/, 6)
  mustMatch(AccountName, 50, /^[ -~]+$/, 1)
  if (RoleName !== undefined) {
    mustMatch(RoleName, 64, /^[\w+=,.@-]+$/, 1)
    if (RoleName.toLowerCase().startsWith('awsservicerolefor')) throw errors.reservedRoleName()
  }
  if (IamUserAccessToBilling !== undefined && !/^(?:ALLOW|DENY)$/.test(IamUserAccessToBilling)) {
    throw errors.invalidEnum()
  }
  mustBeTags(Tags)
}

const TAG_TEXT = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u

function mustBeTags(tags: readonly GivenTag[]): void {
  if (tags.length > TAGS_MAX) throw errors.tooManyTags()
  for (const { Key, Value } of tags) {
    mustMatch(Key, 128, TAG_TEXT, 1)
    mustMatch(Value, 256, TAG_TEXT)
    if (Key.toLowerCase().startsWith('aws:')) throw errors.systemTag()
  }
  if (new Set(tags.map(({ Key }) => Key)).size < tags.length) throw errors.duplicateTagKey()
}

function mustMatch(text: string, max: number, pattern: RegExp, min = 0): void {
  if (text.length > max) throw errors.tooLong()
  if (text.length < min) throw errors.tooShort()
  if (!pattern.test(text)) throw errors.invalidPattern()
}

/**
 * What CreateAccount finds out later: the rules for an address beyond its pattern. Nobody writes to the address, but it must be one that AWS
 * would take.
 */
export function isEmailAddress(text: string): boolean {
  const [local = '', domain = ''] = text.split('@')
  return LOCAL_PART.test(local) && DOMAIN.test(domain) && domain.includes('.')
}

/** ASCII without white space and `"'()<>[]:;,\|%&`, not beginning with a dot. */
const LOCAL_PART = /^(?!\.)[!#$*+\-./0-9=?A-Z^_`a-z{}~]+$/
const DOMAIN = /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/
