// LookupEvents finds events of the caller's account in the region of the call, newest first.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html

import type { TrailPage } from '../../../audit/query.ts'
import { operation } from '../../../operation.ts'
import { integer, list, optional, string, timestamp } from '../../../shape/shape.ts'
import { sealToken, toEvent, toQuery } from '../model.ts'
import { Event, LookupAttributes } from '../shapes.ts'

export const lookupEvents = operation({
  name: 'LookupEvents',
  readOnly: true,

  input: {
    LookupAttributes: optional(LookupAttributes),
    StartTime: optional(timestamp()),
    EndTime: optional(timestamp()),
    EventCategory: optional(string()),
    MaxResults: optional(integer()),
    NextToken: optional(string()),
  },

  output: {
    Events: list(Event),
    NextToken: optional(string()),
  },

  target: async ({ account }) => ({ resource: '*', account }),

  /** The trail has databases of its own: it is read outside the transaction of the call. */
  prepare: (call) => call.app.trail.lookup(toQuery(call)),

  async run({ app, account, region, input, prepared }) {
    const { events, next } = prepared as TrailPage
    return {
      Events: events.map(toEvent),
      ...(next && { NextToken: sealToken(app.keyring, account, region, input, next) }),
    }
  },
})
