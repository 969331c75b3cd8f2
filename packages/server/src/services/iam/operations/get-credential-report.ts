// GetCredentialReport returns the credential report of the account, up to four hours old.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetCredentialReport.html

import { operation } from '../../../operation.ts'
import { blob, enumeration, optional, timestamp } from '../../../shape/shape.ts'
import { readReport } from '../credential-report.ts'
import { accountTarget } from '../target.ts'

export const getCredentialReport = operation({
  name: 'GetCredentialReport',
  readOnly: true,

  input: {},

  output: {
    Content: optional(blob()),
    ReportFormat: optional(enumeration('text/csv')),
    GeneratedTime: optional(timestamp()),
  },

  target: accountTarget,

  async run({ app, tx, account, now }) {
    const { csv, generatedAt } = await readReport(app, tx, account, now)
    return { Content: Buffer.from(csv), ReportFormat: 'text/csv' as const, GeneratedTime: generatedAt }
  },
})
