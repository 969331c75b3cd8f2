-- The grants on a key, in up to 256 rows by their grantee: whoever asks reads the few rows that may hold its own. The key's row has a digest
-- of each, so that none can come back or be lost unnoticed.
CREATE TABLE kms_grant (
  account_id TEXT NOT NULL,
  region TEXT NOT NULL,
  key_id TEXT NOT NULL,
  bucket TEXT NOT NULL,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, region, key_id, bucket)
);

-- Grants by who may retire them, for ListRetirableGrants. An index without a MAC: the grants themselves decide.
CREATE TABLE kms_retirable_grant (
  principal TEXT NOT NULL,
  region TEXT NOT NULL,
  account_id TEXT NOT NULL,
  key_id TEXT NOT NULL,
  grant_id TEXT NOT NULL,
  PRIMARY KEY (principal, region, account_id, key_id, grant_id)
);
CREATE INDEX kms_retirable_grant_by_key ON kms_retirable_grant (account_id, region, key_id);

-- The last use of a key, for GetKeyLastUsage. Outside the MAC: nothing but that answer and one condition key is made of it.
CREATE TABLE kms_key_usage (
  account_id TEXT NOT NULL,
  region TEXT NOT NULL,
  key_id TEXT NOT NULL,
  used_at BIGINT NOT NULL,
  operation TEXT NOT NULL,
  event_id TEXT NOT NULL,
  request_id TEXT NOT NULL,
  PRIMARY KEY (account_id, region, key_id)
);
