-- How many calls were made, by day (midnight UTC, milliseconds): of a caller who read a secret; and with neither, all calls of an account to
-- Secrets Manager in a Region. Gathered as events of the trail are written (audit/counts.ts). Without a MAC: only advice reads it.
CREATE TABLE call_count (
  account_id TEXT NOT NULL,
  region TEXT NOT NULL,
  day BIGINT NOT NULL,
  secret_arn TEXT NOT NULL,
  caller TEXT NOT NULL,
  calls BIGINT NOT NULL,
  PRIMARY KEY (account_id, region, day, secret_arn, caller)
);
CREATE INDEX call_count_by_day ON call_count (day);
