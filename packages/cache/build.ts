// Makes dist/, the package as it is published: JavaScript with its types, and a package.json that points at them. In the repository the
// sources run as they are. Usage: node build.ts [FOLDER], then npm pack FOLDER

import { execFileSync } from 'node:child_process'
import { copyFileSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'

const HERE = import.meta.dirname
const DIST = resolve(process.argv[2] ?? join(HERE, 'dist'))

rmSync(DIST, { recursive: true, force: true })
const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'))
execFileSync(
  process.execPath,
  [join(typescript, 'bin/tsc'), '--project', join(HERE, 'tsconfig.build.json'), '--outDir', DIST],
  {
    stdio: ['ignore', 'inherit', 'inherit'],
  },
)

// The compiler leaves the imports of declarations as they are.
for (const file of globSync('*.d.ts', { cwd: DIST })) {
  const path = join(DIST, file)
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll(/(from '\.[^']+)\.ts'/g, "$1.js'"))
}

const { private: _, scripts: __, exports, ...members } = JSON.parse(readFileSync(join(HERE, 'package.json'), 'utf8'))
const published = Object.entries(exports as { readonly [path: string]: string }).map(([path, source]) => {
  const file = source.replace('./src/', './').replace(/\.ts$/, '')
  return [path, { types: `${file}.d.ts`, default: `${file}.js` }]
})
const description = { ...members, exports: Object.fromEntries(published), sideEffects: false }
writeFileSync(join(DIST, 'package.json'), `${JSON.stringify(description, undefined, 2)}\n`)
copyFileSync(join(HERE, 'README.md'), join(DIST, 'README.md'))
copyFileSync(join(HERE, '../../LICENSE'), join(DIST, 'LICENSE'))
