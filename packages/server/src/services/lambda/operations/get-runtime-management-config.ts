// GetRuntimeManagementConfig answers that runtimes are updated by themselves: as this server's interpreters are, by who keeps the machine.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetRuntimeManagementConfig.html

import { operation } from '../../../operation.ts'
import { optional, string } from '../../../shape/shape.ts'
import { FunctionArn, FunctionName, Qualifier } from '../shapes.ts'
import { existingFunction, functionTarget } from '../target.ts'
import { arnOf, readVersion } from '../versions.ts'

export const getRuntimeManagementConfig = operation({
  name: 'GetRuntimeManagementConfig',
  readOnly: true,
  http: {
    method: 'GET',
    uri: '/2021-07-20/functions/{FunctionName}/runtime-management-config',
    code: 200,
    query: { Qualifier: 'Qualifier' },
  },
  input: { FunctionName, Qualifier: optional(Qualifier) },
  output: {
    UpdateRuntimeOn: optional(string()),
    FunctionArn: optional(FunctionArn),
    RuntimeVersionArn: optional(string()),
  },
  target: functionTarget,

  async run(call) {
    const { fn } = existingFunction(call.target)
    const { qualifier } = call.target.reference
    await readVersion(call, fn, qualifier)
    return { UpdateRuntimeOn: 'Auto', FunctionArn: arnOf(call.app, fn, qualifier) }
  },
})
