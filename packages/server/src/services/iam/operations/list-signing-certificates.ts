// ListSigningCertificates lists no signing certificates: this server has none. Terraform asks before it deletes a user.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListSigningCertificates.html

import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import { emptyPage } from '../paging.ts'
import { ExistingUserName, PageInput, PageOutput, SigningCertificate } from '../shapes.ts'
import { existingOwn, ownTarget } from '../target.ts'

export const listSigningCertificates = operation({
  name: 'ListSigningCertificates',
  readOnly: true,

  input: { UserName: optional(ExistingUserName), ...PageInput },

  output: { Certificates: list(SigningCertificate), ...PageOutput },

  target: ownTarget,

  async run(call) {
    existingOwn(call.target)
    const { items, more } = await emptyPage(call, 'ListSigningCertificates')
    return { Certificates: items, ...more }
  },
})
