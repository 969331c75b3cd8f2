// What CloudTrail refuses with. Codes are AWS's; it documents no texts, so these are ours.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html#API_LookupEvents_Errors

import { ServiceError } from '../../errors.ts'

export const tooManyAttributes = (): ServiceError => attributes('Specify at most one lookup attribute.')
export const unknownAttribute = (): ServiceError =>
  attributes(
    'The lookup attribute key is not valid. Valid keys: AccessKeyId, EventId, EventName, EventSource, ReadOnly, ResourceName, ResourceType, Username.',
  )
export const badAttributeValue = (): ServiceError =>
  attributes('The lookup attribute value must have between 1 and 2000 characters.')

export const startAfterEnd = (): ServiceError =>
  new ServiceError('InvalidTimeRangeException', 400, 'The start time must not be after the end time.')
export const badTime = (): ServiceError =>
  new ServiceError('InvalidTimeRangeException', 400, 'The time range is outside the range of possible values.')

export const badMaxResults = (): ServiceError =>
  new ServiceError('InvalidMaxResultsException', 400, 'MaxResults must be between 1 and 50.')

export const badNextToken = (): ServiceError =>
  new ServiceError(
    'InvalidNextTokenException',
    400,
    'The token is not valid, or was made by a request with other parameters.',
  )

export const badEventCategory = (): ServiceError =>
  new ServiceError('InvalidEventCategoryException', 400, 'The event category is not valid. Valid value: insight.')
export const noInsights = (): ServiceError =>
  new ServiceError('UnsupportedOperationException', 400, 'Insights events are not recorded.')

const attributes = (message: string): ServiceError => new ServiceError('InvalidLookupAttributesException', 400, message)
