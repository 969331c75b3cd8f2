-- The credential report of an account: asked for, and once a job has written it, the report.
CREATE TABLE iam_credential_report (
  account_id TEXT PRIMARY KEY,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL
);
