// CreateAccount makes an account in the organization, with a role that the management account may assume there. The account is whole when
// the call is answered, so the answer says SUCCEEDED, or FAILED, where AWS says IN_PROGRESS first.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { requestTagContext } from '../../iam/port.ts'
import { mustBeNewAccount } from '../input.ts'
import { shownRequest } from '../model.ts'
import { createMember, mustManage } from '../organization.ts'
import { AccountName, CreateAccountStatus, Email, IAMUserAccessToBilling, RoleName, Tags } from '../shapes.ts'
import { anyTarget } from '../target.ts'

export const createAccount = operation({
  name: 'CreateAccount',
  readOnly: false,

  input: {
    Email,
    AccountName,
    RoleName: optional(RoleName),
    /** There is no billing information here, so both values say what is so. */
    IamUserAccessToBilling: optional(IAMUserAccessToBilling),
    Tags: optional(Tags),
  },

  output: { CreateAccountStatus: optional(CreateAccountStatus) },

  target: async (call) => {
    mustBeNewAccount(call.input)
    return anyTarget(call)
  },

  conditions: ({ Tags }) => requestTagContext(Tags),

  permissions: ({ Tags = [] }, { account }) =>
    ['organizations:CreateAccount', ...(Tags.length > 0 ? ['organizations:TagResource'] : [])].map((action) => ({
      action,
      resource: '*',
      shown: '*',
      resourceAccount: account,
    })),

  responseElements: ({ CreateAccountStatus: status }) => ({ createAccountStatus: eventStatus(status!) }),

  async run(call) {
    mustManage(call)
    const { id, request } = await createMember(call, call.input)
    const status = shownRequest(id, request)
    call.also({
      eventName: 'CreateAccountResult',
      readOnly: false,
      ofService: true,
      requestParameters: null,
      additionalEventData: { createAccountStatus: eventStatus(status) },
    })
    return { CreateAccountStatus: status }
  },
})

/** Name and address of an account are sensitive and not in events. */
const eventStatus = ({ Id, State, AccountId, FailureReason }: ReturnType<typeof shownRequest>) => ({
  id: Id,
  state: State,
  ...(AccountId !== undefined && { accountId: AccountId }),
  ...(FailureReason !== undefined && { failureReason: FailureReason }),
})
