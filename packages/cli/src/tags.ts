// Tags on the command line: KEY=VALUE. The value may hold more of `=`.

import { UsageError } from './usage-error.ts'

/** @throws UsageError */
export const tagsOf = (texts: readonly string[]): { Key: string; Value: string }[] =>
  texts.map((text) => {
    const at = text.indexOf('=')
    if (at < 1) throw new UsageError(`the tag ${text} is not KEY=VALUE`)
    return { Key: text.slice(0, at), Value: text.slice(at + 1) }
  })
