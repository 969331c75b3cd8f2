// The files of the machine that every function may read: programs, libraries, and what resolves names and checks certificates.

import { existsSync, lstatSync, readlinkSync, realpathSync } from 'node:fs'

const FOLDERS = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']

/** Never a folder in which private keys are kept, such as /etc/ssl/private or /etc/pki/tls/private. */
const SETTINGS = [
  '/etc/alternatives',
  '/etc/ca-certificates/extracted',
  '/etc/gai.conf',
  '/etc/host.conf',
  '/etc/hosts',
  '/etc/ld.so.cache',
  '/etc/localtime',
  '/etc/nsswitch.conf',
  '/etc/pki/ca-trust/extracted',
  '/etc/pki/tls/cert.pem',
  '/etc/pki/tls/certs',
  '/etc/pki/tls/openssl.cnf',
  '/etc/resolv.conf',
  '/etc/services',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
  '/etc/ssl/certs',
  '/etc/ssl/openssl.cnf',
]

/** Where the distributions keep all certificate authorities in one file. */
const AUTHORITIES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/ca-bundle.pem']

/** Where Amazon Linux keeps them: rotation functions that AWS published name this path, and without it talk to databases in clear. */
export const AMAZON_AUTHORITIES = '/etc/pki/tls/cert.pem'

/** Devices that programs take for granted; they hold nothing. */
export const DEVICES = ['/dev/full', '/dev/null', '/dev/random', '/dev/urandom', '/dev/zero']

export type SystemFiles = {
  /** Folders of programs and libraries. `link` where it is a symbolic link, to what. */
  readonly folders: readonly { readonly path: string; readonly link?: string }[]
  readonly settings: readonly string[]
  /** The file of certificate authorities; absent where this machine has none. */
  readonly authorities?: string
}

export function findSystemFiles(): SystemFiles {
  const authorities = AUTHORITIES.find((path) => existsSync(path))
  return {
    folders: FOLDERS.filter((path) => existsSync(path)).map((path) =>
      lstatSync(path).isSymbolicLink() ? { path, link: readlinkSync(path) } : { path },
    ),
    settings: SETTINGS.filter((path) => existsSync(path)),
    ...(authorities === undefined ? {} : { authorities: realpathSync(authorities) }),
  }
}

export const isBelow = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)
