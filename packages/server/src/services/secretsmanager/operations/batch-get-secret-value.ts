// BatchGetSecretValue returns the current values of up to 20 secrets, named or found by filters. What goes wrong with one secret is told
// beside the values of the others.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html

import type { Call } from '../../../call.ts'
import { ServiceError } from '../../../errors.ts'
import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import type { Filter } from '../filters.ts'
import { listPage, openNextToken, orderOf, sealNextToken } from '../list.ts'
import { selectVersion } from '../model.ts'
import { Filters, MaxResultsOfBatch, NextToken, SecretError, SecretIdList, SecretValueEntry } from '../shapes.ts'
import { liveSecret, permissionOn, resolveSecret, type SecretTarget } from '../target.ts'
import { readSecretValue } from '../value.ts'
import { recordRead } from '../value-event.ts'

const PAGE_MAX = 20
const ORDER = orderOf()

export const batchGetSecretValue = operation({
  name: 'BatchGetSecretValue',
  readOnly: true,

  input: {
    SecretIdList: optional(SecretIdList),
    Filters: optional(Filters),
    MaxResults: optional(MaxResultsOfBatch),
    NextToken: optional(NextToken),
  },

  output: {
    SecretValues: optional(list(SecretValueEntry)),
    NextToken: optional(NextToken),
    Errors: optional(list(SecretError)),
  },

  target: async ({ account }) => ({ resource: '*', account }),

  permissions: ({ Filters }, { account }) => [
    { action: 'secretsmanager:BatchGetSecretValue', resource: '*', resourceAccount: account },
    ...(Filters === undefined
      ? []
      : [{ action: 'secretsmanager:ListSecrets', resource: '*', resourceAccount: account }]),
  ],

  async run(call) {
    const { ids, NextToken } = await findIds(call)
    const SecretValues: Awaited<ReturnType<typeof readOne>>[] = []
    const Errors: { readonly SecretId: string; readonly ErrorCode: string; readonly Message: string }[] = []
    for (const id of ids) {
      const target = await resolveSecret(call, id)
      let reached = false
      try {
        authorizeOne(call, target)
        reached = true
        SecretValues.push(await readOne(call, target))
        recordRead(call, { SecretId: id }, target, reached)
      } catch (error) {
        // A fault of the server, or a row that was altered, is not one secret's affair.
        if (!(error instanceof ServiceError) || error.status >= 500) throw error
        Errors.push({ SecretId: id, ErrorCode: error.code, Message: error.message })
        recordRead(call, { SecretId: id }, target, reached, error)
      }
    }
    return { SecretValues, NextToken, Errors }
  },
})

type BatchCall = Call<{
  readonly SecretIdList?: readonly string[] | undefined
  readonly Filters?: readonly Filter[] | undefined
  readonly MaxResults?: number | undefined
  readonly NextToken?: string | undefined
}>

type Ids = { readonly ids: readonly string[]; readonly NextToken: string | undefined }

/** What the caller named, in its order, or one page of what its filters find. */
async function findIds(call: BatchCall): Promise<Ids> {
  const { SecretIdList, Filters, MaxResults, NextToken } = call.input
  if ((SecretIdList === undefined) === (Filters === undefined)) throw errors.idListOrFilters()
  if (SecretIdList !== undefined) {
    if (MaxResults !== undefined) throw errors.maxResultsWithoutFilters()
    if (NextToken !== undefined) throw errors.invalidNextToken(NextToken)
    return { ids: SecretIdList, NextToken: undefined }
  }
  const { secrets, next } = await listPage(call, {
    account: call.account,
    region: call.region,
    filters: Filters ?? [],
    planned: false,
    order: ORDER,
    after: openNextToken(call, 'BatchGetSecretValue', ORDER, NextToken),
    max: MaxResults ?? PAGE_MAX,
  })
  return {
    ids: secrets.map(({ secret }) => secret.arn),
    NextToken: sealNextToken(call, 'BatchGetSecretValue', ORDER, next),
  }
}

/** Each secret by itself, before anything is told of it, as GetSecretValue would. */
const authorizeOne = (call: Call, target: SecretTarget): void =>
  call.authorize(permissionOn(target, 'secretsmanager:GetSecretValue'), target.concealed)

async function readOne(call: Call, target: SecretTarget) {
  const stored = liveSecret(target)
  return readSecretValue(call, stored, selectVersion(stored.secret, undefined, undefined))
}
