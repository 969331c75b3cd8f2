// The command before it has commands: it throws in the place of ending the process, and says what is wrong in one line.

import { Command } from 'commander'

export const newProgram = (): Command =>
  new Command('strongroom')
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({ outputError: (text, write) => write(oneLine(text)) })

/** Of what commander says. An option that does not exist may hold a value that nobody else should see: `--secret-string=…`. */
const oneLine = (text: string): string =>
  text.replace(/^error: /, 'strongroom: ').replace(/(unknown option '[^'=\s]*)=.*'/s, "$1'")
