-- Identity providers, MFA devices, aliases of accounts, and which workload gets which role.

CREATE TABLE iam_oidc_provider (
  account_id TEXT NOT NULL,
  arn TEXT NOT NULL,
  url TEXT NOT NULL,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, arn)
);
CREATE UNIQUE INDEX iam_oidc_provider_by_url ON iam_oidc_provider (account_id, url);
