// For tests: scripts of commands with their expected output, as they stand in the documents: `$ COMMAND`, and below it what it prints. They
// run one after another in one shell on a pseudo-terminal, as in the hands of a reader.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { BIN, temporaryDirectory } from './testing.ts'

type Step = { readonly command: string; readonly output: string }

/** Those of all blocks ```console of a page. */
export function stepsOf(page: string): readonly Step[] {
  const blocks = [...page.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map(([, block]) => block!)
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((text) => {
        const [command, rest] = /^((?:.*\\\n)*.*\n)([\s\S]*)$/.exec(text)!.slice(1)
        return { command: command!, output: rest!.trimEnd() }
      }),
  )
}

/** A PATH on which `strongroom` is. */
export function pathWithCommand(t: TestContext): string {
  const directory = temporaryDirectory(t)
  symlinkSync(BIN, join(directory, 'strongroom'))
  return `${directory}:${process.env.PATH}`
}

/** What they print, each with `[CODE]` as last line where it fails. */
export async function runSteps(
  t: TestContext,
  steps: readonly Step[],
  variables: { readonly [name: string]: string },
): Promise<readonly Step[]> {
  const home = temporaryDirectory(t)
  mkdirSync(join(home, 'work'))
  const file = join(home, 'script.sh')
  // Nobody types.
  const script = steps.map(({ command }) => `printf '\\036'\n${command}printf '\\037%s' $?\n`).join('')
  writeFileSync(file, `exec < /dev/null\n${script}`)
  const env = { HOME: home, NO_COLOR: '1', TERM: 'xterm', ...variables, PATH: pathWithCommand(t) }
  const child = spawn('script', ['-qec', `bash ${file}`, '/dev/null'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: join(home, 'work'),
    env,
  })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  await once(child, 'close')
  // Of a line that was written over, such as that of a progress bar, the end is what is left to see.
  const seen = printed.replaceAll('\r\n', '\n').replaceAll(/[^\n\x1e]*\r(?:\x1b\[K)?/g, '')
  const outputs = seen.split('\x1e').slice(1)
  return steps.map(({ command }, at) => {
    const [body = '', code] = (outputs[at] ?? '').split('\x1f')
    const lines = body.trimEnd()
    return { command, output: code?.startsWith('0') ? lines : `${lines}\n[${parseInt(code ?? '', 10)}]`.trim() }
  })
}

/** The page with what its commands have printed. */
export function pageWith(page: string, steps: readonly Step[]): string {
  const left = [...steps]
  return page.replace(/^```console\n([\s\S]*?)^```$/gm, (_, block: string) => {
    const ran = left.splice(0, block.split(/^\$ /m).length - 1)
    const text = ran.map(({ command, output }) => `$ ${command}${output === '' ? '' : `${output}\n`}`).join('')
    return `\`\`\`console\n${text}\`\`\``
  })
}

/** That the commands of a page print what it says, but for what is new each time: ids, dates, ages, random words. */
export async function assertPage(
  t: TestContext,
  page: string,
  variables: { readonly [name: string]: string },
): Promise<void> {
  const steps = stepsOf(page)
  assert.ok(steps.length > 0, 'there is something to run')
  const text = (of: readonly Step[]) => of.map(({ command, output }) => `$ ${command}${output}\n`).join('')
  assert.equal(masked(text(await runSteps(t, steps, variables))), masked(text(steps)))
}

/** The same id is the same number. Columns are as wide as their ages: two spaces stand for any. */
function masked(text: string): string {
  const ids: string[] = []
  return text
    .replace(/\b[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}\b/g, (id) => {
      if (!ids.includes(id)) ids.push(id)
      return `ID${ids.indexOf(id)}`
    })
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'DATE')
    .replace(/(in )?\b\d+ (s|min|h|d|y|ms)\b/g, 'AGE')
    .replace(/\b\d{12}\b/g, 'ACCOUNT')
    .replace(/(:secret:[\w/]+-)\w{6}/g, '$1RANDOM')
    .replace(/ {2,}/g, '  ')
}
