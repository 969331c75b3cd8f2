// Where the admin socket is. A unix socket's path is short (sun_path of unix(7)), a data directory's need not be.

import { closeSync, openSync } from 'node:fs'
import { join, relative } from 'node:path'

export const SOCKET_NAME = 'admin.sock'

/** The shorter of the limits of Linux (108 bytes with the NUL) and macOS (104). */
const PATH_BYTES_MAX = 103

export type SocketPath = {
  readonly path: string
  /** Gives back what the path needs to stay valid. */
  readonly release: () => void
}

/** A path for bind and connect that names `<dataDir>/admin.sock`; undefined where this system has none that is short enough. */
export function socketPath(dataDir: string): SocketPath | undefined {
  const absolute = join(dataDir, SOCKET_NAME)
  for (const path of [absolute, relative(process.cwd(), absolute)]) {
    if (Buffer.byteLength(path) <= PATH_BYTES_MAX) return { path, release: () => undefined }
  }
  if (process.platform !== 'linux') return undefined
  const directory = openSync(dataDir, 'r')
  return { path: `/proc/self/fd/${directory}/${SOCKET_NAME}`, release: () => closeSync(directory) }
}
