// Lambda: functions, which rotation and callers invoke. What the API has beyond these answers UnknownOperationException; README.md lists it.

import type { Service } from '../../operation.ts'
import { addPermission } from './operations/add-permission.ts'
import { createAlias } from './operations/create-alias.ts'
import { createFunction } from './operations/create-function.ts'
import { deleteAlias } from './operations/delete-alias.ts'
import { deleteFunction } from './operations/delete-function.ts'
import { deleteFunctionConcurrency } from './operations/delete-function-concurrency.ts'
import { getAccountSettings } from './operations/get-account-settings.ts'
import { getAlias } from './operations/get-alias.ts'
import { getFunction } from './operations/get-function.ts'
import { getFunctionCodeSigningConfig } from './operations/get-function-code-signing-config.ts'
import { getFunctionConcurrency } from './operations/get-function-concurrency.ts'
import { getFunctionConfiguration } from './operations/get-function-configuration.ts'
import { getPolicy } from './operations/get-policy.ts'
import { getRuntimeManagementConfig } from './operations/get-runtime-management-config.ts'
import { invoke } from './operations/invoke.ts'
import { listAliases } from './operations/list-aliases.ts'
import { listFunctions } from './operations/list-functions.ts'
import { listTags } from './operations/list-tags.ts'
import { listVersionsByFunction } from './operations/list-versions-by-function.ts'
import { publishVersion } from './operations/publish-version.ts'
import { putFunctionConcurrency } from './operations/put-function-concurrency.ts'
import { removePermission } from './operations/remove-permission.ts'
import { tagResource } from './operations/tag-resource.ts'
import { untagResource } from './operations/untag-resource.ts'
import { updateAlias } from './operations/update-alias.ts'
import { updateFunctionCode } from './operations/update-function-code.ts'
import { updateFunctionConfiguration } from './operations/update-function-configuration.ts'
import { rates } from './rates.ts'
import { INVOKE_EVENT, invokeEvent } from './waiting-events.ts'

export const lambda: Service = {
  name: 'lambda',
  protocol: 'rest-json',
  bodyBytesMax: 256 * 1024,
  faultCode: 'ServiceException',
  operations: [
    addPermission,
    createAlias,
    createFunction,
    deleteAlias,
    deleteFunction,
    deleteFunctionConcurrency,
    getAccountSettings,
    getAlias,
    getFunction,
    getFunctionCodeSigningConfig,
    getFunctionConcurrency,
    getFunctionConfiguration,
    getPolicy,
    getRuntimeManagementConfig,
    invoke,
    listAliases,
    listFunctions,
    listTags,
    listVersionsByFunction,
    publishVersion,
    putFunctionConcurrency,
    removePermission,
    tagResource,
    untagResource,
    updateAlias,
    updateFunctionCode,
    updateFunctionConfiguration,
  ],
  rates,
  jobs: { [INVOKE_EVENT]: invokeEvent },
}
