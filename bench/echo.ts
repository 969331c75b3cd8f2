// The measure: a bare node:http server that reads a body and answers with as many bytes as GetSecretValue does.

import { createServer } from 'node:http'

const body = 'x'.repeat(Number(process.argv[2] ?? 1_000))
const length = String(body.length)

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    response.writeHead(200, ['Content-Type', 'application/x-amz-json-1.1', 'Content-Length', length])
    response.end(body)
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`ready on http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}\n`)
})
process.on('SIGTERM', () => process.exit(0))
