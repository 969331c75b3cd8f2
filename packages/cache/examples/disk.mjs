import { readFileSync } from 'node:fs'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SecretCache } from '@strongroom/cache'

const { APP_ACCOUNT, APP_CACHE, APP_CACHE_KEY } = process.env
const cache = new SecretCache(new SecretsManagerClient({ maxAttempts: 1 }), {
  disk: { directory: APP_CACHE, key: readFileSync(APP_CACHE_KEY), accountId: APP_ACCOUNT },
})

const key = await cache.getSecretString('app/session-key')
console.log(key.length, cache.metrics().fromDisk)

await cache.close()
