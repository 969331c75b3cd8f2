// GetParametersByPath returns the parameters of one level of a hierarchy, or with Recursive of all levels below. Who may ask for a path sees
// everything below it, as on AWS.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html
// https://docs.aws.amazon.com/systems-manager/latest/userguide/ps-retrieval-authorization.html

import type { Call } from '../../../call.ts'
import { operation, type Target } from '../../../operation.ts'
import { boolean, list, optional } from '../../../shape/shape.ts'
import { compilePathFilters, versionShown } from '../filters.ts'
import { parameterArn, parsePath, pathsBelow } from '../names.ts'
import { openNextToken, readPage, sealNextToken } from '../paging.ts'
import { answer } from '../read.ts'
import { Decryption, MaxResultsByPath, NextToken, Parameter, ParameterFilters, ParameterName } from '../shapes.ts'

const PAGE_MAX = 10

const recursiveContext = ({ Recursive = false }: { readonly Recursive?: boolean | undefined }) => ({
  'ssm:Recursive': String(Recursive),
})

export const getParametersByPath = operation({
  name: 'GetParametersByPath',
  readOnly: true,

  input: {
    Path: ParameterName,
    Recursive: optional(boolean()),
    ParameterFilters: optional(ParameterFilters),
    WithDecryption: Decryption,
    MaxResults: optional(MaxResultsByPath),
    NextToken: optional(NextToken),
  },

  output: { Parameters: optional(list(Parameter)), NextToken: optional(NextToken) },

  target: pathTarget,

  conditions: recursiveContext,

  async run(call) {
    const { Recursive = false, ParameterFilters: filters = [], WithDecryption, MaxResults } = call.input
    const { path } = call.target
    const { passes, labels } = compilePathFilters(filters)
    const question = [path, Recursive, filters]
    const page = await readPage(
      call,
      Recursive ? pathsBelow(path) : { parent: path },
      openNextToken(call, 'GetParametersByPath', question, call.input.NextToken),
      MaxResults ?? PAGE_MAX,
      (stored) => {
        const shown = passes(stored) ? versionShown(stored, labels) : undefined
        return shown && { stored, ...shown }
      },
      filters.length === 0,
    )
    const Parameters: Awaited<ReturnType<typeof answer>>[] = []
    for (const { stored, entry, selector } of page.items) {
      Parameters.push(await answer(call, stored, entry, selector, { withDecryption: WithDecryption }))
    }
    return { Parameters, NextToken: sealNextToken(call, 'GetParametersByPath', question, page.next) }
  },
})

type PathTarget = Target & { readonly path: string }

/**
 * The hierarchy, which policies name as `parameter/app` or, with all that is below, as `parameter/app/*`: either allows it, and where either denies
 * it, it is denied.
 */
async function pathTarget(
  call: Call<{ readonly Path: string; readonly Recursive?: boolean | undefined }>,
): Promise<PathTarget> {
  const { account, input } = call
  const path = parsePath(input.Path)
  const slashed = parameterArn(call, `${path}/`)
  const named = path === '' ? slashed : parameterArn(call, path)
  const asked = { action: 'ssm:GetParametersByPath', resourceAccount: account, context: recursiveContext(input) }
  const decided = [named, slashed].map((resource) => ({ resource, ...call.decide({ ...asked, resource }) }))
  const deciding = decided.find(({ reason }) => reason === 'explicit-deny') ?? decided.find(({ allow }) => allow)
  return { resource: deciding?.resource ?? named, shown: named, account, path }
}
