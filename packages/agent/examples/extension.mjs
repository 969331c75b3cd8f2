const { AWS_SESSION_TOKEN, PARAMETERS_SECRETS_EXTENSION_HTTP_PORT = '2773' } = process.env
const extension = `http://localhost:${PARAMETERS_SECRETS_EXTENSION_HTTP_PORT}`
const headers = { 'X-Aws-Parameters-Secrets-Token': AWS_SESSION_TOKEN }

async function get(path, query) {
  const response = await fetch(`${extension}${path}?${new URLSearchParams(query)}`, { headers })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  return response.json()
}

const { SecretString } = await get('/secretsmanager/get', { secretId: 'app/db' })
const { Parameter } = await get('/systemsmanager/parameters/get', { name: '/app/key', withDecryption: true })
console.log(SecretString, Parameter.Value)
