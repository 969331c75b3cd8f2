// ListFunctions lists the functions of the caller's account in a Region or, with FunctionVersion ALL, all their versions.
// https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html

import { operation } from '../../../operation.ts'
import { enumeration, list, optional, string } from '../../../shape/shape.ts'
import { shownConfiguration } from '../configuration.ts'
import { type FunctionVersion, type LambdaFunction, versionsOf } from '../model.ts'
import { LATEST } from '../names.ts'
import { openMarker, pageSize, sealMarker } from '../paging.ts'
import { FunctionConfiguration, Marker, MaxItems } from '../shapes.ts'
import { listFunctions as listStored } from '../store.ts'
import { refuseUnsupported } from '../unsupported.ts'
import { readVersion } from '../versions.ts'

const OPERATION = 'ListFunctions'

/** The last item of a page; the version only where all are listed. */
type Place = { readonly name: string; readonly version?: string }

export const listFunctions = operation({
  name: OPERATION,
  readOnly: true,
  http: {
    method: 'GET',
    uri: '/2015-03-31/functions',
    code: 200,
    query: { MasterRegion: 'MasterRegion', FunctionVersion: 'FunctionVersion', Marker: 'Marker', MaxItems: 'MaxItems' },
  },
  input: {
    MasterRegion: optional(string()),
    FunctionVersion: optional(enumeration('ALL')),
    Marker: optional(Marker),
    MaxItems: optional(MaxItems),
  },
  output: { NextMarker: optional(Marker), Functions: optional(list(FunctionConfiguration)) },
  target: async ({ account }) => ({ resource: '*', shown: '*', account }),

  async run(call) {
    const { app, account, region, input } = call
    refuseUnsupported({ MasterRegion: input.MasterRegion })
    const all = input.FunctionVersion === 'ALL'
    const of = all ? 'ALL' : ''
    const size = pageSize(call)
    const after = openMarker<Place>(call, OPERATION, of)
    const from = { name: after?.name ?? '', inclusive: all && after !== undefined }
    const found = await listStored(call, account, region, from, size + 1)
    const items: { readonly fn: LambdaFunction; readonly version: FunctionVersion }[] = []
    for (const fn of found) {
      const numbers = all ? [LATEST, ...versionsOf(fn)] : [LATEST]
      const done = fn.functionName === after?.name ? Number(after.version ?? 0) : -1
      for (const number of numbers) {
        if (Number(number === LATEST ? 0 : number) <= done || items.length > size) continue
        items.push({ fn, version: await readVersion(call, fn, number) })
      }
    }
    const page = items.slice(0, size)
    const last = page.at(-1)
    const more = items.length > size && last !== undefined
    return {
      Functions: page.map(({ fn, version }) =>
        shownConfiguration(app, fn, version, all ? version.version : undefined, { listed: true }),
      ),
      ...(more && { NextMarker: sealMarker(call, OPERATION, of, placeOf(last, all)) }),
    }
  },
})

const placeOf = (
  { fn, version }: { readonly fn: LambdaFunction; readonly version: FunctionVersion },
  all: boolean,
): Place => ({ name: fn.functionName, ...(all && version.version !== LATEST && { version: version.version }) })
