// Texts that are used often. V8 keeps a text that was put together from others as a tree of these, and walks it again each time.

/** The same text as one run of characters. It must be well-formed, as JSON is. */
export const inOneRun = (text: string): string => Buffer.from(text).toString()

/** One object for equal texts: those that many hold stay in the processor's caches. */
export type Shared = (text: string) => string
