// An authenticator app for tests: it is told a seed, and shows codes.

import { setTimeout as sleep } from 'node:timers/promises'
import type { IAM } from '@aws-sdk/client-iam'
import { STEP_MS, stepAt, totpCode } from '../../crypto/totp.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

function fromBase32(text: string): Buffer {
  const bits = [...text].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0')).join('')
  return Buffer.from(bits.match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2)))
}

export type Authenticator = {
  readonly serialNumber: string
  readonly seed: Buffer
  /** Of the present step, or of one so many steps later. */
  readonly code: (steps?: number) => string
  /** Those of the step before and of this one, as EnableMFADevice takes them. */
  readonly lastTwo: () => { readonly AuthenticationCode1: string; readonly AuthenticationCode2: string }
}

/** A new device, which is nobody's yet. */
export async function newAuthenticator(iam: IAM, name: string): Promise<Authenticator> {
  const { VirtualMFADevice: device } = await iam.createVirtualMFADevice({ VirtualMFADeviceName: name })
  return authenticator(device!.SerialNumber!, Buffer.from(device!.Base32StringSeed!).toString())
}

export function authenticator(serialNumber: string, base32Seed: string): Authenticator {
  const seed = fromBase32(base32Seed)
  const code = (steps = 0): string => totpCode(seed, stepAt(Date.now()) + steps)
  return {
    serialNumber,
    seed,
    code,
    lastTwo: () => ({ AuthenticationCode1: code(-1), AuthenticationCode2: code() }),
  }
}

/** The same, enabled for a user. Its next code that is good is that of `code(1)`. */
export async function enabledAuthenticator(iam: IAM, UserName: string, name = UserName): Promise<Authenticator> {
  const device = await newAuthenticator(iam, name)
  await earlyInStep()
  await iam.enableMFADevice({ UserName, SerialNumber: device.serialNumber, ...device.lastTwo() })
  return device
}

/** Waits until a step has ten seconds left, where the next calls must be in one. */
export async function earlyInStep(): Promise<void> {
  const left = STEP_MS - (Date.now() % STEP_MS)
  if (left < 10_000) await sleep(left + 50)
}
