import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { databaseCredential, SecretCache } from '@strongroom/cache'
import pg from 'pg'

const cache = new SecretCache(new SecretsManagerClient())

const client = await cache.authenticate('app/db', databaseCredential, async (credential) => {
  const { username, password, host, port, dbname } = credential
  const client = new pg.Client({ host, port, database: dbname, user: username, password, ssl: true })
  await client.connect()
  return client
})
const { rows } = await client.query('SELECT session_user AS name')
console.log(rows[0].name)

await client.end()
await cache.close()
