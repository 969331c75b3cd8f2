// DeleteParameter removes a parameter with all its versions, at once and for good.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameter.html

import { operation } from '../../../operation.ts'
import { deleteStored } from '../deletion.ts'
import { ParameterName } from '../shapes.ts'
import { existingParameter, namedTarget } from '../target.ts'

export const deleteParameter = operation({
  name: 'DeleteParameter',
  readOnly: false,

  input: { Name: ParameterName },

  output: {},

  target: namedTarget,

  async run(call) {
    await deleteStored(call, existingParameter(call.target))
    return {}
  },
})
