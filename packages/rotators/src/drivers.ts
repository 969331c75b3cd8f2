// Drivers that most installations need none of: optional peers of this package, loaded when a secret first needs them.

import { RotatorError } from './errors.ts'

/** @throws RotatorError `other`, with what to install: what waits for it goes on once it is there */
export async function driver<T>(install: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if (typeof error !== 'object' || error === null || !('code' in error) || !MISSING.includes(error.code)) throw error
    throw new RotatorError('other', `The driver of this rotator is not installed: npm i ${install}`)
  }
}

const MISSING: readonly unknown[] = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']
