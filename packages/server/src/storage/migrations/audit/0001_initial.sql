-- The audit trail: blocks of events in keyed hash chains, one chain for each serial writer (audit/trail.ts).

CREATE TABLE audit_block (
  chain TEXT NOT NULL,
  seq BIGINT NOT NULL,
  first_time BIGINT NOT NULL,
  last_time BIGINT NOT NULL,
  events BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (chain, seq)
);
CREATE INDEX audit_block_by_time ON audit_block (last_time, chain, seq);
