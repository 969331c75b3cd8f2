// Which certificate authorities a client of AWS trusts.

import { readFileSync } from 'node:fs'
import { setDefaultCACertificates } from 'node:tls'
import { profileSetting } from './aws-profile.ts'
import { UsageError } from './usage-error.ts'

/** Servers are trusted by AWS_CA_BUNDLE alone where it is set, as by the AWS CLI. @throws UsageError where it holds no certificates. */
export function trustBundle({ protocol }: URL): void {
  const path = process.env.AWS_CA_BUNDLE || profileSetting('ca_bundle')
  if (path === undefined || protocol !== 'https:') return
  try {
    const certificates = readFileSync(path, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
    if (certificates === null) throw new Error('it holds no certificate')
    setDefaultCACertificates(certificates)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new UsageError(`AWS_CA_BUNDLE ${path} is not used (${code ?? message}): name a file of certificates in PEM`)
  }
}
