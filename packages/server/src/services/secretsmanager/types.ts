// The partners of managed external secrets, as data: what `Type` may be.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/mes-partners.html

import * as errors from './errors.ts'

export const SECRET_TYPES: readonly string[] = [
  'BigIDClientSecret',
  'CiscoSecurityPlatformApiKey',
  'ConfluentCloudApiKey',
  'DatabricksPAT',
  'DatabricksSPSecret',
  'DatadogAdminKey',
  'DatadogApiKey',
  'DatadogApplicationKey',
  'GitLabAccessToken',
  'JenkinsApiToken',
  'MongoDBAtlasDatabaseUser',
  'MongoDBAtlasServiceAccount',
  'NetskopeApiToken',
  'PaddleApiKey',
  'SalesforceClientSecret',
  'SnowflakeKeyPairAuthentication',
  'SnowflakePat',
]

/** @throws InvalidParameterException for a type of no partner. Empty text is no type. */
export function checkType(type: string | undefined): void {
  if (type && !SECRET_TYPES.includes(type)) throw errors.unknownType(type)
}
