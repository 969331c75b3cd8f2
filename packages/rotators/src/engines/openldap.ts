// LDAP directories with userPassword: OpenLDAP and what else knows the password modify operation. The server makes the hash, by its own scheme.
// https://www.rfc-editor.org/rfc/rfc3062

import { createHash } from 'node:crypto'
import type { Change } from 'ldapts'
import { CODE, codeOf, type Directory, driver, openDirectory, readEntry } from '../directory.ts'
import type { Engine, NewPassword, Plan } from '../engine.ts'
import { RotatorError } from '../errors.ts'
import { USUAL_PASSWORDS } from '../passwords.ts'
import type { Finding, Io } from '../rotator.ts'

const PASSWORD_MODIFY = '1.3.6.1.4.1.4203.1.11.1'
const WHO_AM_I = '1.3.6.1.4.1.4203.1.11.3'
/** https://datatracker.ietf.org/doc/html/draft-behera-ldap-password-policy-11#section-6.1 */
const PASSWORD_POLICY = '1.3.6.1.4.1.42.2.27.8.5.1'
export const openldap: Engine<Directory> = {
  id: 'openldap',
  title: 'OpenLDAP and other LDAP directories',
  names: ['openldap', 'ldap'],
  verified: true,
  strategies: ['single', 'dual'],
  defaults: { port: 636 },
  // A DN.
  usernameMax: 1_024,
  passwords: USUAL_PASSWORDS,
  selfChange: 'without-master',
  members: {
    described: [
      { name: 'userDn', required: false, about: 'DN to log in as, in the place of username.' },
      { name: 'startTls', required: false, about: 'true: TLS by StartTLS, as on port 389, in the place of ldaps.' },
    ],
    read: (value) => ({ ...value, username: value.username ?? value.userDn }),
    withPassword: (value, password) => ({ ...value, password }),
  },

  connect: (login, io) =>
    openDirectory(login, io, { startTls: isTrue(login.value.startTls), bindName: async () => login.username }),
  close: ({ close }) => close(),

  /** Of the entry at the top, which is the same on each server that has a copy. */
  async serverId(directory) {
    try {
      const [top] = (await readEntry(directory, '', ['namingContexts'])).all('namingContexts')
      return top === undefined ? undefined : (await readEntry(directory, top, ['entryUUID'])).first('entryUUID')
    } catch (error) {
      if (error instanceof RotatorError && (error.kind === 'permission' || error.kind === 'secret')) return undefined
      throw error
    }
  },

  preflight,
  setPassword,

  async probe({ ask }) {
    await ask((client) => client.exop(WHO_AM_I))
  },
}

const isTrue = (member: unknown): boolean => member === true || member === 'true'

async function setPassword(
  { ask, login, io }: Directory,
  { username, password, self, keep }: NewPassword,
): Promise<void> {
  if (keep === undefined) {
    const old = self ? login.password : undefined
    await ask((client) => client.exop(PASSWORD_MODIFY, passwordModify(username, old, password)))
    return
  }
  // The operation above leaves one value; two at once are set as hashes, both or neither.
  const values = [password, keep].map((text) => saltedHash(text, io))
  await ask((client) => client.modify(username, replacing(values)))
}

const replacing = (values: string[]): Change => {
  const { Attribute, Change } = driver()
  return new Change({ operation: 'replace', modification: new Attribute({ type: 'userPassword', values }) })
}

/** The one form with a salt that every OpenLDAP verifies. https://www.openldap.org/doc/admin25/security.html#SSHA%20password%20storage%20scheme */
function saltedHash(password: string, io: Pick<Io, 'randomBytes'>): string {
  const salt = io.randomBytes(16)
  return `{SSHA}${Buffer.concat([createHash('sha1').update(password).update(salt).digest(), salt]).toString('base64')}`
}

/** PasswdModifyRequestValue, in BER. */
function passwordModify(user: string, old: string | undefined, fresh: string): Buffer {
  const element = (tag: number, content: Buffer): Buffer => {
    const { length } = content
    const size = length < 0x80 ? [length] : [0x82, length >> 8, length & 0xff]
    return Buffer.concat([Buffer.from([tag, ...size]), content])
  }
  const members = [
    element(0x80, Buffer.from(user)),
    ...(old === undefined ? [] : [element(0x81, Buffer.from(old))]),
    element(0x82, Buffer.from(fresh)),
  ]
  return element(0x30, Buffer.concat(members))
}

async function preflight(directory: Directory, { strategy, username }: Plan): Promise<readonly Finding[]> {
  const { at, io } = directory
  const problem = (message: string): readonly Finding[] => [{ level: 'problem', message }]
  const root = await readEntry(directory, '', ['supportedExtension', 'supportedControl'])
  if (strategy === 'single' && !root.all('supportedExtension').includes(PASSWORD_MODIFY)) {
    return problem(`${at} does not know the operation that changes passwords (RFC 3062).`)
  }
  if (strategy === 'dual' && root.all('supportedControl').includes(PASSWORD_POLICY)) {
    return problem(`${at} has password policies, which allow one password: use single.`)
  }
  // Rights are judged before values: who may write is told that there is no such value, and nothing is changed wherever this is sent.
  const absent = saltedHash(io.randomBytes(32).toString('base64'), io)
  const { Attribute, Change } = driver()
  const taking = new Change({
    operation: 'delete',
    modification: new Attribute({ type: 'userPassword', values: [absent] }),
  })
  try {
    await directory.ask(async (client) => {
      try {
        await client.modify(username, taking)
      } catch (error) {
        if (codeOf(error) !== CODE.noSuchAttribute) throw error
      }
    })
  } catch (error) {
    if (!(error instanceof RotatorError) || error.kind === 'unreachable' || error.kind === 'tls') throw error
    if (error.kind === 'permission') return problem('Who is logged in may not write userPassword of the entry.')
    if (error.kind === 'secret') return problem(error.message)
    return [{ level: 'warning', message: 'Whether the password of the entry may be changed cannot be seen before.' }]
  }
  return [{ level: 'ok', message: 'The password of the entry may be changed.' }]
}
