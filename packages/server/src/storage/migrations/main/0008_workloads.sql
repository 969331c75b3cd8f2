-- Which service account of which cluster gets which role.

CREATE TABLE iam_pod_identity (
  account_id TEXT NOT NULL,
  association_id TEXT NOT NULL,
  service_account_key TEXT NOT NULL,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, association_id)
);
CREATE UNIQUE INDEX iam_pod_identity_by_service_account ON iam_pod_identity (account_id, service_account_key);
