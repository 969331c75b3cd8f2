// MySQL 8.0.14 and later, and Aurora MySQL 3. It hashes passwords itself and takes no hash that it could not check, so they reach it in clear (by TLS);
// it leaves them out of its logs. https://dev.mysql.com/doc/refman/8.4/en/password-logging.html

import { type FamilyEngine, family } from './mysql/family.ts'

export const mysql: FamilyEngine = {
  ...family,
  id: 'mysql',
  title: 'MySQL',
  names: ['mysql', 'aurora-mysql'],
  // Of its statements what MariaDB shares was run against MariaDB, the others against a double of the protocol.
  verified: false,
  usernameMax: 32,
}
