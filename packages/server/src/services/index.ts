// The services of the one endpoint, alphabetical.

import type { JobHandler } from '../jobs/job.ts'
import type { Service } from '../operation.ts'
import { cloudtrail } from './cloudtrail/index.ts'
import { iam } from './iam/index.ts'
import { kms } from './kms/index.ts'
import { lambda } from './lambda/index.ts'
import { organizations } from './organizations/index.ts'
import { rds } from './rds/index.ts'
import { secretsmanager } from './secretsmanager/index.ts'
import { ssm } from './ssm/index.ts'
import { strongroom } from './strongroom/index.ts'
import { sts } from './sts/index.ts'

export const services: readonly Service[] = [
  cloudtrail,
  iam,
  kms,
  lambda,
  organizations,
  rds,
  secretsmanager,
  ssm,
  strongroom,
  sts,
]

/** What every service does later, by kind of job. */
export const jobHandlers: { readonly [kind: string]: JobHandler } = Object.assign(
  {},
  ...services.map(({ jobs }) => jobs),
)
