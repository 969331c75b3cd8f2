import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SecretCache } from '@strongroom/cache'
import { pgPool } from '@strongroom/cache/pg'
import pg from 'pg'

const cache = new SecretCache(new SecretsManagerClient())
const pool = pgPool(cache, 'app/db', pg.Pool, { max: 20, ssl: true })

const { rows } = await pool.query('SELECT session_user AS name')
console.log(rows[0].name)

await pool.end()
await cache.close()
