// ListVersionsByFunction lists $LATEST and the published versions of a function.
// https://docs.aws.amazon.com/lambda/latest/api/API_ListVersionsByFunction.html

import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import { shownConfiguration } from '../configuration.ts'
import { versionsOf } from '../model.ts'
import { LATEST } from '../names.ts'
import { openMarker, pageSize, sealMarker } from '../paging.ts'
import { FunctionConfiguration, FunctionName, Marker, MaxItems } from '../shapes.ts'
import { existingFunction, wholeFunctionTarget } from '../target.ts'
import { readVersion } from '../versions.ts'

const OPERATION = 'ListVersionsByFunction'

export const listVersionsByFunction = operation({
  name: OPERATION,
  readOnly: true,
  http: {
    method: 'GET',
    uri: '/2015-03-31/functions/{FunctionName}/versions',
    code: 200,
    query: { Marker: 'Marker', MaxItems: 'MaxItems' },
  },
  input: { FunctionName, Marker: optional(Marker), MaxItems: optional(MaxItems) },
  output: { NextMarker: optional(Marker), Versions: optional(list(FunctionConfiguration)) },
  target: wholeFunctionTarget,

  async run(call) {
    const { fn } = existingFunction(call.target)
    // $LATEST stands for 0.
    const after = openMarker<number>(call, OPERATION, fn.functionId) ?? -1
    const numbers = [0, ...versionsOf(fn).map(Number)].filter((number) => number > after)
    const page = numbers.slice(0, pageSize(call))
    const versions = await Promise.all(
      page.map((number) => readVersion(call, fn, number === 0 ? LATEST : String(number))),
    )
    return {
      Versions: versions.map((version) => shownConfiguration(call.app, fn, version, version.version, { listed: true })),
      ...(numbers.length > page.length && {
        NextMarker: sealMarker(call, OPERATION, fn.functionId, page.at(-1)!),
      }),
    }
  },
})
