import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { databaseCredential, SecretCache } from '@strongroom/cache'

const cache = new SecretCache(new SecretsManagerClient())

const key = await cache.getSecretString('app/session-key')
const { username } = await cache.getSecretJson('app/db', databaseCredential)
const before = await cache.getSecretString('app/session-key', { versionStage: 'AWSPREVIOUS' }).catch(() => undefined)
console.log(key.length, username, before?.length)

await cache.close()
