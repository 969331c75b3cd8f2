// `strongroom advise`: what stands on the command line, and the exit code. What it prints is report.ts.

import { CHECK_NAMES, SEVERITIES, type Severity } from '@strongroom/server/services/strongroom/advise/model.ts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type ClientOptions, connectionOf } from '../command-line.ts'
import { addClientOptions } from '../options.ts'
import { addOutputOption, formatOf, type OutputOptions } from '../output.ts'

export type AdviseOptions = {
  readonly finding?: readonly string[]
  readonly failOn?: Severity
  readonly allAccounts?: true
  readonly rotationDays?: number
  readonly unreadDays?: number
  readonly readsPerDay?: number
  readonly userTokens?: number
  readonly failedRotations?: number
  readonly copiedBytes?: number
}

export function addAdviseCommand(program: Command): void {
  const number = (flags: string, help: string) => new Option(flags, help).argParser(wholeNumber)
  const command = addClientOptions(program.command('advise'))
    .description('find what should be mended about the secrets of your account, and what they would cost on AWS')
    .addOption(new Option('--finding <NAME...>', 'look for these alone').choices(CHECK_NAMES))
    .addOption(
      new Option('--fail-on <SEVERITY>', 'exit with 1 where such a finding, or a graver one, is there').choices(
        SEVERITIES,
      ),
    )
    .option('--all-accounts', 'compare values with those of all other accounts; for the management account')
    .addOption(number('--rotation-days <DAYS>', 'a password of a production database may be this old (default: 90)'))
    .addOption(number('--unread-days <DAYS>', 'a secret may be unread for so long (default: 90)'))
    .addOption(number('--reads-per-day <N>', 'of one caller and secret, from which on it should cache (default: 1440)'))
    .addOption(number('--user-tokens <N>', 'secrets of one pattern that are tokens of users (default: 10)'))
    .addOption(number('--failed-rotations <N>', 'one after another, that are worth a word (default: 2)'))
    .addOption(number('--copied-bytes <N>', 'values that are shorter are not compared (default: 8)'))
  addOutputOption(command).action(async (given: ClientOptions & OutputOptions & AdviseOptions) => {
    const { askForAdvice, failsOn, printReport } = await import('./report.ts')
    const report = await askForAdvice(given, await connectionOf(given))
    printReport(report, formatOf(given))
    if (given.failOn !== undefined && failsOn(report, given.failOn)) process.exitCode = 1
  })
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError('Give a whole number above 0.')
  return Number(text)
}
