// What the three strategies have in common: connections that end, the guard before a master acts, and looks that change nothing.

import type { Engine, Login, Plan } from '../engine.ts'
import { RotatorError } from '../errors.ts'
import { describePasswordOptions, lookAtPasswords, makePassword, readPasswordOptions } from '../passwords.ts'
import type { Described, Finding, Io, PendingRun, Rotator, Run, SecretValue } from '../rotator.ts'
import { describeMembers, namesMaster, placeOf, readLogin, readMaster } from '../secret.ts'

/** What an engine says of itself, without what connects. */
export type Facts = Pick<
  Engine<unknown>,
  'names' | 'defaults' | 'usernameMax' | 'passwords' | 'verified' | 'install' | 'options' | 'members'
>

/** `work` on a connection of its own. `user` is whom a master acts for. */
export async function loggedIn<C, T>(
  engine: Engine<C>,
  login: Login,
  io: Io,
  work: (connection: C) => Promise<T>,
  user?: Login,
): Promise<T> {
  const connection = await engine.connect(login, io, user)
  try {
    return await work(connection)
  } finally {
    await engine.close(connection)
  }
}

/** `work` as the first of the logins that is let in. @throws RotatorError `authentication` where none is */
export async function loggedInAsAny<C, T>(
  engine: Engine<C>,
  logins: readonly Login[],
  io: Io,
  work: (connection: C, login: Login) => Promise<T>,
): Promise<T> {
  for (const [index, login] of logins.entries()) {
    let connection: C
    try {
      connection = await engine.connect(login, io)
    } catch (error) {
      if (isRefused(error) && index < logins.length - 1) continue
      throw error
    }
    try {
      return await work(connection, login)
    } finally {
      await engine.close(connection)
    }
  }
  throw new RotatorError('authentication', 'There is no credential to log in with.')
}

/** False only where the server refuses the credential. */
export async function works<C>(engine: Engine<C>, login: Login, io: Io): Promise<boolean> {
  try {
    await loggedIn(engine, login, io, async () => {})
    return true
  } catch (error) {
    if (isRefused(error)) return false
    throw error
  }
}

/**
 * `work` as the master, once one of the user's own credentials was let in at the same server: nobody makes the master change a user by naming it
 * in a secret alone. https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
 */
export async function asMaster<C, T>(
  engine: Engine<C>,
  { own, master }: { readonly own: readonly Login[]; readonly master: Login },
  io: Io,
  work: (connection: C) => Promise<T>,
): Promise<T> {
  return loggedInAsAny(engine, own, io, async (ownConnection, ownLogin) =>
    loggedIn(
      engine,
      master,
      io,
      async (connection) => {
        await mustBeOneServer(engine, [ownLogin, ownConnection], [master, connection], io)
        return work(connection)
      },
      ownLogin,
    ),
  )
}

/** What a server says of itself any other may say too: where the places differ, the user's credential is let in at the master's as well. */
async function mustBeOneServer<C>(
  engine: Engine<C>,
  [own, ownConnection]: readonly [Login, C],
  [master, masterConnection]: readonly [Login, C],
  io: Io,
): Promise<void> {
  if (placeOf(own) === placeOf(master)) return
  const [one, other] = [await engine.serverId(ownConnection), await engine.serverId(masterConnection)]
  if (one !== undefined && one === other) {
    const { host, port } = master
    return loggedIn(engine, { ...own, host, port, tls: own.tls || master.tls }, io, async () => {})
  }
  throw new RotatorError('secret', 'The master secret is of another server than the secret.')
}

/**
 * The credentials of a run, at one server. `account` is who the pending one has to be.
 * @throws RotatorError `secret` where the pending value is of another user or server
 */
export function credentials(
  engine: Facts,
  run: PendingRun,
  account: (username: string) => string,
): { readonly current: Login; readonly pending: Login; readonly previous: Login | undefined } {
  const [current, pending] = [readLogin(engine, run.current), readLogin(engine, run.pending)]
  if (pending.username !== account(current.username)) {
    throw new RotatorError('secret', 'The pending version is of another user than it should be.')
  }
  if (placeOf(current) !== placeOf(pending)) {
    throw new RotatorError('secret', 'The pending version is of another host or port than the current one.')
  }
  return { current, pending, previous: previousOf(engine, run, current) }
}

/** AWSPREVIOUS, where it is of the user of `current` at the same server. */
export function previousOf(engine: Facts, { previous }: Run, current: Login): Login | undefined {
  if (previous === undefined) return undefined
  try {
    const login = readLogin(engine, previous)
    // AWS's templates take `ssl` of the current version too: a previous one cannot lower it.
    const same = login.username === current.username && placeOf(login) === placeOf(current)
    return same ? { ...login, tls: current.tls } : undefined
  } catch (error) {
    if (error instanceof RotatorError) return undefined
    throw error
  }
}

/** The current value with another password; every member that is not known stays, in its place. */
export function withNewPassword(engine: Facts, run: Run, io: Io): SecretValue {
  const password = makePassword(engine.passwords, run.options, io)
  return engine.members?.withPassword(run.current, password) ?? { ...run.current, password }
}

/** Whether the credential of before still works, which the strategy promises. */
export async function lookAtPrevious<C>(engine: Engine<C>, run: PendingRun, io: Io): Promise<readonly Finding[]> {
  try {
    await loggedIn(engine, readLogin(engine, run.current), io, (connection) => engine.probe(connection))
    return [{ level: 'ok', message: 'The previous credential still works.' }]
  } catch (error) {
    if (!(error instanceof RotatorError)) throw error
    const level = error.kind === 'authentication' ? 'problem' : 'warning'
    const what = error.kind === 'authentication' ? 'no longer works' : 'could not be tried'
    return [{ level, message: `The previous credential ${what}: ${error.message}` }]
  }
}

/** Connects with every credential, and changes nothing. */
export async function lookAround<C>(
  engine: Engine<C>,
  run: Run,
  io: Io,
  {
    plan,
    withMaster,
    look = async () => [],
  }: {
    readonly plan: (username: string) => Omit<Plan, 'options'>
    readonly withMaster: boolean
    /** What else the master is to see. */
    readonly look?: (connection: C, current: Login) => Promise<readonly Finding[]>
  },
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  try {
    const current = readLogin(engine, run.current)
    const whole: Plan = { ...plan(current.username), options: run.options }
    findings.push(lookAtPasswords(engine.passwords, run.options))
    const master = withMaster ? readMaster(engine, run.master, run.current) : undefined
    await loggedIn(engine, current, io, async (connection) => {
      await engine.probe(connection)
      findings.push({ level: 'ok', message: `The current credential logs in at ${placeOf(current)}.` })
      if (master === undefined) {
        findings.push(...(await engine.preflight(connection, whole)))
        return
      }
      const asMaster = async (masterConnection: C): Promise<void> => {
        await mustBeOneServer(engine, [current, connection], [master, masterConnection], io)
        findings.push({ level: 'ok', message: 'The master credential logs in at the same server.' })
        findings.push(...(await engine.preflight(masterConnection, whole)))
        findings.push(...(await look(masterConnection, current)))
      }
      await loggedIn(engine, master, io, asMaster, current)
    })
  } catch (error) {
    if (!(error instanceof RotatorError)) throw error
    findings.push({ level: 'problem', message: error.message })
  }
  return findings
}

/** @throws RotatorError `permission` where the look before has found what would fail */
export async function mustBeReady<C>(engine: Engine<C>, connection: C, plan: Plan): Promise<void> {
  const problem = (await engine.preflight(connection, plan)).find(({ level }) => level === 'problem')
  if (problem) throw new RotatorError('permission', problem.message)
}

/** Whether the user changes its own password in this run. */
export const changesItself = ({ selfChange }: Pick<Engine<unknown>, 'selfChange'>, { master }: Run): boolean =>
  selfChange === 'without-master' ? master === undefined : selfChange

/** Whether `single` and `dual` read a master secret. */
export const needOfMaster = ({ selfChange }: Pick<Engine<unknown>, 'selfChange'>): Rotator['master'] =>
  selfChange === 'without-master' ? 'optional' : selfChange ? 'unused' : 'required'

/** The parts of a rotator that are the same in every strategy. */
export function frame(
  engine: Facts,
  {
    master,
    account = (username) => username,
  }: Pick<Rotator, 'master'> & { readonly account?: (username: string) => string },
): Pick<Rotator, 'verified' | 'install' | 'members' | 'options' | 'master' | 'check'> {
  const masterMember: Described = {
    name: 'masterarn',
    required: master === 'required',
    about: 'ARN of the secret of a user who may change this one.',
  }
  return {
    verified: engine.verified,
    ...(engine.install !== undefined && { install: engine.install }),
    members: [...describeMembers(engine), ...(master === 'unused' ? [] : [masterMember])],
    options: [...describePasswordOptions(engine.passwords), ...(engine.options ?? [])],
    master,
    check: (value, options) => {
      readPasswordOptions(engine.passwords, options)
      const login = readLogin(engine, value)
      if ([...account(login.username)].length > engine.usernameMax) {
        throw new RotatorError('secret', `The name of the other user is longer than ${engine.usernameMax}.`)
      }
      if (master === 'required' && !namesMaster(value)) {
        throw new RotatorError('secret', 'The secret does not fit this rotator: masterarn is missing.')
      }
      const ways = engine.members?.ways ?? []
      return {
        place: placeOf(login),
        way: [login.tls ? 'TLS' : 'plain', ...ways.map((one) => login.value[one])].join(' '),
      }
    },
  }
}

export const isRefused = (error: unknown): boolean => error instanceof RotatorError && error.kind === 'authentication'
