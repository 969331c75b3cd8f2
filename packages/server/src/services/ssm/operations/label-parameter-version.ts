// LabelParameterVersion attaches labels to a version, the latest unless told, taking them from other versions. Labels that are none come back
// among InvalidLabels.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_LabelParameterVersion.html

import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { tellChange } from '../events.ts'
import { attachLabels, findVersion, isLabel, latestOf } from '../model.ts'
import { Label, Labels, ParameterName, ParameterVersion } from '../shapes.ts'
import { updateParameter } from '../store.ts'
import { existingParameter, namedTarget } from '../target.ts'

export const labelParameterVersion = operation({
  name: 'LabelParameterVersion',
  readOnly: false,

  input: { Name: ParameterName, ParameterVersion: optional(ParameterVersion), Labels },

  output: { InvalidLabels: optional(list(Label)), ParameterVersion: optional(ParameterVersion) },

  target: namedTarget,

  responseElements: ({ InvalidLabels, ParameterVersion: parameterVersion }) => ({
    invalidLabels: InvalidLabels,
    parameterVersion,
  }),

  async run(call) {
    const stored = existingParameter(call.target)
    const { parameter } = stored
    const { ParameterVersion: version = latestOf(parameter).version, Labels: asked } = call.input
    const entry = findVersion(parameter, version)
    if (entry === undefined) throw errors.versionNotFound(version, parameter.name)
    const labels = asked.filter(isLabel)
    if (labels.some((label) => !entry.labels.includes(label))) {
      const versions = attachLabels(parameter.versions, version, labels)
      const after = await updateParameter(call, stored, { ...parameter, versions })
      await tellChange(call, after, 'LabelParameterVersion')
    }
    return { InvalidLabels: asked.filter((label) => !isLabel(label)), ParameterVersion: version }
  },
})
