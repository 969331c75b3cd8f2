// Server-sent events out of the bytes of a stream.
// https://html.spec.whatwg.org/multipage/server-sent-events.html

export type StreamEvent = {
  /** `message` where the server named none. */
  readonly event: string
  readonly data: string
}

/** An event of ours has a few KiB. */
const LINE_CHARACTERS_MAX = 1024 * 1024

export type Reader = {
  /** Feeds what came. @throws RangeError where a line or an event is longer than a mebibyte */
  push(chunk: Uint8Array): void
}

export function readEvents(heard: {
  readonly event: (event: StreamEvent) => void
  /** The place in the stream, after the events before it. */
  readonly id: (id: string) => void
}): Reader {
  const decoder = new TextDecoder()
  let rest = ''
  let event = ''
  let id: string | undefined
  let data: string[] = []
  let size = 0

  const take = (line: string): void => {
    size += line.length
    if (size > LINE_CHARACTERS_MAX) throw new RangeError('An event is too long.')
    if (line === '') {
      dispatch()
      return
    }
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') event = value
    else if (field === 'data') data.push(value)
    else if (field === 'id' && !value.includes('\0')) id = value
  }

  const dispatch = (): void => {
    if (data.length > 0) heard.event({ event: event === '' ? 'message' : event, data: data.join('\n') })
    if (id !== undefined) heard.id(id)
    event = ''
    id = undefined
    data = []
    size = 0
  }

  return {
    push: (chunk) => {
      rest += decoder.decode(chunk, { stream: true })
      // A CR at the end may be half of a CRLF.
      const lines = rest.split(/\r\n|\n|\r(?!$)/)
      rest = lines.pop()!
      if (rest.length > LINE_CHARACTERS_MAX) throw new RangeError('A line is too long.')
      for (const line of lines) take(line)
    },
  }
}
