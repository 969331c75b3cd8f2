// The value of a secret as what the application takes it for. No error of ours holds any of it.

/** https://standardschema.dev, as far as it is used here. */
export type StandardSchema<T> = {
  readonly '~standard': {
    readonly validate: (value: unknown) => StandardResult<T> | Promise<StandardResult<T>>
  }
}

type StandardResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly { readonly path?: readonly unknown[] | undefined }[] }

export type Schema<T> = ((value: unknown) => T) | StandardSchema<T>

/** The value is there, and is not what was asked for. */
export class SecretFormatError extends Error {
  override readonly name = 'SecretFormatError'
}

/** @throws SecretFormatError; what a schema function throws goes on as it is */
export async function parseJson<T>(what: string, text: string, schema: Schema<T> | undefined): Promise<T> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // What JSON.parse throws quotes the text.
    throw new SecretFormatError(`The value of ${what} is not JSON.`)
  }
  if (schema === undefined) return value as T
  if (!('~standard' in schema)) return schema(value)
  const result = await schema['~standard'].validate(value)
  if (result.issues === undefined) return result.value
  // Messages of issues quote values; their places do not.
  const places = [...new Set(result.issues.map(({ path }) => placeOf(path)))]
  throw new SecretFormatError(`The value of ${what} does not fit its schema at ${places.join(', ')}.`)
}

function placeOf(path: readonly unknown[] | undefined): string {
  if (path === undefined || path.length === 0) return 'its top'
  return path
    .map((step) => (typeof step === 'object' && step !== null && 'key' in step ? String(step.key) : String(step)))
    .join('.')
}

/** https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html */
export type DatabaseCredential = {
  readonly username: string
  readonly password: string
  readonly engine?: string
  readonly host?: string
  readonly port?: number
  readonly dbname?: string
}

/** A schema: the credential of a database in AWS's JSON. `port` may be written as a string. @throws SecretFormatError */
export function databaseCredential(value: unknown): DatabaseCredential {
  const members = (typeof value === 'object' && value !== null ? value : {}) as { readonly [name: string]: unknown }
  const text = (name: string): string | undefined => {
    const member = members[name]
    if (member === undefined || typeof member === 'string') return member
    throw new SecretFormatError(`The credential's ${name} is not a string.`)
  }
  const [username, password] = [text('username'), text('password')]
  if (username === undefined || password === undefined)
    throw new SecretFormatError('The credential has no username or no password.')
  const [engine, host, dbname] = [text('engine'), text('host'), text('dbname')]
  const port = members.port === undefined ? undefined : Number(members.port)
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535))
    throw new SecretFormatError("The credential's port is not a number from 1 to 65535.")
  return {
    username,
    password,
    ...(engine !== undefined && { engine }),
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    ...(dbname !== undefined && { dbname }),
  }
}
