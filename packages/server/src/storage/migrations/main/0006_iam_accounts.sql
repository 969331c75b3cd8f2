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
