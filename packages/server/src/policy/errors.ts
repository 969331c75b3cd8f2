// What compiling refuses. The services that take policies say it in their own words: MalformedPolicyDocument, MalformedPolicyDocumentException.

/** `path` names the element, `Statement[0].Action[2]`; empty where the whole document is meant. `reason` is a sentence for the caller. */
export class MalformedPolicyError extends Error {
  readonly path: string
  readonly reason: string

  constructor(path: string, reason: string) {
    super(path === '' ? reason : `${reason} (${path})`)
    this.name = 'MalformedPolicyError'
    this.path = path
    this.reason = reason
  }
}
