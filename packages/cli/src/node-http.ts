// node:http but for WebSocket and what goes with it. An import of node:http asks for the value of every export, and that of these loads all of
// fetch: 40 ms of processor time and 15 MiB at each start, for nothing.

export const {
  Agent,
  ClientRequest,
  createServer,
  get,
  globalAgent,
  IncomingMessage,
  maxHeaderSize,
  METHODS,
  OutgoingMessage,
  request,
  Server,
  ServerResponse,
  setMaxIdleHTTPParsers,
  STATUS_CODES,
  validateHeaderName,
  validateHeaderValue,
} = process.getBuiltinModule('node:http')
