// Servers to measure, each in a process of its own, bound to given cores.

import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Signer } from './load.ts'

const COMMAND = resolve(import.meta.dirname, '../packages/cli/bin/strongroom.js')
export const REGION = 'eu-central-1'

export type Measured = {
  readonly port: number
  readonly pid: number
  /** Milliseconds from the start of the process to its ready line. */
  readonly startMs: number
  readonly stop: () => Promise<void>
}

/** The cores that a server may use, as taskset writes them: `0`. The load runs on the others. */
export function start(cores: string, args: readonly string[]): Promise<Measured> {
  const began = performance.now()
  const child: ChildProcess = spawn('taskset', ['-c', cores, process.execPath, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = new Promise<void>((resolve) => child.on('exit', () => resolve()))
  return new Promise((resolve, reject) => {
    child.on('exit', (code) => reject(new Error(`${args[0]} ended with ${code}`)))
    createInterface(child.stdout!).on('line', (line) => {
      const port = /ready on http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1]
      if (port === undefined) return
      resolve({
        port: Number(port),
        pid: child.pid!,
        startMs: performance.now() - began,
        stop: async () => {
          child.kill('SIGTERM')
          await gone
        },
      })
    })
  })
}

export const startStrongroom = (cores: string, dataDir: string, ...options: readonly string[]): Promise<Measured> =>
  start(cores, [
    COMMAND,
    'serve',
    '--data-dir',
    dataDir,
    '--port',
    '0',
    '--log-level',
    'error',
    '--rates',
    'off',
    ...options,
  ])

export const startEcho = (cores: string, answerBytes: number): Promise<Measured> =>
  start(cores, [join(import.meta.dirname, 'echo.ts'), String(answerBytes)])

export function signerOf(dataDir: string, port: number): Signer {
  const text = readFileSync(join(dataDir, 'credentials'), 'utf8')
  const field = (name: string): string => new RegExp(`^${name} *= *(\\S+)$`, 'm').exec(text)![1]!
  return {
    accessKeyId: field('aws_access_key_id'),
    secretAccessKey: field('aws_secret_access_key'),
    region: REGION,
    host: `127.0.0.1:${port}`,
  }
}

/** Anonymous memory of a process in MiB: what is its own, without the page cache. */
export function anonymousMib(pid: number): number {
  const kib = /^Anonymous:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]
  return Number(kib) / 1024
}

/** Milliseconds of processor time that a process and its threads have used, its children included. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  const ticks = [11, 12].reduce((sum, at) => sum + Number(fields[at]), 0)
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
  return ticks * 10 + children.reduce((sum, child) => sum + cpuMs(Number(child)), 0)
}
