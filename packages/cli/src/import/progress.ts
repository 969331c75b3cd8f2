// A bar on standard error while the work goes on, on a terminal alone.

/** Of the bar; less where the terminal is narrow, and none where it is too narrow for one. */
const WIDTH_MAX = 30
const WIDTH_MIN = 5

export type Progress = { readonly advance: (failed: boolean) => void; readonly end: () => void }

/** Draws nothing where `shown` is false or standard error is no terminal. */
export function startProgress(total: number, shown: boolean, stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!shown || !stream.isTTY) return { advance: () => undefined, end: () => undefined }
  let done = 0
  let failures = 0
  const draw = (): void => {
    const told = `${done} of ${total}${failures === 0 ? '' : `, ${failures} failed`}`
    // A line that is full would wrap, and be there for good. A terminal may not tell how wide it is.
    const room = (stream.columns || 80) - 1
    const width = Math.min(WIDTH_MAX, room - told.length - '[] '.length)
    const filled = total === 0 ? width : Math.floor((width * done) / total)
    const bar = width < WIDTH_MIN ? '' : `[${'#'.repeat(filled)}${' '.repeat(width - filled)}] `
    stream.write(`\r${`${bar}${told}`.slice(0, room)}\u001b[K`)
  }
  draw()
  return {
    advance: (failed) => {
      done++
      if (failed) failures++
      draw()
    },
    end: () => stream.write('\r\u001b[K'),
  }
}
