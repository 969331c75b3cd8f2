-- Groups, roles, versions of policies, what is attached to what; resource policies of secrets; accounts that are being made.
-- Columns that begin with used_ lie outside the MAC, as days of access do.

CREATE TABLE iam_group (
  account_id TEXT NOT NULL,
  group_id TEXT NOT NULL,
  group_name_key TEXT NOT NULL,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, group_id),
  UNIQUE (account_id, group_name_key)
);

CREATE TABLE iam_role (
  account_id TEXT NOT NULL,
  role_id TEXT NOT NULL,
  role_name_key TEXT NOT NULL,
  used_at BIGINT NOT NULL DEFAULT 0,
  used_region TEXT NOT NULL DEFAULT '',
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, role_id),
  UNIQUE (account_id, role_name_key)
);

ALTER TABLE iam_access_key ADD COLUMN used_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE iam_access_key ADD COLUMN used_service TEXT NOT NULL DEFAULT '';
ALTER TABLE iam_access_key ADD COLUMN used_region TEXT NOT NULL DEFAULT '';

-- A managed policy's name is unique in its account whatever its path. The row's body has the document of the default version and the
-- digests of all; each version's document has a row of its own.
ALTER TABLE iam_policy ADD COLUMN policy_name_key TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX iam_policy_by_name ON iam_policy (account_id, policy_name_key);

CREATE TABLE iam_policy_version (
  account_id TEXT NOT NULL,
  arn TEXT NOT NULL,
  version_id TEXT NOT NULL,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, arn, version_id)
);

-- Indexes for looking up from the other side: the bodies of users, groups and roles decide. used_as is policy or boundary; entity_kind is
-- user, group or role.
CREATE TABLE iam_attachment (
  account_id TEXT NOT NULL,
  arn TEXT NOT NULL,
  used_as TEXT NOT NULL,
  entity_kind TEXT NOT NULL,
  entity_id TEXT NOT NULL,
  PRIMARY KEY (account_id, arn, used_as, entity_kind, entity_id)
);
CREATE TABLE iam_group_member (
  account_id TEXT NOT NULL,
  group_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  PRIMARY KEY (account_id, group_id, user_id)
);

-- The resource policy of a secret, of which the secret's body has the digest.
CREATE TABLE secret_policy (
  secret_arn TEXT PRIMARY KEY,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL
);

-- The email address in lower case: it belongs to one account.
ALTER TABLE account ADD COLUMN email_key TEXT;
CREATE UNIQUE INDEX account_by_email ON account (email_key);

-- CreateAccount and what became of it.
CREATE TABLE organization_request (
  request_id TEXT PRIMARY KEY,
  requested_at BIGINT NOT NULL,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL
);
CREATE INDEX organization_request_by_time ON organization_request (requested_at);

-- Whose a unique id is, in all accounts: policies may name one.
CREATE INDEX iam_user_by_id ON iam_user (user_id);
CREATE INDEX iam_role_by_id ON iam_role (role_id);
