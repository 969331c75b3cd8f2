// GetFunction tells of a function, a version or an alias, with its tags and its concurrency. The code is not given out.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html

import { operation } from '../../../operation.ts'
import { map, optional, string, structure } from '../../../shape/shape.ts'
import { shownConfiguration } from '../configuration.ts'
import { Concurrency, FunctionConfiguration, FunctionName, Qualifier } from '../shapes.ts'
import { existingFunction, functionTarget } from '../target.ts'
import { readVersion } from '../versions.ts'

const failure = { ErrorCode: optional(string()), Message: optional(string({ sensitive: true })) }

export const getFunction = operation({
  name: 'GetFunction',
  readOnly: true,
  http: { method: 'GET', uri: '/2015-03-31/functions/{FunctionName}', code: 200, query: { Qualifier: 'Qualifier' } },
  input: { FunctionName, Qualifier: optional(Qualifier) },

  output: {
    Configuration: optional(FunctionConfiguration),
    Code: optional(
      structure({
        RepositoryType: optional(string()),
        Location: optional(string()),
        ImageUri: optional(string()),
        ResolvedImageUri: optional(string()),
        ResolvedS3Object: optional(
          structure({
            S3Bucket: optional(string()),
            S3Key: optional(string()),
            S3ObjectVersion: optional(string()),
          }),
        ),
        SourceKMSKeyArn: optional(string()),
        Error: optional(structure(failure)),
      }),
    ),
    Tags: optional(map(string(), string())),
    TagsError: optional(structure({ ErrorCode: string(), Message: string() })),
    Concurrency: optional(structure(Concurrency)),
  },

  target: functionTarget,

  async run(call) {
    const { fn } = existingFunction(call.target)
    const { qualifier } = call.target.reference
    const version = await readVersion(call, fn, qualifier)
    return {
      Configuration: shownConfiguration(call.app, fn, version, qualifier),
      Code: {},
      ...(Object.keys(fn.tags).length > 0 && { Tags: fn.tags }),
      ...(fn.reservedConcurrency !== undefined && {
        Concurrency: { ReservedConcurrentExecutions: fn.reservedConcurrency },
      }),
    }
  },
})
