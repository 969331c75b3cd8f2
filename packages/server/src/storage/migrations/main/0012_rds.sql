-- Registered databases: instances (`db`) and clusters (`cluster`). The body has where a database is, and its master password encrypted under a
-- KMS key. secret_name finds the database whose managed master secret it is; the body decides.
CREATE TABLE rds_database (
  account_id TEXT NOT NULL,
  region TEXT NOT NULL,
  kind TEXT NOT NULL,
  identifier TEXT NOT NULL,
  secret_name TEXT NOT NULL,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, region, kind, identifier)
);
CREATE INDEX rds_database_by_secret ON rds_database (account_id, region, secret_name);
