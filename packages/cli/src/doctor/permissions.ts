// What the caller may do, tried: listing, following the change events and, where one is named, reading a secret as an application would. A refusal is told with
// the mend that the server knows, where the caller may ask for it, else with the statement that is missing.

import { type Answer, askJson, askSigned } from './ask.ts'
import { causeOf, type Report, shellQuoted } from './finding.ts'
import type { Caller } from './server.ts'

export async function checkPermissions(report: Report, caller: Caller, secretId: string | undefined): Promise<void> {
  await answered(report.warn, 'list', checkListing(report, caller))
  await answered(report.warn, 'events', checkEvents(report, caller))
  if (secretId !== undefined) await answered(report.fail, 'read', checkSecret(report, caller, secretId))
}

/** What does not answer is a finding too: a proxy may hold a stream back, or end what it does not know. */
async function answered(bad: Report['warn'], check: string, checking: Promise<void>): Promise<void> {
  try {
    await checking
  } catch (error) {
    const mend = 'see the log of the server, and what a proxy before it lets through'
    bad(check, `${check} not checked, since no answer came (${causeOf(error)})`, mend)
  }
}

async function checkListing({ ok, warn }: Report, caller: Caller): Promise<void> {
  const answer = await askJson(caller, 'ListSecrets', { MaxResults: 1 })
  if (answer.status === 200) return ok('list', 'you may list the secrets of your account')
  const mend = await mendOf(caller, answer, 'secretsmanager:ListSecrets', '*')
  warn('list', `you may not list the secrets of your account (${codeIn(answer)})`, mend)
}

async function checkEvents({ ok, warn }: Report, caller: Caller): Promise<void> {
  const headers = { accept: 'text/event-stream' }
  const answer = await askSigned(caller, {
    service: 'secretsmanager',
    path: '/_strongroom/events',
    headers,
    bytesMax: 0,
  })
  if (answer.status === 200) return ok('events', 'you may follow change events: caches hear of rotations at once')
  const what = `you may not follow change events (${codeIn(answer)}): caches hear of rotations when their TTL ends`
  warn('events', what, await mendOf(caller, answer, 'strongroom:ReadEvents', '*'))
}

const SECRET_MENDS: { readonly [code: string]: string } = {
  ResourceNotFoundException: 'look at its name, your Region and your account; of another account name it by its ARN',
  InvalidRequestException: 'it may be marked for deletion: "aws secretsmanager restore-secret" takes it back',
  DecryptionFailure: 'see whether its KMS key is enabled: "aws kms describe-key" and "aws kms enable-key"',
}

/** The value is asked for and let go: what matters is whether it comes. The trail has it as a read. */
async function checkSecret(report: Report, caller: Caller, secretId: string): Promise<void> {
  const { ok, warn, fail } = report
  const described = await askJson(caller, 'DescribeSecret', { SecretId: secretId })
  const { ARN, KmsKeyId } = jsonIn(described)
  const resource = ARN ?? (secretId.startsWith('arn:') ? secretId : guessedArn(caller, secretId))
  if (described.status === 200) ok('describe', `you may describe ${secretId}`)
  else if (codeIn(described) === 'AccessDeniedException') {
    const mend = await mendOf(caller, described, 'secretsmanager:DescribeSecret', resource)
    warn('describe', `you may not describe ${secretId}, which applications seldom need`, mend)
  }
  const read = await askJson(caller, 'GetSecretValue', { SecretId: secretId })
  if (read.status === 200) return ok('read', `you may read ${secretId}, and its KMS key opens it`)
  const code = codeIn(read)
  const message = jsonIn(read).Message ?? ''
  const what = `${secretId} cannot be read (${code}: ${message})`
  if (code !== 'AccessDeniedException') return fail('read', what, SECRET_MENDS[code] ?? 'see the log of the server')
  if (/^Access to KMS/.test(message)) {
    const key = KmsKeyId ?? 'ARN_OF_THE_KMS_KEY'
    return fail('read', what, await mendOf(caller, read, 'kms:Decrypt', key))
  }
  fail('read', what, await mendOf(caller, read, 'secretsmanager:GetSecretValue', resource))
}

/** With six unknown characters at the end, as policies are written for secrets. */
const guessedArn = ({ region, arn }: Caller, secretId: string): string =>
  `arn:aws:secretsmanager:${region}:${arn.split(':')[4]}:secret:${secretId}-??????`

/** What explains the refusal is asked of the server, which few may ask: docs/policies.md. */
async function mendOf(caller: Caller, answer: Answer, Action: string, Resource: string): Promise<string> {
  const asked = Resource.includes('?') ? {} : { Resource }
  const explained = await askJson(caller, '/_strongroom/policy/explain', { Action, ...asked })
  const { Mend } = jsonIn(explained)
  if (explained.status === 200 && Mend !== undefined) return Mend
  if (/explicit deny/.test(jsonIn(answer).Message ?? '')) {
    return `a policy denies ${Action}: an administrator sees which by "strongroom policy explain --principal ${shellQuoted(caller.arn)} --action ${Action} --resource ${shellQuoted(Resource)}"`
  }
  return `attach a policy with ${JSON.stringify({ Effect: 'Allow', Action, Resource })}`
}

type Members = { readonly [Name in 'ARN' | 'KmsKeyId' | 'Message' | 'Mend' | 'type']?: string }

/** Of an answer that is read; a value is not, being too long or none of these. */
function jsonIn({ text }: Answer): Members {
  try {
    const { ARN, KmsKeyId, Message, message, Mend, __type } = JSON.parse(text)
    const members = { ARN, KmsKeyId, Message: Message ?? message, Mend, type: __type }
    return Object.fromEntries(Object.entries(members).filter(([, value]) => typeof value === 'string'))
  } catch {
    return {} // what something between us and the server says
  }
}

const codeIn = (answer: Answer): string =>
  /^(?:.*#)?([A-Za-z.]{1,64})$/.exec(jsonIn(answer).type ?? '')?.[1] ?? `status ${answer.status}`
