-- The alias of an account: one account of the whole server has it.
ALTER TABLE account ADD COLUMN alias TEXT;
CREATE UNIQUE INDEX account_by_alias ON account (alias);

-- Service-linked roles that were deleted, for GetServiceLinkedRoleDeletionStatus.
CREATE TABLE iam_role_deletion (
  account_id TEXT NOT NULL,
  task_id TEXT NOT NULL,
  deleted_at BIGINT NOT NULL,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, task_id)
);

-- The credential report of an account: asked for, and once a job has written it, the report.
CREATE TABLE iam_credential_report (
  account_id TEXT PRIMARY KEY,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL
);
