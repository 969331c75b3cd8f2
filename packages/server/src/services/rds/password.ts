// The master password that a database has here while it is not managed: under a data key of the AWS managed key `aws/rds`, in the encryption
// context that RDS uses, bound to the database. https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.Keys.html

import type { Call } from '../../call.ts'
import { openValue, sealValue } from '../../crypto/value.ts'
import { IntegrityError } from '../../errors.ts'
import { noteRights } from '../secretsmanager/port.ts'
import { databaseArn, type RegisteredDatabase, type SealedPassword } from './model.ts'

const SERVICE = 'rds'

type Owner = Pick<RegisteredDatabase, 'account' | 'region' | 'kind' | 'identifier' | 'resourceId'>

const contextOf = ({ kind, resourceId }: Owner) => ({
  [kind === 'db' ? 'aws:rds:db-id' : 'aws:rds:dbc-id']: resourceId,
})

const placeOf = (call: Pick<Call, 'partition'>, owner: Owner) => ({
  secretArn: databaseArn({ ...owner, partition: call.partition }, owner.kind, owner.identifier),
  versionId: owner.resourceId,
})

/** Encrypts it as the caller, whose rights are kept with it. @throws ServiceError of KMS */
export async function sealPassword(call: Call, owner: Owner, password: string): Promise<SealedPassword> {
  let sealed: Buffer | undefined
  let failure: unknown
  const rights = await noteRights(call, async (noting) => {
    try {
      const dataKey = await call.app.kms.generateDataKey(noting, SERVICE, undefined, contextOf(owner))
      await call.app.kms.decryptDataKey(noting, SERVICE, dataKey.ciphertextBlob, contextOf(owner))
      const length = Buffer.alloc(4)
      length.writeUInt32BE(dataKey.ciphertextBlob.length)
      const value = sealValue(dataKey.key, placeOf(call, owner), 'string', Buffer.from(password))
      sealed = Buffer.concat([length, dataKey.ciphertextBlob, value])
    } catch (error) {
      failure = error
    }
  })
  if (sealed === undefined) throw failure
  return { bytes: sealed.toString('base64'), rights }
}

/** @throws ServiceError of KMS; IntegrityError where it is another database's */
export async function openPassword(call: Call, owner: Owner, { bytes }: SealedPassword): Promise<string> {
  const sealed = Buffer.from(bytes, 'base64')
  const valueAt = 4 + sealed.readUInt32BE(0)
  const key = await call.app.kms.decryptDataKey(call, SERVICE, sealed.subarray(4, valueAt), contextOf(owner))
  const opened = openValue(key, placeOf(call, owner), sealed.subarray(valueAt))
  if (opened === undefined) {
    const { account, region, kind, identifier } = owner
    throw new IntegrityError('rds_database', [account, region, kind, identifier], 'has a password that does not open')
  }
  const password = opened.plaintext.toString()
  opened.plaintext.fill(0)
  return password
}
