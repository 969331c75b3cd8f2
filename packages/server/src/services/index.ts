// The services of the one endpoint, alphabetical.

import type { Service } from '../operation.ts'
import { cloudtrail } from './cloudtrail/index.ts'
import { secretsmanager } from './secretsmanager/index.ts'
import { strongroom } from './strongroom/index.ts'
import { sts } from './sts/index.ts'

export const services: readonly Service[] = [cloudtrail, secretsmanager, strongroom, sts]
