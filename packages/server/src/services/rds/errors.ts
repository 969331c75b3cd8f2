// What RDS says when a call fails. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/CommonErrors.html

import { ServiceError } from '../../errors.ts'
import type { Kind } from './model.ts'

const WORDS = {
  db: {
    thing: 'DBInstance',
    notFound: 'DBInstanceNotFound',
    exists: 'DBInstanceAlreadyExists',
    state: 'InvalidDBInstanceState',
  },
  cluster: {
    thing: 'DBCluster',
    notFound: 'DBClusterNotFoundFault',
    exists: 'DBClusterAlreadyExistsFault',
    state: 'InvalidDBClusterStateFault',
  },
} as const

export const notFound = (kind: Kind, identifier: string) =>
  new ServiceError(WORDS[kind].notFound, 404, `${WORDS[kind].thing} ${identifier} not found.`)

export const alreadyExists = (kind: Kind) =>
  new ServiceError(WORDS[kind].exists, 400, `${WORDS[kind].thing} already exists`)

export const wrongState = (kind: Kind, identifier: string, state: string) =>
  new ServiceError(
    WORDS[kind].state,
    400,
    `${WORDS[kind].thing} ${identifier} is not in a state for this: it is ${state}.`,
  )

export const tooMany = (kind: Kind, max: number) =>
  new ServiceError(
    kind === 'db' ? 'InstanceQuotaExceeded' : 'DBClusterQuotaExceededFault',
    400,
    `An account has at most ${max} databases in a Region.`,
  )

export const invalidValue = (message: string) => new ServiceError('InvalidParameterValue', 400, message)

export const invalidCombination = (message: string) => new ServiceError('InvalidParameterCombination', 400, message)

/** Of a parameter of AWS's that asks for what a registered database does not have. */
export const unsupportedParameter = (name: string) =>
  invalidCombination(`The parameter ${name} is not supported: the database itself is not managed here.`)

export const notRegistered = (kind: Kind, identifier: string) =>
  invalidValue(
    `No endpoint waits to become the ${WORDS[kind].thing} ${identifier}: register one with "strongroom database register --await-create".`,
  )

export const notTheEndpoint = (parameter: string, registered: string) =>
  invalidValue(`${parameter} does not match the registered endpoint, which has ${registered}.`)

export const keyNotAccessible = (cause: ServiceError) =>
  new ServiceError(
    'KMSKeyNotAccessibleFault',
    400,
    `The specified KMS key does not exist, is not enabled or you do not have permissions to access it. ${cause.message}`,
  )

export const invalidPassword = () =>
  invalidValue(
    "The parameter MasterUserPassword is not a valid password. Only printable ASCII characters besides '/', '@', '\"', ' ' may be used.",
  )

export const passwordLength = (min: number, max: number) =>
  invalidValue(`The parameter MasterUserPassword is not a valid password: it must be ${min} to ${max} characters long.`)

export const loginFailed = (message: string) =>
  new ServiceError('InvalidRequestException', 400, `The master user cannot log in: ${message}`)

export const invalidRegistration = (message: string) => new ServiceError('InvalidParameterException', 400, message)

export const managedStill = (identifier: string) =>
  new ServiceError(
    'InvalidRequestException',
    400,
    `The master password of ${identifier} is managed, and nobody else knows it: give it another one first (ManageMasterUserPassword=false with MasterUserPassword), or say Force.`,
  )
