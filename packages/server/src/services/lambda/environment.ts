// Environment variables of functions: what they may be called and how many they may be. Their values count as secrets.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html

import { reservedVariables } from '@strongroom/functions'
import type { App } from '../../app.ts'
import { openData, openDataKey, sealData } from './data-key.ts'
import * as errors from './errors.ts'
import type { FunctionVersion, LambdaFunction } from './model.ts'

export type Variables = { readonly [name: string]: string }

const NAME = /^[a-zA-Z][a-zA-Z0-9_]+$/
const BYTES_MAX = 4_096

/** @throws ServiceError InvalidParameterValueException, which never repeats a value */
export function checkVariables(variables: Variables): void {
  const names = Object.keys(variables)
  const reserved = names.filter((name) => reservedVariables.includes(name))
  if (reserved.length > 0) throw errors.reservedVariables(reserved)
  if (!names.every((name) => NAME.test(name))) throw errors.variableName()
  if (Object.values(variables).some((value) => value.includes('\0'))) throw errors.variableCharacters()
  if (Buffer.byteLength(JSON.stringify(variables)) > BYTES_MAX) throw errors.environmentTooLarge()
}

/** As the row of a version has them; undefined where there are none. */
export function sealVariables(app: App, fn: LambdaFunction, variables: Variables = {}): string | undefined {
  if (Object.keys(variables).length === 0) return undefined
  const plaintext = Buffer.from(JSON.stringify(variables))
  const sealed = sealData(openDataKey(app, fn), fn, ['environment'], plaintext)
  plaintext.fill(0)
  return sealed.toString('base64')
}

/** @throws IntegrityError where they were altered */
export function openVariables(
  app: Pick<App, 'keyring'>,
  fn: LambdaFunction,
  { environment }: Pick<FunctionVersion, 'environment'>,
): Variables {
  if (environment === undefined) return {}
  const plaintext = openData(openDataKey(app, fn), fn, ['environment'], Buffer.from(environment, 'base64'))
  const variables = JSON.parse(plaintext.toString()) as Variables
  plaintext.fill(0)
  return variables
}
