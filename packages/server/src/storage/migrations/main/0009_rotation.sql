-- The journals of rotations, one row a run. Which run of a secret is under way is in the secret's row; the others are its history.

CREATE TABLE rotation (
  secret_arn TEXT NOT NULL,
  rotation_id TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (secret_arn, rotation_id)
);
CREATE INDEX rotation_by_start ON rotation (secret_arn, started_at);
