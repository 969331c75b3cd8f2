// `strongroom pod-identity`: the routes under /_strongroom/pod-identity/.

import type { Connection } from './connection.ts'
import { signedCall } from './signed-call.ts'

export type NewAssociation = {
  readonly provider: string
  readonly clusterName: string
  readonly namespace: string
  readonly serviceAccount: string
  readonly roleArn: string
}

type Association = { readonly associationId: string; readonly createdAt: number }

/** @throws UsageError */
export async function createAssociation(
  { provider, clusterName, namespace, serviceAccount, roleArn }: NewAssociation,
  connection: Connection,
): Promise<object> {
  const input = { OpenIDConnectProviderArn: provider, clusterName, namespace, serviceAccount, roleArn }
  return call('create-association', input, connection)
}

/** All pages in one. @throws UsageError */
export async function listAssociations(connection: Connection): Promise<{ readonly associations: readonly object[] }> {
  type Page = { readonly associations: readonly Association[]; readonly nextToken?: string }
  const associations: object[] = []
  let nextToken: string | undefined
  do {
    const input = nextToken === undefined ? {} : { nextToken }
    const page: Page = await signedCall<Page>('/_strongroom/pod-identity/list-associations', input, connection)
    associations.push(...page.associations.map(shown))
    nextToken = page.nextToken
  } while (nextToken !== undefined)
  return { associations }
}

/** @throws UsageError */
export const deleteAssociation = (associationId: string, connection: Connection): Promise<object> =>
  call('delete-association', { associationId }, connection)

async function call(route: string, input: object, connection: Connection): Promise<object> {
  type Answer = { readonly association: Association }
  const { association } = await signedCall<Answer>(`/_strongroom/pod-identity/${route}`, input, connection)
  return { association: shown(association) }
}

const shown = (association: Association): object => ({
  ...association,
  createdAt: new Date(association.createdAt * 1_000).toISOString(),
})
