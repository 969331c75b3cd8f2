-- Lookup columns are plain; what decides access or holds secrets is in body, under a MAC bound to table, key and rev
-- (storage/sealed.ts). Times are milliseconds since the epoch, days are milliseconds at midnight UTC.
-- BLOB and TEXT become BYTEA and TEXT COLLATE "C" on PostgreSQL.

CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL
);

-- One row: the wrapped keyring. Sealed by the root key, not by a row MAC.
CREATE TABLE keyring (
  id BIGINT PRIMARY KEY,
  rev BIGINT NOT NULL,
  header BLOB NOT NULL,
  sealed BLOB NOT NULL
);

CREATE TABLE account (
  account_id TEXT PRIMARY KEY,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL
);

-- user_name_key is the name in lower case: names are unique without regard to case.
CREATE TABLE iam_user (
  account_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  user_name_key TEXT NOT NULL,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, user_id),
  UNIQUE (account_id, user_name_key)
);

-- The owner's row lists its access keys with their status; this row finds the owner and holds the sealed secret access key.
CREATE TABLE iam_access_key (
  access_key_id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  domain_key_version BIGINT NOT NULL,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL
);
CREATE INDEX iam_access_key_by_domain_key ON iam_access_key (domain_key_version);

CREATE TABLE iam_policy (
  account_id TEXT NOT NULL,
  arn TEXT NOT NULL,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, arn)
);

CREATE TABLE kms_key (
  account_id TEXT NOT NULL,
  region TEXT NOT NULL,
  key_id TEXT NOT NULL,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, region, key_id)
);

CREATE TABLE kms_alias (
  account_id TEXT NOT NULL,
  region TEXT NOT NULL,
  alias_name TEXT NOT NULL,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, region, alias_name)
);

-- One version of a key's material, wrapped under a domain key. material_id is hexadecimal and stands in every ciphertext.
CREATE TABLE kms_material (
  material_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  region TEXT NOT NULL,
  key_id TEXT NOT NULL,
  domain_key_version BIGINT NOT NULL,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (material_id, region)
);
CREATE INDEX kms_material_by_domain_key ON kms_material (domain_key_version);

-- The body lists the versions with their staging labels and the digests of their rows. accessed_day lies outside the MAC.
CREATE TABLE secret (
  account_id TEXT NOT NULL,
  region TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  accessed_day BIGINT NOT NULL DEFAULT 0,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, region, name)
);
CREATE INDEX secret_by_created ON secret (account_id, region, created_at, name);
CREATE INDEX secret_by_changed ON secret (account_id, region, changed_at, name);
CREATE INDEX secret_by_accessed ON secret (account_id, region, accessed_day, name);

-- The encrypted value of one version. Written once, replaced only when it is encrypted anew under another key.
CREATE TABLE secret_version (
  secret_arn TEXT NOT NULL,
  version_id TEXT NOT NULL,
  accessed_day BIGINT NOT NULL DEFAULT 0,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (secret_arn, version_id)
);

-- How many resources of a kind an account has in a region, so that a quota costs one row and not a count.
CREATE TABLE quota_usage (
  account_id TEXT NOT NULL,
  region TEXT NOT NULL,
  resource TEXT NOT NULL,
  used BIGINT NOT NULL,
  PRIMARY KEY (account_id, region, resource)
);

-- Work that is due at due_at of the service clock. Leases run on the wall clock.
CREATE TABLE job (
  job_id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  due_at BIGINT NOT NULL,
  payload TEXT NOT NULL,
  attempts BIGINT NOT NULL DEFAULT 0,
  lease_until BIGINT NOT NULL DEFAULT 0,
  lease_owner TEXT NOT NULL DEFAULT ''
);
CREATE INDEX job_by_due ON job (due_at);
