// `strongroom completion SHELL` prints what a shell needs to complete command lines; the shell then asks `strongroom complete` each time.

import type { Command } from 'commander'

export const SHELLS = ['bash', 'zsh', 'fish'] as const

export function addCompletionCommands(program: Command): void {
  const completion = program.command('completion').description('completion of command lines, for your shell')
  for (const shell of SHELLS) {
    completion
      .command(shell)
      .description(`print it for ${shell}`)
      .action(async () => {
        const { scriptOf } = await import('./scripts.ts')
        process.stdout.write(scriptOf(shell))
      })
  }
  program
    .command('complete', { hidden: true })
    .argument('[WORD...]', 'of the command line so far; the last one is the one to complete')
    .action(async (words: readonly string[]) => {
      const { complete } = await import('./complete.ts')
      const lines = await complete(program, words)
      // An answer of the server that comes too late is not waited for.
      process.stdout.write(lines.map((line) => `${line}\n`).join(''), () => process.exit())
    })
}
