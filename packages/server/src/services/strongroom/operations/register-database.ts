// RegisterDatabase makes an endpoint of a database a DB instance or cluster of the caller's account, with its master user's password as it is
// now. No AWS operation: docs/databases.md.

import { operation } from '../../../operation.ts'
import { boolean, integer, optional, string } from '../../../shape/shape.ts'
import {
  MasterUserPassword,
  registerDatabase as register,
  resolveDatabase,
  shownRegistration,
  tryLogin,
} from '../../rds/port.ts'
import { Registration } from '../databases.ts'

export const registerDatabase = operation({
  name: 'RegisterDatabase',
  readOnly: false,
  path: '/_strongroom/databases/register',

  input: {
    Identifier: string({ min: 1, max: 63 }),
    Cluster: optional(boolean()),
    Engine: string({ min: 1, max: 64 }),
    Host: string({ min: 1, max: 253 }),
    Port: integer({ min: 1, max: 65_535 }),
    DatabaseName: optional(string({ min: 1, max: 64 })),
    /** PEM, beside those that the server knows. */
    CertificateAuthority: optional(string({ min: 1, max: 65_536 })),
    /** False: without TLS. */
    TLS: optional(boolean()),
    MasterUsername: string({ min: 1, max: 128 }),
    MasterUserPassword,
    /** The password is not tried. */
    SkipLogin: optional(boolean()),
    /** It is shown, and managed, once CreateDBInstance or CreateDBCluster has taken it. */
    AwaitCreate: optional(boolean()),
  },

  output: { Database: Registration },

  target: (call) => resolveDatabase(call, call.input.Cluster === true ? 'cluster' : 'db', call.input.Identifier, true),

  responseElements: ({ Database }) => ({ arn: Database.Arn }),

  prepare: tryLogin,

  async run(call) {
    const database = await register(call, call.target.stored)
    return { Database: await shownRegistration(call, database) }
  },
})
