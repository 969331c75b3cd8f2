// DescribeCustomKeyStores lists the custom key stores, of which there are none.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeCustomKeyStores.html

import { operation } from '../../../operation.ts'
import { boolean, list, optional, string, structure, timestamp } from '../../../shape/shape.ts'
import { keyStoreNotFound } from '../errors.ts'
import { listingOf } from '../paging.ts'
import { CustomKeyStoreId, Limit, Marker, NextMarker } from '../shapes.ts'

const CustomKeyStore = structure({
  CustomKeyStoreId: optional(string()),
  CustomKeyStoreName: optional(string()),
  CloudHsmClusterId: optional(string()),
  TrustAnchorCertificate: optional(string()),
  ConnectionState: optional(string()),
  ConnectionErrorCode: optional(string()),
  CreationDate: optional(timestamp()),
  CustomKeyStoreType: optional(string()),
  XksProxyConfiguration: optional(
    structure({
      Connectivity: optional(string()),
      AccessKeyId: optional(string({ sensitive: true })),
      UriEndpoint: optional(string()),
      UriPath: optional(string()),
      VpcEndpointServiceName: optional(string()),
      VpcEndpointServiceOwner: optional(string()),
    }),
  ),
})

export const describeCustomKeyStores = operation({
  name: 'DescribeCustomKeyStores',
  readOnly: true,
  input: {
    CustomKeyStoreId: optional(CustomKeyStoreId),
    CustomKeyStoreName: optional(string({ min: 1, max: 256 })),
    Limit: optional(Limit),
    Marker: optional(Marker),
  },
  output: {
    CustomKeyStores: optional(list(CustomKeyStore)),
    NextMarker: optional(NextMarker),
    Truncated: optional(boolean()),
  },
  target: async ({ account }) => ({ resource: '*', shown: '*', account }),

  async run(call) {
    const { CustomKeyStoreId, CustomKeyStoreName } = call.input
    if (CustomKeyStoreId !== undefined || CustomKeyStoreName !== undefined) throw keyStoreNotFound()
    listingOf(call, 'DescribeCustomKeyStores', '', 100)
    return { CustomKeyStores: [], Truncated: false }
  },
})
