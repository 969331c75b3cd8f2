// MariaDB 10.4 and later. Passwords reach the server as hashes made here, but where a plugin of its insists on judging them.
// Users of ed25519 are told so: mysql2 does not speak it. https://mariadb.com/kb/en/authentication-plugin-ed25519/

import { type FamilyEngine, family } from './mysql/family.ts'

export const mariadb: FamilyEngine = {
  ...family,
  id: 'mariadb',
  title: 'MariaDB',
  names: ['mariadb'],
  verified: true,
  usernameMax: 80,
}
