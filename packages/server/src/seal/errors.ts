// Why a keyring does not open, each in one line for the operator. None carries a byte of any key.

/** The place of a root key is missing, unsafe or malformed. */
export class RootKeyError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'RootKeyError'
  }
}

/** The keyring is whole, but none of the root keys given made any of its slots. */
export class WrongRootKeyError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'WrongRootKeyError'
  }
}

/** The keyring's bytes are not what was written: altered, cut or mixed with those of another one. */
export class DamagedKeyringError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'DamagedKeyringError'
  }
}

/** The database holds data and no keyring, so that nothing in it can be opened; a new keyring would hide that. */
export class MissingKeyringError extends Error {
  constructor() {
    super('the database holds data but no keyring: restore the keyring table from a backup')
    this.name = 'MissingKeyringError'
  }
}
