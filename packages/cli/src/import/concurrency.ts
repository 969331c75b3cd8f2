// `--concurrency` of imports and exports.

import { type Command, InvalidArgumentError, Option } from 'commander'

const MAX = 64

export const addConcurrencyOption = (command: Command): Command =>
  command.addOption(
    new Option('--concurrency <N>', `how many secrets are worked on at a time, 1 to ${MAX}`)
      .default(8)
      .argParser((text) => {
        const count = Number(text)
        if (Number.isInteger(count) && count >= 1 && count <= MAX) return count
        throw new InvalidArgumentError(`It is not 1 to ${MAX}.`)
      }),
  )
