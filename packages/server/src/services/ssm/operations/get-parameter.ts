// GetParameter returns one parameter: its latest version, or the one that a version number or a label behind its name says.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { findParameter } from '../read.ts'
import { Decryption, Parameter, ParameterName } from '../shapes.ts'
import { readableTarget } from '../target.ts'

export const getParameter = operation({
  name: 'GetParameter',
  readOnly: true,

  input: { Name: ParameterName, WithDecryption: Decryption },

  output: { Parameter: optional(Parameter) },

  target: readableTarget,

  run: (call) => findParameter(call, call.target, { withDecryption: call.input.WithDecryption }),
})
