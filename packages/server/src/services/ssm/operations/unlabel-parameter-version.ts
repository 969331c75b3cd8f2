// UnlabelParameterVersion takes labels off a version. Labels that it does not have come back among InvalidLabels.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_UnlabelParameterVersion.html

import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { tellUnlabelled } from '../events.ts'
import { findVersion, withoutLabels } from '../model.ts'
import { Label, Labels, ParameterName, ParameterVersion } from '../shapes.ts'
import { updateParameter } from '../store.ts'
import { existingParameter, namedTarget } from '../target.ts'

export const unlabelParameterVersion = operation({
  name: 'UnlabelParameterVersion',
  readOnly: false,

  input: { Name: ParameterName, ParameterVersion, Labels },

  output: { RemovedLabels: optional(list(Label)), InvalidLabels: optional(list(Label)) },

  target: namedTarget,

  responseElements: ({ RemovedLabels, InvalidLabels }) => ({
    removedLabels: RemovedLabels,
    invalidLabels: InvalidLabels,
  }),

  async run(call) {
    const stored = existingParameter(call.target)
    const { parameter } = stored
    const { ParameterVersion: version, Labels: asked } = call.input
    const entry = findVersion(parameter, version)
    if (entry === undefined) throw errors.versionNotFound(version, parameter.name)
    const removed = entry.labels.filter((label) => asked.includes(label))
    if (removed.length > 0) {
      const versions = parameter.versions.map((other) => (other === entry ? withoutLabels(entry, removed) : other))
      const after = await updateParameter(call, stored, { ...parameter, versions })
      await tellUnlabelled(call, after, removed)
    }
    return { RemovedLabels: removed, InvalidLabels: asked.filter((label) => !removed.includes(label)) }
  },
})
