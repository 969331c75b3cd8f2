// GenerateCredentialReport has the credential report of the account written, where there is none of the last four hours.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GenerateCredentialReport.html

import { operation } from '../../../operation.ts'
import { enumeration, optional, string } from '../../../shape/shape.ts'
import { requestReport } from '../credential-report.ts'
import { accountTarget } from '../target.ts'

export const generateCredentialReport = operation({
  name: 'GenerateCredentialReport',
  readOnly: false,

  input: {},

  output: { State: optional(enumeration('STARTED', 'INPROGRESS', 'COMPLETE')), Description: optional(string()) },

  target: accountTarget,

  async run({ app, tx, account, now }) {
    const State = await requestReport(app, tx, account, now)
    const Description = 'No report exists. Starting a new report generation task'
    return { State, ...(State === 'STARTED' && { Description }) }
  },
})
