// What temporary credentials cannot call, whatever their policies say.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html

import type { Identity } from '../../call.ts'
import * as errors from './errors.ts'

/** @throws ServiceError */
export function refuseCallOfSession({ kind, session }: Identity, service: string, operation: string): void {
  if (session === undefined) return
  if (kind === 'role-session') {
    if (service === 'sts' && OF_LONG_TERM.includes(operation)) throw errors.notWithSession(operation)
    return
  }
  const federated = kind === 'federated-user'
  if (service === 'iam' && (federated || session.mfaAt === undefined)) throw errors.notForSession()
  if (service !== 'sts' || operation === 'GetCallerIdentity') return
  if (federated || operation !== 'AssumeRole') throw errors.notWithSession(operation)
}

const OF_LONG_TERM: readonly string[] = ['GetSessionToken', 'GetFederationToken']
