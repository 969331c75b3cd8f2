// What a secret's owner lets anybody read, without a signature: the public keys of a key pair. docs/rotators.md#for-anybody-to-read

import type { App } from '../../app.ts'
import { isOpenAccount } from '../iam/port.ts'
import type { Secret } from './model.ts'
import { findSecret, isPublished } from './store.ts'

/** The secret with what is published of it now; nothing where it is undefined. */
export function withPublished<S extends Secret>(secret: S, published: string | undefined): S {
  const { published: _, ...others } = secret
  return { ...others, ...(published !== undefined && { published }) } as S
}

export type PublishedName = { readonly account: string; readonly region: string; readonly name: string }

/** Undefined where nothing is published, whether there is a secret of the name or not, and of one that is scheduled for deletion. */
export const readPublished = (app: App, { account, region, name }: PublishedName): Promise<string | undefined> =>
  app.database.transaction('read', async (tx) => {
    // First the table that knows published ones alone, so that no time tells of the others.
    if (!(await isPublished(tx, account, region, name)) || !(await isOpenAccount(app, tx, account))) return undefined
    const secret = (await findSecret({ app, tx }, account, region, name))?.secret
    return secret?.deletedAt === undefined ? secret?.published : undefined
  })
