// Parameter Store, which is a part of Systems Manager: its operations, alphabetical. What Systems Manager has beyond them answers
// UnknownOperationException; README.md lists what differs.

import type { Service } from '../../operation.ts'
import { addTagsToResource } from './operations/add-tags-to-resource.ts'
import { deleteParameter } from './operations/delete-parameter.ts'
import { deleteParameters } from './operations/delete-parameters.ts'
import { deleteResourcePolicy } from './operations/delete-resource-policy.ts'
import { describeParameters } from './operations/describe-parameters.ts'
import { getParameter } from './operations/get-parameter.ts'
import { getParameterHistory } from './operations/get-parameter-history.ts'
import { getParameters } from './operations/get-parameters.ts'
import { getParametersByPath } from './operations/get-parameters-by-path.ts'
import { getResourcePolicies } from './operations/get-resource-policies.ts'
import { labelParameterVersion } from './operations/label-parameter-version.ts'
import { listTagsForResource } from './operations/list-tags-for-resource.ts'
import { putParameter } from './operations/put-parameter.ts'
import { putResourcePolicy } from './operations/put-resource-policy.ts'
import { removeTagsFromResource } from './operations/remove-tags-from-resource.ts'
import { unlabelParameterVersion } from './operations/unlabel-parameter-version.ts'
import { actPolicies } from './policy-job.ts'
import { PARAMETER_POLICIES } from './policy-schedule.ts'
import { rates } from './rates.ts'

export const ssm: Service = {
  name: 'ssm',
  protocol: 'json',
  targetPrefixes: ['AmazonSSM'],
  // A value of 8 KiB, its policies and 50 tags, where JSON escapes every character.
  bodyBytesMax: 256 * 1024,
  faultCode: 'InternalServerError',
  operations: [
    addTagsToResource,
    deleteParameter,
    deleteParameters,
    deleteResourcePolicy,
    describeParameters,
    getParameter,
    getParameterHistory,
    getParameters,
    getParametersByPath,
    getResourcePolicies,
    labelParameterVersion,
    listTagsForResource,
    putParameter,
    putResourcePolicy,
    removeTagsFromResource,
    unlabelParameterVersion,
  ],
  rates,
  jobs: { [PARAMETER_POLICIES]: actPolicies },
}
