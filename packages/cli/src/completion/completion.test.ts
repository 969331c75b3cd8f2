// Completion in the shells that are here: a line is typed with tabs in it and run, so that what it prints tells what the tabs became.

import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { Command } from 'commander'
import { addParameterCommands } from '../parameter/commands.ts'
import { addSecretCommands } from '../secret/commands.ts'
import { clientOptions, serve, temporaryDirectory } from '../testing.ts'
import { pathWithCommand } from '../testing-script.ts'
import { openTerminal } from '../testing-terminal.ts'
import { SHELLS } from './commands.ts'
import { complete } from './complete.ts'

const server = await serve({ after })
const secrets = new SecretsManagerClient(clientOptions(server))
const parameters = new SSMClient(clientOptions(server))
after(() => {
  secrets.destroy()
  parameters.destroy()
})
for (const Name of ['app/db', 'app/token=1', 'zone+1']) {
  await secrets.send(new CreateSecretCommand({ Name, SecretString: `value of ${Name}` }))
}
await parameters.send(new PutParameterCommand({ Name: '/app/port', Value: '80', Type: 'String' }))

const program = new Command('strongroom')
addSecretCommands(program)
addParameterCommands(program)

test('commands, options, their values and names are told where they may stand', async () => {
  const where = ['--endpoint-url', server.url, '--data-dir', server.dataDir]
  const cases = [
    [['par'], ['parameter']],
    [
      ['secret', 'ro'],
      ['rollback', 'rotate'],
    ],
    [['secret', 'list', '--so'], ['--sort']],
    [
      ['secret', 'list', '--sort', 'c'],
      ['created', 'changed'],
    ],
    [
      ['secret', 'list', '--output='],
      ['--output=json', '--output=table', '--output=text'],
    ],
    [['secret', 'put', '--file', ''], [':files']],
    [['secret', 'put', '--description', ''], []],
    [
      ['secret', 'get', ...where, 'a'],
      ['app/db', 'app/token=1'],
    ],
    [['secret', 'put', '--tag', 'a=b', ...where, 'z'], ['zone+1']],
    [['secret', 'get', ...where, 'app/db', 'a'], []],
    [['parameter', 'delete', ...where, '/app/other', '/'], ['/app/port']],
    [['parameter', 'delete', '--endpoint-url', 'http://127.0.0.1:1', ''], []],
    [
      ['nothing', ''],
      ['secret', 'parameter', 'help'],
    ],
  ] as const
  for (const [words, expected] of cases) {
    const lines = await complete(program, words)
    assert.deepEqual(
      lines.map((line) => line.split('\t')[0]),
      expected,
      words.join(' '),
    )
  }
})

test('what no secret can be called is not offered, as a shell would run it', async (t) => {
  const other = createServer((_, response) =>
    response.end(
      JSON.stringify({ SecretList: ['app/$(id)', 'app/a;id', 'app/*', 'app/db'].map((Name) => ({ Name })) }),
    ),
  )
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  t.after(() => other.close())
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
  const words = ['secret', 'get', '--endpoint-url', url, '--data-dir', server.dataDir, 'app']
  assert.deepEqual(await complete(program, words), ['app/db\t'])
})

/** How each is started without the user's own settings, and its line that loads the completion. */
const STARTS = {
  bash: ['bash --norc --noprofile -i', 'source <(strongroom completion bash)'],
  zsh: ['zsh -f -i', 'autoload -U compinit; compinit -u -D; source <(strongroom completion zsh)'],
  fish: ['fish --no-config -i', 'strongroom completion fish | source'],
} as const

for (const shell of SHELLS) {
  const missing = ['/usr/bin/script', `/usr/bin/${shell}`].find((file) => !existsSync(file))
  test(`in ${shell} a line is completed by tabs`, {
    skip: missing ? `${missing} is not installed` : false,
  }, async (t) => {
    const home = temporaryDirectory(t)
    writeFileSync(join(home, 'a-file'), '')
    const [start, load] = STARTS[shell]
    const terminal = openTerminal(t, `cd ${home} && ${start}`, {
      PATH: pathWithCommand(t),
      HOME: home,
      AWS_ENDPOINT_URL: server.url,
      STRONGROOM_DATA_DIR: server.dataDir,
    })
    terminal.type(`${load}; echo load''ed\n`)
    await terminal.shows(/loaded/)
    terminal.type('strongroom secret get app/d\t--sta\tAWSCURRENT; echo\n')
    await terminal.shows(/value of app\/db/)
    // Where bash ends a word and others do not.
    if (shell === 'bash') {
      terminal.type('strongroom secret get app/token=\t; echo\n')
      await terminal.shows(/value of app\/token=1/)
    }
    terminal.type('strongroom secret put from-file --file a-f\t\n')
    await terminal.shows(/the value is empty/)
    terminal.type('exit\n')
    await terminal.ended
  })
}
