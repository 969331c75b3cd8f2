-- Parameters of Parameter Store. path is the name with a slash before it, as the ARN has it; parent is what it has before the last slash, so that
-- one level of a hierarchy is one range. The body lists the versions with their labels and the digests of their rows.
CREATE TABLE parameter (
  account_id TEXT NOT NULL,
  region TEXT NOT NULL,
  path TEXT NOT NULL,
  parent TEXT NOT NULL,
  domain_key_version BIGINT NOT NULL,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, region, path)
);
CREATE INDEX parameter_by_parent ON parameter (account_id, region, parent, path);
CREATE INDEX parameter_by_domain_key ON parameter (domain_key_version);

-- One version: what was said of it, and its encrypted value. Written once. parameter_id tells a parameter from a later one of the same name.
CREATE TABLE parameter_version (
  parameter_id TEXT NOT NULL,
  version BIGINT NOT NULL,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (parameter_id, version)
);

-- The policy by which a parameter is shared.
CREATE TABLE parameter_sharing (
  parameter_id TEXT PRIMARY KEY,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL
);
