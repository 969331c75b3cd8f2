// ListAliases lists the aliases of a function, or those that lead to one of its versions.
// https://docs.aws.amazon.com/lambda/latest/api/API_ListAliases.html

import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import { existingAlias, shownAlias } from '../aliases.ts'
import { aliasesOf } from '../model.ts'
import { openMarker, pageSize, sealMarker } from '../paging.ts'
import { AliasConfiguration, FunctionName, Marker, MaxItems, Version } from '../shapes.ts'
import { existingFunction, wholeFunctionTarget } from '../target.ts'

const OPERATION = 'ListAliases'

export const listAliases = operation({
  name: OPERATION,
  readOnly: true,
  http: {
    method: 'GET',
    uri: '/2015-03-31/functions/{FunctionName}/aliases',
    code: 200,
    query: { FunctionVersion: 'FunctionVersion', Marker: 'Marker', MaxItems: 'MaxItems' },
  },
  input: {
    FunctionName,
    FunctionVersion: optional(Version),
    Marker: optional(Marker),
    MaxItems: optional(MaxItems),
  },
  output: { NextMarker: optional(Marker), Aliases: optional(list(AliasConfiguration)) },
  target: wholeFunctionTarget,

  async run(call) {
    const { app, input, target } = call
    const { fn } = existingFunction(target)
    const of = `${fn.functionId} ${input.FunctionVersion ?? ''}`
    const after = openMarker<string>(call, OPERATION, of) ?? ''
    const names = aliasesOf(fn).filter((name) => name > after)
    const aliases = await Promise.all(names.map((name) => existingAlias(call, fn, name)))
    const wanted = aliases.filter(
      ({ functionVersion }) => functionVersion === (input.FunctionVersion ?? functionVersion),
    )
    const page = wanted.slice(0, pageSize(call))
    return {
      Aliases: page.map((alias) => shownAlias(app, fn, alias)),
      ...(wanted.length > page.length && { NextMarker: sealMarker(call, OPERATION, of, page.at(-1)!.name) }),
    }
  },
})
