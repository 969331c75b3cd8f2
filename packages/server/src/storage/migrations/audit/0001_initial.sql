-- The audit trail: blocks of events in keyed hash chains, one chain for each serial writer (audit/trail.ts).
-- Both the main database and the audit databases have these tables. Times are milliseconds since the epoch.

-- body: the events as lines of JSON. mac covers every column and the mac of the block before it in the chain (audit/block.ts).
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

-- Consecutive older blocks of one chain, compressed, with their columns and MACs as they were (audit/segment.ts).
CREATE TABLE audit_segment (
  chain TEXT NOT NULL,
  first_seq BIGINT NOT NULL,
  last_seq BIGINT NOT NULL,
  first_time BIGINT NOT NULL,
  last_time BIGINT NOT NULL,
  stored_bytes BIGINT NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (chain, first_seq)
);
CREATE INDEX audit_segment_by_time ON audit_segment (last_time, chain, first_seq, stored_bytes);

-- How far the chains of one process had come, at most a second ago. A sealed row (storage/sealed.ts).
CREATE TABLE audit_head (
  writer TEXT PRIMARY KEY,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL
);

-- Up to which block retention has removed a chain. A sealed row.
CREATE TABLE audit_checkpoint (
  chain TEXT PRIMARY KEY,
  rev BIGINT NOT NULL,
  body BLOB NOT NULL,
  mac BLOB NOT NULL
);
