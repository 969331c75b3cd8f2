// DescribeCreateAccountStatus tells what became of a CreateAccount of the last 90 days.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeCreateAccountStatus.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { mustBeRequestId } from '../input.ts'
import { shownRequest } from '../model.ts'
import { mustManage } from '../organization.ts'
import { CreateAccountRequestId, CreateAccountStatus } from '../shapes.ts'
import { findRequest } from '../store.ts'
import { anyTarget } from '../target.ts'

export const describeCreateAccountStatus = operation({
  name: 'DescribeCreateAccountStatus',
  readOnly: true,

  input: { CreateAccountRequestId },

  output: { CreateAccountStatus: optional(CreateAccountStatus) },

  target: async (call) => {
    mustBeRequestId(call.input.CreateAccountRequestId)
    return anyTarget(call)
  },

  async run(call) {
    mustManage(call)
    const { app, tx, input } = call
    const request = await findRequest(app, tx, input.CreateAccountRequestId)
    if (request === undefined) throw errors.requestNotFound()
    return { CreateAccountStatus: shownRequest(input.CreateAccountRequestId, request) }
  },
})
