// Policy documents as they come in and as they go out.

import { createHash } from 'node:crypto'
import { compilePolicy } from '../../policy/compile.ts'
import type { PolicyGrammar } from '../../policy/engine.ts'
import { MalformedPolicyError } from '../../policy/errors.ts'
import * as errors from './errors.ts'

/** So that what is stored can be evaluated. @throws MalformedPolicyDocument */
export function mustCompile(document: string, grammar: PolicyGrammar): void {
  try {
    compilePolicy(document, grammar)
  } catch (error) {
    throw error instanceof MalformedPolicyError ? errors.malformedPolicy(error.message) : error
  }
}

/** As IAM counts a document towards its limits: without white space. */
export const policyCharacters = (document: string): number => document.replaceAll(/\s/g, '').length

/** As IAM's answers carry a document: percent-encoded. https://www.rfc-editor.org/rfc/rfc3986#section-2.3 */
export const encodedDocument = (document: string): string =>
  encodeURIComponent(document).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** By which a policy's row vouches for the document of a version: SHA-256 in base64. */
export const digestOf = (document: string): string => createHash('sha256').update(document).digest('base64')
