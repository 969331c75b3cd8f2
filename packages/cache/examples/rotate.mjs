import { createServer } from 'node:http'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SecretCache } from '@strongroom/cache'

const cache = new SecretCache(new SecretsManagerClient(), {
  onError: (error, { id, during }) => console.error(`${during} ${id ?? ''}: ${error}`),
})
const server = createServer(async (_, response) => {
  const key = await cache.getSecretString('app/session-key')
  response.end(`a key of ${key.length} characters\n`)
})

await cache.getSecretString('app/session-key')
cache.onRotate('app/session-key', async ({ VersionId }) => {
  console.log(`rotated to a version of ${VersionId.length} characters`)
  server.close()
  await cache.close()
})
server.listen(0, '127.0.0.1', () => console.log('ready'))
