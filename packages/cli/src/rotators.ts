// `strongroom rotators`: what this version has ready made. It needs no running server.

import { partnerRotators, type Rotator, rotators } from '@strongroom/rotators'

export const listRotators = (): readonly object[] => [
  ...rotators.map((rotator) => ({ Function: `strongroom-${rotator.name}`, ...shown(rotator) })),
  // Of managed external secrets, which need no function.
  ...partnerRotators.map((rotator) => ({ Type: rotator.name, ...shown(rotator) })),
]

const shown = ({ title, strategy, verified, verifiedBy, install, members, options }: Rotator) => ({
  Title: title,
  Strategy: strategy,
  Verified: verified ? `against ${verifiedBy ?? 'a real server'}` : notVerified(verifiedBy),
  ...(install !== undefined && { Driver: `npm i ${install}` }),
  Members: members.map(({ name, required, about }) => ({ Name: name, Required: required, About: about })),
  Options: options.map(({ name, about }) => ({ Name: name, About: about })),
})

const notVerified = (by: string | undefined): string =>
  `not verified against a server${by === undefined ? '' : `, but against ${by}`}`
