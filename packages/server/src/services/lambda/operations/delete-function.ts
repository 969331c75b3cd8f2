// DeleteFunction deletes a function with all its versions, aliases and policies, or one version that no alias leads to.
// https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunction.html

import type { Call } from '../../../call.ts'
import { operation } from '../../../operation.ts'
import { integer, optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { type Alias, aliasesOf, aliasPart, policyPart, versionPart } from '../model.ts'
import { isVersion, LATEST } from '../names.ts'
import { FunctionName, Qualifier } from '../shapes.ts'
import { countUsage, findPart, removeFunction, removePart, type StoredFunction, updateFunction } from '../store.ts'
import { existingFunction, functionTarget } from '../target.ts'
import { dropCode, readVersion } from '../versions.ts'

export const deleteFunction = operation({
  name: 'DeleteFunction',
  readOnly: false,
  http: {
    method: 'DELETE',
    uri: '/2015-03-31/functions/{FunctionName}',
    code: 204,
    query: { Qualifier: 'Qualifier' },
    responseCode: 'StatusCode',
  },
  input: { FunctionName, Qualifier: optional(Qualifier) },
  output: { StatusCode: optional(integer()) },
  target: functionTarget,

  async run(call) {
    const stored = existingFunction(call.target)
    const { qualifier } = call.target.reference
    if (qualifier === undefined) await deleteWhole(call, stored)
    else await deleteVersion(call, stored, qualifier)
    return { StatusCode: 204 }
  },
})

async function deleteWhole(call: Call, stored: StoredFunction): Promise<void> {
  const { accountId, region, codes } = stored.fn
  await removeFunction(call, stored)
  await countUsage(call, accountId, region, 'lambda-function', -1)
  const bytes = Object.values(codes).reduce((sum, { size }) => sum + size, 0)
  await countUsage(call, accountId, region, 'lambda-code', -bytes)
}

async function deleteVersion(call: Call, stored: StoredFunction, qualifier: string): Promise<void> {
  const { fn } = stored
  if (qualifier === LATEST) throw errors.latestStays()
  if (!isVersion(qualifier)) throw errors.aliasesAreDeletedElsewhere()
  const version = await readVersion(call, fn, qualifier)
  const leading: string[] = []
  for (const name of aliasesOf(fn)) {
    const alias = await findPart<Alias>(call, fn, aliasPart(name))
    if (alias?.functionVersion === qualifier) leading.push(name)
  }
  if (leading.length > 0) throw errors.versionHasAliases(leading)
  const parts = await removePart(call, fn, versionPart(qualifier))
  const others = await removePart(call, { ...fn, parts }, policyPart(qualifier))
  await updateFunction(call, stored, { ...fn, parts: others, codes: await dropCode(call, fn, version.codeSha256) })
}
