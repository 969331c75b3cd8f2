import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SecretCache } from '@strongroom/cache'
import { mysqlPool } from '@strongroom/cache/mysql2'
import mysql from 'mysql2/promise'

const cache = new SecretCache(new SecretsManagerClient())
const pool = mysqlPool(cache, 'app/db', mysql.createPool, { connectionLimit: 20, ssl: {} })

const [rows] = await pool.query('SELECT CURRENT_USER() AS name')
console.log(rows[0].name)

await pool.end()
await cache.close()
