-- Functions. The row of a function has the digests of its parts: versions, aliases and policies. Its code and the events that wait for it are
-- encrypted under a key of its own, which is in its body under the domain key of that version.
CREATE TABLE lambda_function (
  account_id TEXT NOT NULL,
  region TEXT NOT NULL,
  function_name TEXT NOT NULL,
  domain_key_version BIGINT NOT NULL,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, region, function_name)
);
CREATE INDEX lambda_function_by_domain_key ON lambda_function (domain_key_version);

CREATE TABLE lambda_part (
  account_id TEXT NOT NULL,
  region TEXT NOT NULL,
  function_name TEXT NOT NULL,
  part TEXT NOT NULL,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, region, function_name, part)
);

CREATE TABLE lambda_code (
  account_id TEXT NOT NULL,
  region TEXT NOT NULL,
  function_name TEXT NOT NULL,
  code_sha256 TEXT NOT NULL,
  chunk BIGINT NOT NULL,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, region, function_name, code_sha256, chunk)
);

-- Asynchronous invocations that are not over.
CREATE TABLE lambda_event (
  event_id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL,
  region TEXT NOT NULL,
  function_name TEXT NOT NULL,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL
);
CREATE INDEX lambda_event_by_function ON lambda_event (account_id, region, function_name);

-- Invocations under way of functions with reserved concurrency. Without a MAC: they only count.
CREATE TABLE lambda_lease (
  account_id TEXT NOT NULL,
  region TEXT NOT NULL,
  function_name TEXT NOT NULL,
  lease_id TEXT NOT NULL,
  lease_until BIGINT NOT NULL,
  PRIMARY KEY (account_id, region, function_name, lease_id)
);
