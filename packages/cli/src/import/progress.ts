// A bar on standard error while the work goes on, on a terminal alone.

const WIDTH = 30

export type Progress = { readonly advance: (failed: boolean) => void; readonly end: () => void }

/** Draws nothing where `shown` is false or standard error is no terminal. */
export function startProgress(total: number, shown: boolean, stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!shown || !stream.isTTY) return { advance: () => undefined, end: () => undefined }
  let done = 0
  let failures = 0
  const draw = (): void => {
    const filled = total === 0 ? WIDTH : Math.floor((WIDTH * done) / total)
    const told = failures === 0 ? '' : `, ${failures} failed`
    stream.write(`\r[${'#'.repeat(filled)}${' '.repeat(WIDTH - filled)}] ${done} of ${total}${told}`)
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
