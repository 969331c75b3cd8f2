-- What rotations are to take turns at: one run at a time for each server, users before their master. Hosts and the ARNs that values name are
-- keyed hashes. Without a MAC: it only says who waits.
CREATE TABLE rotation_target (
  secret_arn TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL,
  key_version BIGINT NOT NULL,
  own TEXT NOT NULL,
  server TEXT NOT NULL,
  master TEXT NOT NULL,
  rotation_id TEXT NOT NULL,
  waits_since BIGINT NOT NULL DEFAULT 0,
  waits_until BIGINT NOT NULL DEFAULT 0,
  held_until BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX rotation_target_by_server ON rotation_target (account_id, server);
CREATE INDEX rotation_target_by_master ON rotation_target (account_id, master);
CREATE INDEX rotation_target_by_hold ON rotation_target (account_id, held_until);

-- Whose work a job is: what hangs of one account or function must not hold every place.
ALTER TABLE job ADD COLUMN share TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN part TEXT NOT NULL DEFAULT '';
