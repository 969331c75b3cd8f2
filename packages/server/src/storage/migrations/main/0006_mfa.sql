-- Virtual MFA devices. user_id is of the user that the device is enabled for, and null before. The body has the seed, sealed, and the last
-- step that a code was accepted of.
CREATE TABLE iam_mfa_device (
  account_id TEXT NOT NULL,
  serial_number TEXT NOT NULL,
  user_id TEXT,
  domain_key_version BIGINT NOT NULL,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, serial_number)
);
CREATE INDEX iam_mfa_device_by_domain_key ON iam_mfa_device (domain_key_version);
