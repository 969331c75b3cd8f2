// Aliases: names that lead to a version, each with a revision and perhaps a policy of its own.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html

import type { App } from '../../app.ts'
import * as errors from './errors.ts'
import { type Alias, aliasPart, type LambdaFunction, versionPart } from './model.ts'
import { LATEST } from './names.ts'
import { findPart, type Store } from './store.ts'
import { arnOf } from './versions.ts'

type Routing = { readonly AdditionalVersionWeights?: { readonly [version: string]: number } | undefined }

/** @throws ServiceError InvalidParameterValueException for weights: an alias leads to one version here */
export function refuseWeights({ AdditionalVersionWeights = {} }: Routing = {}): void {
  if (Object.keys(AdditionalVersionWeights).length > 0) {
    throw errors.notSupported('AdditionalVersionWeights', 'an alias leads to one version')
  }
}

/** @throws ServiceError ResourceNotFoundException where there is no such version */
export function mustHaveVersion(app: App, fn: LambdaFunction, version: string): void {
  if (version !== LATEST && !Object.hasOwn(fn.parts, versionPart(version))) {
    throw errors.functionNotFound(arnOf(app, fn, version))
  }
}

/** @throws ServiceError ResourceNotFoundException where there is none */
export async function existingAlias(
  store: Store & { readonly app: App },
  fn: LambdaFunction,
  name: string,
): Promise<Alias> {
  const alias = await findPart<Alias>(store, fn, aliasPart(name))
  if (alias === undefined) throw errors.aliasNotFound(arnOf(store.app, fn, name))
  return alias
}

export const shownAlias = (app: App, fn: LambdaFunction, alias: Alias) => ({
  AliasArn: arnOf(app, fn, alias.name),
  Name: alias.name,
  FunctionVersion: alias.functionVersion,
  Description: alias.description,
  RevisionId: alias.revisionId,
})
