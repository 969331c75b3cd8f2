// The keys that a command signs with, from a shared-credentials file.

import { type Credentials, findCredentials } from '@strongroom/server/credentials-file.ts'
import { UsageError } from './usage-error.ts'

export type { Credentials }

/** @throws UsageError where the file, the profile or its keys are missing. */
export function readCredentials(file: string, profile: string): Credentials {
  let credentials: Credentials | undefined
  try {
    credentials = findCredentials(file, profile)
  } catch (error) {
    throw new UsageError(
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code}): name the data directory with --data-dir, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`,
    )
  }
  if (credentials !== undefined) return credentials
  throw new UsageError(`${file} has no keys for the profile ${profile}: set AWS_PROFILE to one that has`)
}
