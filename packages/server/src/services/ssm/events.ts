// What changes of a parameter tell, as Amazon EventBridge has it: changes, and what its policies did. Never a value.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-cwe.html

import type { App } from '../../app.ts'
import type { AuditEvent } from '../../audit/event.ts'
import type { Change } from '../../events/event.ts'
import { type Parameter, RESOURCE_TYPE } from './model.ts'
import { parameterArn } from './names.ts'
import type { ParameterPolicy } from './policies.ts'
import type { Store, StoredParameter } from './store.ts'

export type ChangeOperation = 'Create' | 'Update' | 'Delete' | 'LabelParameterVersion'

/** In the transaction of the change; `stored` is the parameter after it, or, where it is gone, before. */
export function tellChange(store: Store, stored: StoredParameter, operation: ChangeOperation): Promise<void> {
  const { name, type, details } = stored.parameter
  const { description } = details
  return emit(store, stored, operation === 'Delete' ? 1 : 0, [
    {
      source: 'aws.ssm',
      detailType: 'Parameter Store Change',
      detail: { operation, name, type, ...(description && { description }) },
    },
  ])
}

/** Labels that were taken off: AWS has no event of it. */
export const tellUnlabelled = (store: Store, stored: StoredParameter, labels: readonly string[]): Promise<void> =>
  emit(store, stored, 0, [
    {
      source: 'strongroom',
      detailType: 'Parameter Labels Removed',
      detail: { name: stored.parameter.name, labels },
    },
  ])

/** That policies acted. */
export const tellPolicies = (
  store: Store,
  stored: StoredParameter,
  policies: readonly ParameterPolicy[],
): Promise<void> =>
  emit(
    store,
    stored,
    0,
    policies.map((policy) => ({
      source: 'aws.ssm',
      detailType: 'Parameter Store Policy Action',
      detail: {
        'policy-type': policy.type,
        'policy-content': policy.text,
        'parameter-name': stored.parameter.name,
        'parameter-type': stored.parameter.type,
        'action-status': 'Success',
        'action-reason': reasonOf(policy, stored.parameter),
      },
    })),
  )

function reasonOf(policy: ParameterPolicy, { details }: Parameter): string {
  const since = `This notification was generated based on the policy created at ${iso(policy.createdAt)}.`
  switch (policy.type) {
    case 'Expiration':
      return `The parameter expired at ${iso(policy.at)} and was deleted. ${since}`
    case 'ExpirationNotification':
      return `The parameter is about to expire. ${since}`
    case 'NoChangeNotification':
      return `The parameter has not been changed since ${iso(details.modifiedAt)}. ${since}`
  }
}

const iso = (time: number): string => new Date(time).toISOString()

/** `later`: what comes after all that was told before of a parameter that is gone. */
function emit({ app, tx }: Store, stored: StoredParameter, later: 0 | 1, changes: readonly Change[]): Promise<void> {
  const { account, region, rev, path } = stored
  const arn = parameterArn({ partition: app.partition, region, account }, path)
  return app.events.emit(tx, { account, region, arn, rev: rev + later }, changes)
}

/** For the trail: the deletion that an Expiration policy asked for. */
export function expiredEvent(app: App, { account, region, path, parameter }: StoredParameter): AuditEvent {
  const arn = parameterArn({ partition: app.partition, region, account }, path)
  return {
    eventId: app.uuid(),
    time: app.wallNow(),
    requestId: app.uuid(),
    service: 'ssm',
    eventName: 'DeleteParameter',
    region,
    readOnly: false,
    ofService: true,
    account,
    sourceIpAddress: 'ssm.amazonaws.com',
    userAgent: 'ssm.amazonaws.com',
    requestParameters: { name: parameter.name },
    responseElements: null,
    additionalEventData: { policyType: 'Expiration' },
    resources: [{ arn, accountId: account, type: RESOURCE_TYPE }],
  }
}
