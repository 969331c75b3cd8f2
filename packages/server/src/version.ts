// The version of this server: that of its package.

import packageJson from '../package.json' with { type: 'json' }

export const version: string = packageJson.version
