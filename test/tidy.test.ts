// The laws of the code, kept by a test: who may import what, where SQL, ciphers, the clock and the environment may stand,
// what every operation must have, and which names are not used. A law that cannot be checked is a wish.

import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import { services } from '../packages/server/src/services/index.ts'

const ROOT = resolve(import.meta.dirname, '..')
const SERVER = 'packages/server/src/'

type Source = { readonly path: string; readonly text: string; readonly code: string; readonly isTest: boolean }

const sources: readonly Source[] = globSync(['packages/*/src/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts'], { cwd: ROOT })
  .sort()
  .map((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8')
    return { path, text, code: withoutComments(text), isTest: isTestOnly(path) }
  })
const product = sources.filter(({ path, isTest }) => !isTest && path.startsWith('packages/'))

/** Tests, and what only tests import. */
function isTestOnly(path: string): boolean {
  return /\.test\.ts$|(^|\/)testing(-[a-z-]+)?\.ts$|(^|\/)testing\/|(^|\/)conformance\.ts$|^test\/|^bench\//.test(path)
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
}

/** Fails with every place that breaks the law, one a line. */
function nowhere(files: readonly Source[], pattern: RegExp, law: string): void {
  const places = files.flatMap(({ path, code }) =>
    code.split('\n').flatMap((line) => (pattern.test(line) ? [`${path}: ${line.trim()}`] : [])),
  )
  assert.deepEqual(places, [], law)
}

const outside = (...allowed: readonly RegExp[]) => product.filter(({ path }) => !allowed.some((a) => a.test(path)))

test('SQL stands only in store.ts files, storage/, audit/ and jobs/, and where other servers are spoken to', () => {
  nowhere(
    outside(/\/store\.ts$/, /server\/src\/(storage|audit|jobs)\//, /rotators\/src\/engines\//),
    /['"`]\s*(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(TABLE|INDEX)|PRAGMA\s)/,
    'SQL outside a store',
  )
})

test('the condition keys of a permission are read by ownContext: they may be a function, of which a spread copies nothing', () => {
  nowhere(product, /\.\.\.(?!target\.|concealed\.)[\w.]+\.context\b(?!\()/, 'a spread of what may be a function')
})

test('ciphers and key generation stand only in crypto/', () => {
  nowhere(
    // The copy on disk of the cache library, which knows nothing of the server.
    outside(/server\/src\/crypto\//, /cache\/src\/disk-store\.ts$/),
    /\b(createCipheriv|createDecipheriv|generateKeyPair|generateKey|createDiffieHellman|privateDecrypt|publicEncrypt)\b/,
    'a cipher outside crypto/',
  )
})

test('the rotators know nothing of the server', () => {
  const broken = sources
    .filter(({ path }) => path.startsWith('packages/rotators/'))
    .flatMap(({ path }) => importsOf(path).filter((target) => !target.startsWith('packages/rotators/')))
  assert.deepEqual(broken, [])
})

test('the cache knows nothing of the rest, and depends on the SDK alone', () => {
  const ofCache = product.filter(({ path }) => path.startsWith('packages/cache/'))
  const foreign = ofCache.flatMap(({ path, code }) => [
    ...importsOf(path).filter((target) => !target.startsWith('packages/cache/')),
    ...[...code.matchAll(/from '([^.'][^']*)'/g)]
      .map(([, name]) => name!)
      .filter((name) => !/^node:|^@aws-sdk\/client-(secrets-manager|ssm)$/.test(name)),
  ])
  assert.deepEqual(foreign, [])
  const ssm = ofCache.filter(({ code }) => code.includes("'@aws-sdk/client-ssm'")).map(({ path }) => path)
  assert.deepEqual(ssm, ['packages/cache/src/parameters.ts'], 'who needs no parameters needs no client of theirs')
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'packages/cache/package.json'), 'utf8'))
  assert.equal(dependencies, undefined)
})

test('the agent is built on the cache alone, and loads at its start no client but that of secrets', () => {
  const ofAgent = product.filter(({ path }) => path.startsWith('packages/agent/'))
  const foreign = ofAgent.flatMap(({ path, code }) => [
    ...importsOf(path).filter((target) => !target.startsWith('packages/agent/')),
    ...[...code.matchAll(/^(?:import (?!type )|}).* from '([^.'][^']*)'/gm)]
      .map(([, name]) => name!)
      .filter((name) => !/^node:|^@strongroom\/cache$|^@aws-sdk\/client-secrets-manager$/.test(name)),
  ])
  assert.deepEqual(foreign, [])
})

test('a start loads no driver of the servers that rotate, but for the small one of directories and what it uses itself', () => {
  nowhere(
    product.filter(({ path }) => path.startsWith('packages/rotators/')),
    /^(?:import (?!type )|}).* from '(?!\.|node:|pg'|jose'|ldapts')/,
    'a driver that is loaded before a connection needs it',
  )
})

test('foreign code is called in three files alone', () => {
  nowhere(outside(/server\/src\/(memory|seal\/pkcs11-device)\.ts$/), /node:ffi/, 'node:ffi elsewhere')
  assert.deepEqual(
    product.filter(({ path }) => importsOf(path).some((target) => target.endsWith('seal/pkcs11-device.ts'))),
    [],
    'pkcs11-device.ts is a process of its own',
  )
  // The launcher of functions, a program of its own too, is JavaScript: stripping its types would cost each start of a function more than the rest of it.
  const programs = globSync('packages/*/src/**/*.mjs', { cwd: ROOT }).filter((path) =>
    readFileSync(join(ROOT, path), 'utf8').includes('node:ffi'),
  )
  assert.deepEqual(programs, ['packages/functions/src/sandbox/launcher.mjs'])
})

test('signatures that are not OpenSSL’s stand behind one port', () => {
  nowhere(outside(/server\/src\/crypto\/kms\/raw-signer\.ts$/), /from '@noble\//, '@noble outside raw-signer.ts')
})

test('crypto/ imports nothing else of ours and policy/ does no input or output', () => {
  const crypto = product.filter(({ path }) => path.startsWith(`${SERVER}crypto/`))
  const foreign = crypto.flatMap(({ path }) =>
    importsOf(path)
      .filter((target) => !target.startsWith(`${SERVER}crypto/`))
      .map((target) => `${path} imports ${target}`),
  )
  assert.deepEqual(foreign, [], 'crypto/ imports from outside')
  const policy = product.filter(({ path }) => path.startsWith(`${SERVER}policy/`))
  nowhere(policy, /from 'node:|\basync\b|\bawait\b|\bPromise\b/, 'policy/ does input or output')
})

test('the environment is read only in config.ts of the server and of the agent, and by the command line', () => {
  nowhere(
    outside(/(server|agent)\/src\/config\.ts$/, /^packages\/cli\//),
    /process\.env\b/,
    'process.env outside config.ts',
  )
})

test('the clock and randomness come from App, but for the places that make them', () => {
  const makers = [
    /server\/src\/(start|clock|supervisor)\.ts$/,
    /server\/src\/(crypto|seal|storage|http|admin|observe)\//,
    /^packages\/cli\//,
    /^packages\/agent\/src\/start\.ts$/,
    // Its clock and its chance, and the IVs of its files.
    /^packages\/cache\/src\/(surroundings|disk-store)\.ts$/,
  ]
  nowhere(outside(...makers), /\bDate\.now\(\)|\bMath\.random\(|new Date\(\)/, 'a clock or randomness outside App')
  nowhere(outside(...makers), /\bcrypto\.(randomUUID|getRandomValues)\(/, 'randomness outside App')
  nowhere(
    outside(...makers),
    /import .*\b(randomBytes|randomUUID|randomInt|randomFill)\b.* from 'node:crypto'/,
    'randomness taken from node:crypto',
  )
})

test('nothing prints but the command line, the start and tests', () => {
  nowhere(
    outside(/^packages\/cli\//, /server\/src\/(start|supervisor)\.ts$/),
    /\bconsole\./,
    'console outside the start',
  )
})

test('services meet only at ports', () => {
  const broken = product
    .filter(({ path }) => path.startsWith(`${SERVER}services/`))
    .flatMap(({ path }) =>
      importsOf(path)
        .filter((target) => {
          const [from, to] = [serviceOf(path), serviceOf(target)]
          return from !== undefined && to !== undefined && from !== to && basename(target) !== 'port.ts'
        })
        .map((target) => `${path} imports ${target}`),
    )
  assert.deepEqual(broken, [])
})

const serviceOf = (path: string): string | undefined => /server\/src\/services\/([a-z]+)\//.exec(path)?.[1]

test('product code imports no test code', () => {
  const broken = product.flatMap(({ path }) =>
    importsOf(path)
      .filter((target) => isTestOnly(target))
      .map((target) => `${path} imports ${target}`),
  )
  assert.deepEqual(broken, [])
})

test('no imports go round in a circle, those of values', () => {
  const graph = new Map(product.map(({ path }) => [path, importsOf(path, { values: true })]))
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) assert.fail(`circle: ${[...trail.slice(trail.indexOf(path)), path].join(' → ')}`)
    if (done.has(path)) return
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const path of graph.keys()) visit(path, [])
})

test('every operation is in its index in alphabetical order, has a test beside it and a link to the reference', () => {
  for (const service of services) {
    const names = service.operations.map(({ name }) => name)
    assert.deepEqual(names, [...names].sort(), `${service.name}: the table of contents is alphabetical`)
    const folder = join(ROOT, SERVER, 'services', service.name, 'operations')
    const files = globSync('*.ts', { cwd: folder }).filter((file) => !file.endsWith('.test.ts'))
    assert.deepEqual(
      files.sort(),
      names.map((name) => `${kebab(name)}.ts`).sort(),
      `${service.name}: files and index agree`,
    )
    for (const file of files) {
      assert.ok(
        existsSync(join(folder, file.replace('.ts', '.test.ts'))) || isCalledIn(folder, nameOf(file, names)),
        `${service.name}/${file} has no test beside it`,
      )
      const text = readFileSync(join(folder, file), 'utf8')
      const links = service.operations.some(({ path }) => path !== undefined)
        ? /docs\/[a-z-]+\.md/
        : /https:\/\/docs\.aws\.amazon\.com\//
      assert.match(text, links, `${service.name}/${file} does not link to its reference`)
    }
  }
})

const nameOf = (file: string, names: readonly string[]): string =>
  names.find((name) => `${kebab(name)}.ts` === file) ?? ''

/** Operations that only mean something together may have one test together, which calls each by its name. */
const isCalledIn = (folder: string, name: string): boolean =>
  globSync('*.test.ts', { cwd: folder }).some((file) => readFileSync(join(folder, file), 'utf8').includes(`'${name}'`))

const kebab = (name: string): string => name.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()

test('every service has the same inner shape', () => {
  for (const service of services) {
    for (const file of ['index.ts', 'README.md', 'operations']) {
      assert.ok(existsSync(join(ROOT, SERVER, 'services', service.name, file)), `${service.name} has no ${file}`)
    }
  }
})

test('names that say nothing are not used', () => {
  const banned = /(^|\/)(utils?|helpers?|common|misc|managers?)(\.|\/|$)|-(service|impl)\.ts$/
  assert.deepEqual(
    sources.map(({ path }) => path).filter((path) => banned.test(path)),
    [],
  )
  nowhere(product, /\bexport default\b/, 'a default export')
})

test('every file but a test beside its subject opens by saying what it is', () => {
  assert.deepEqual(
    sources
      .filter(({ path, text }) => !path.endsWith('.test.ts') && !/^(#!.*\n)?(\/\/|\/\*\*) \S/.test(text))
      .map(({ path }) => path),
    [],
  )
})

test('no file names a registry, a download address or an unfinished end', () => {
  const lock = readFileSync(join(ROOT, 'package-lock.json'), 'utf8')
  assert.doesNotMatch(lock, /"resolved": "https?:/, 'the lockfile holds download addresses')
  nowhere(product, /\bTODO\b|\bFIXME\b|\bXXX\b/, 'an unfinished end')
})

test('no dependency has an install script or a licence other than the permissive ones', () => {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    readonly packages: {
      readonly [path: string]: { readonly hasInstallScript?: true; readonly license?: string; readonly link?: true }
    }
  }
  for (const [path, { hasInstallScript, license, link }] of Object.entries(lock.packages)) {
    if (path === '' || link) continue
    assert.equal(hasInstallScript, undefined, `${path} has an install script`)
    assert.match(
      license ?? '',
      /^(MIT|MIT-0|ISC|Apache-2\.0|BSD-2-Clause|BSD-3-Clause|0BSD|MIT OR Apache-2\.0|\(MIT OR Apache-2\.0\)|BlueOak-1\.0\.0)$/,
      path,
    )
  }
})

/** The files of ours that a file imports. */
function importsOf(path: string, { values = false } = {}): readonly string[] {
  const { text } = sources.find((source) => source.path === path) ?? { text: '' }
  const pattern = /^(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'(\.[^']+)'/gms
  return [...text.matchAll(pattern)].flatMap(([, type, specifier]) =>
    values && type ? [] : [relative(ROOT, resolve(ROOT, dirname(path), specifier!))],
  )
}
