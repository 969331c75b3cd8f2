// ListServiceSpecificCredentials lists no credentials of single services: this server has none. Terraform asks before it deletes a user.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListServiceSpecificCredentials.html

import type { Call } from '../../../call.ts'
import { operation } from '../../../operation.ts'
import { boolean, list, optional, string } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { emptyPage } from '../paging.ts'
import { ExistingUserName, PageInput, PageOutput, ServiceSpecificCredentialMetadata } from '../shapes.ts'
import { accountTarget, existingOwn, ownTarget } from '../target.ts'

type Input = { readonly UserName?: string | undefined; readonly AllUsers?: boolean | undefined }

export const listServiceSpecificCredentials = operation({
  name: 'ListServiceSpecificCredentials',
  readOnly: true,

  input: {
    UserName: optional(ExistingUserName),
    ServiceName: optional(string()),
    AllUsers: optional(boolean()),
    ...PageInput,
  },

  output: { ServiceSpecificCredentials: optional(list(ServiceSpecificCredentialMetadata)), ...PageOutput },

  target: async (call: Call<Input>) =>
    call.input.AllUsers ? { ...(await accountTarget(call)), owner: 'all' as const } : ownTarget(call),

  async run(call) {
    const { input, target } = call
    if (target.owner !== 'all') existingOwn(target)
    else if (input.UserName !== undefined) throw errors.oneUserOrAll()
    if (input.ServiceName !== undefined) throw errors.notSupportedService(input.ServiceName)
    const { items, more } = await emptyPage(call, 'ListServiceSpecificCredentials')
    return { ServiceSpecificCredentials: items, ...more }
  },
})
