// RDS: what it has of master passwords. Its operations, alphabetical; README.md tells what they have of AWS's.

import type { Service } from '../../operation.ts'
import { CHANGE_PASSWORD, changePassword } from './change-password.ts'
import { unsupportedParameter } from './errors.ts'
import { addTagsToResource } from './operations/add-tags-to-resource.ts'
import { createDBCluster } from './operations/create-dbcluster.ts'
import { createDBInstance } from './operations/create-dbinstance.ts'
import { deleteDBCluster } from './operations/delete-dbcluster.ts'
import { deleteDBInstance } from './operations/delete-dbinstance.ts'
import { describeDBClusters } from './operations/describe-dbclusters.ts'
import { describeDBInstances } from './operations/describe-dbinstances.ts'
import { listTagsForResource } from './operations/list-tags-for-resource.ts'
import { modifyDBCluster } from './operations/modify-dbcluster.ts'
import { modifyDBInstance } from './operations/modify-dbinstance.ts'
import { removeTagsFromResource } from './operations/remove-tags-from-resource.ts'

export const rds: Service = {
  name: 'rds',
  protocol: 'query',
  version: '2014-10-31',
  xmlNamespace: 'http://rds.amazonaws.com/doc/2014-10-31/',
  bodyBytesMax: 256 * 1024,
  refuseParameter: unsupportedParameter,
  operations: [
    addTagsToResource,
    createDBCluster,
    createDBInstance,
    deleteDBCluster,
    deleteDBInstance,
    describeDBClusters,
    describeDBInstances,
    listTagsForResource,
    modifyDBCluster,
    modifyDBInstance,
    removeTagsFromResource,
  ],
  jobs: { [CHANGE_PASSWORD]: changePassword },
}
