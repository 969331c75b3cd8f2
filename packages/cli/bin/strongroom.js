#!/usr/bin/env node
// The `strongroom` command. Plain JavaScript that an old Node can read too: it finds the Node that the project pins, and starts the
// server, and the agent, under flags that close ways into its memory. Everything else is in ../src/main.ts.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FLAGS } from './flags.js'

const NODE_MAJOR = 26

const script = fileURLToPath(import.meta.url)
const args = process.argv.slice(2)
const flags = Object.hasOwn(FLAGS, args[0] ?? '') ? FLAGS[args[0]] : []

if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR) {
  const node = findPinnedNode(dirname(script))
  if (node === undefined) {
    process.stderr.write(
      `strongroom: this is Node ${process.versions.node} and version ${NODE_MAJOR} is needed: run "npm ci", which brings it along\n`,
    )
    process.exitCode = 1
  } else runUnder(node)
} else if (!flags.every((flag) => process.execArgv.includes(flag)) && process.execve && !process.channel) {
  process.execve(process.execPath, [process.execPath, ...process.execArgv, ...flags, script, ...args])
} else {
  run()
}

function run() {
  // That a module of Node is called experimental is no news to who runs a command.
  process.removeAllListeners('warning')
  process.on('warning', ({ name, message }) => {
    if (name !== 'ExperimentalWarning') process.stderr.write(`${name}: ${message}\n`)
  })
  import('node:module')
    .then(({ enableCompileCache }) => {
      // Beside the packages and not in the shared temporary directory, where another user could put code.
      enableCompileCache(join(dirname(script), '../../../node_modules/.cache/strongroom'))
      return import('../src/own-modules.ts')
    })
    .then(() => import(args[0] === 'agent' ? '../src/agent.ts' : '../src/main.ts'))
    .then(({ main }) => main(args))
}

/** The `node` that npm put beside the packages, which may be that of a folder further up. */
function findPinnedNode(directory) {
  const node = join(directory, 'node_modules/.bin/node')
  if (existsSync(node)) return node
  const parent = dirname(directory)
  return parent === directory ? undefined : findPinnedNode(parent)
}

function runUnder(node) {
  const child = spawn(node, [...flags, script, ...args], { stdio: 'inherit' })
  const forward = ['SIGTERM', 'SIGINT', 'SIGHUP']
  for (const signal of forward) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    process.stderr.write(`strongroom: ${node} cannot be run (${error.code}): run "npm ci" again\n`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    for (const name of forward) process.removeAllListeners(name)
    process.kill(process.pid, signal)
  })
}
