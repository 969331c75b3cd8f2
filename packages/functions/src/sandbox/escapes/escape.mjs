// Tries to get out, in Node. Prints, for each attempt, what came of it: "open", or the error that refused it.

import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import * as fs from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'

const { ESCAPE, TASK: task, RUNTIME: runtime, SCRATCH: scratch } = process.env
const aim = JSON.parse(Buffer.from(ESCAPE, 'base64').toString())
const results = {}

const attempt = async (name, tryIt) => {
  try {
    const why = await tryIt()
    results[name] = why ?? 'open'
  } catch (error) {
    results[name] = error.code ?? error.message
  }
}
const read = (path) => () => void fs.readFileSync(path)
const write = (path) => () => void fs.writeFileSync(path, 'overwritten')

await attempt('works: read its code', read(join(task, 'escape.mjs')))
await attempt('works: write its scratch folder', write(join(scratch, 'mine')))
await attempt('works: run a program', () => (spawnSync('/usr/bin/env', ['true']).status === 0 ? undefined : 'failed'))
await attempt('works: start a thread', () => {
  const worker = new Worker('', { eval: true })
  return new Promise((resolve, reject) => worker.once('exit', () => resolve()).once('error', reject))
})
await attempt('works: measure its own memory', () => void process.memoryUsage())
await attempt('read a program of the machine', read('/usr/bin/env'))

await attempt('read the root key', read(aim.rootKey))
await attempt('read the credentials', read(aim.credentials))
await attempt('read the database', read(aim.database))
await attempt('read a file that is open to everybody', read(aim.everybodys))
await attempt('list the folder of the server', () => void fs.readdirSync(aim.dataDirectory))
await attempt('ask for the size of a file', () => void fs.statSync(aim.everybodys))
await attempt('cut off the database', () => fs.truncateSync(aim.database))
await attempt('change the mode of the root key', () => fs.chmodSync(aim.rootKey, 0o644))
await attempt('change the times of the root key', () => fs.utimesSync(aim.rootKey, 0, 0))
await attempt('write a folder that is open to everybody', write(join(aim.open, 'planted')))
await attempt('write /dev/shm', write('/dev/shm/planted'))
await attempt('open a terminal', () => fs.closeSync(fs.openSync('/dev/ptmx', 'r+')))
await attempt('write /var/tmp', write('/var/tmp/planted'))
await attempt('write its own code', write(join(task, 'escape.mjs')))
await attempt('add to its own code', write(join(task, 'more.mjs')))
await attempt('delete its own code', () => fs.unlinkSync(join(task, 'escape.py')))
await attempt('make its own code writable', () => {
  fs.chmodSync(join(task, 'escape.sh'), 0o777)
  fs.writeFileSync(join(task, 'escape.sh'), '')
})
await attempt('write its bootstraps', write(join(runtime, 'bootstrap.mjs')))
await attempt('read the scratch folder of another instance', read(join(aim.otherScratch, 'private')))
await attempt('write the scratch folder of another instance', write(join(aim.otherScratch, 'planted')))
await attempt('read the code of another function', read(join(aim.otherTask, 'code.mjs')))

const link = (name) => join(scratch, name)
await attempt('read through a symbolic link', () => {
  fs.symlinkSync(aim.everybodys, link('file'))
  fs.readFileSync(link('file'))
})
await attempt('write through a symbolic link', () => {
  fs.symlinkSync(aim.open, link('folder'))
  fs.writeFileSync(join(link('folder'), 'planted'), 'x')
})
await attempt('make a hard link of a file of others', () => fs.linkSync(aim.everybodys, link('hard')))
await attempt('move a file of others', () => fs.renameSync(aim.movable, link('moved')))
await attempt('leave its folder by ..', read(join(scratch, '..', '..', '..', '..', '..', '..', aim.everybodys)))
await attempt('leave by /proc/self/root', read(`/proc/self/root${aim.everybodys}`))
await attempt('leave by /proc/1/root', read(`/proc/1/root${aim.everybodys}`))

// Numbers of processes are its own at level A: what is read must be the server's, and what is signalled must be hit.
const ofServer = (file) => () => {
  if (!fs.readFileSync(`/proc/${aim.server}/${file}`, 'latin1').includes(aim.mark)) return 'not the server'
}
await attempt('read the environment of the server', ofServer('environ'))
await attempt('read the command of the server', ofServer('cmdline'))
const ofLauncher = (file) => () => {
  if (!fs.readFileSync(`/proc/${aim.launcher}/${file}`, 'latin1').includes('launcher.mjs')) return 'not the launcher'
}
await attempt('read the command of a launcher that waits', ofLauncher('cmdline'))
await attempt('read the memory of the server', () => {
  const maps = fs.readFileSync(`/proc/${aim.server}/maps`, 'latin1')
  if (!maps.includes(aim.program)) return 'not the server'
  fs.closeSync(fs.openSync(`/proc/${aim.server}/mem`, 'r+'))
})
await attempt('read the connections of the machine', () => {
  const port = aim.ports.other.toString(16).toUpperCase().padStart(4, '0')
  if (!fs.readFileSync('/proc/self/net/tcp', 'latin1').includes(`:${port} `)) return 'not there'
})

const to = (options) => () =>
  new Promise((resolve) => {
    const socket = connect(options)
    socket.setTimeout(500, () => resolve(socket.destroy() && undefined))
    socket.once('connect', () => resolve(socket.destroy() && undefined))
    // A refusal of the sandbox is EACCES, or EPERM; any other is an answer of the network, which was reached.
    socket.once('error', ({ code }) => resolve(['EACCES', 'EPERM'].includes(code) ? code : undefined))
  })
await attempt('works: connect to an allowed port', to({ port: aim.ports.allowed, host: '127.0.0.1' }))
await attempt('connect to another host on an allowed port', to({ port: aim.ports.allowed, host: '127.0.0.2' }))
await attempt('connect to another port', to({ port: aim.ports.other, host: '127.0.0.1' }))
await attempt('connect to another port by IPv6', to({ port: aim.ports.other, host: '::ffff:127.0.0.1' }))
await attempt('connect to the metadata of a cloud', to({ port: 80, host: '169.254.169.254' }))
await attempt('connect to a Unix socket of the server', to({ path: aim.unixSocket }))
await attempt('connect to an abstract Unix socket', to({ path: `\0${aim.abstractSocket}` }))
await attempt('listen on a port', () => {
  const server = createServer().listen(0, '127.0.0.1')
  return new Promise((resolve) => server.once('listening', () => resolve()).once('error', ({ code }) => resolve(code)))
})
await attempt('send a datagram', () => {
  const socket = createSocket('udp4')
  return new Promise((resolve) =>
    socket.send(aim.mark, aim.ports.udp, '127.0.0.1', (error) => resolve(socket.close() && error?.code)),
  )
})

process.stdout.write(`${JSON.stringify(results)}\n`, () => {
  try {
    if (aim.server !== process.pid) process.kill(aim.server, 'SIGUSR2')
    if (aim.launcher !== process.pid) process.kill(aim.launcher, 'SIGKILL')
  } catch {
    // The harness sees whether it arrived.
  }
  process.exit(0)
})
