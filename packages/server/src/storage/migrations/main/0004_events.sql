-- The outbox of change events: docs/adr/0007-the-outbox-is-numbered-when-it-is-published.md. A row is written by the transaction of its
-- change, without a number; publishing gives numbers, one after another and without gaps. secret_arn, rev, at and part say in which
-- order the changes of one secret were made. `label` is the staging label that the event tells of, as JSON, or "" for none.
CREATE TABLE event (
  event_id TEXT PRIMARY KEY,
  seq BIGINT,
  at BIGINT NOT NULL,
  secret_arn TEXT NOT NULL,
  rev BIGINT NOT NULL,
  part BIGINT NOT NULL,
  label TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE UNIQUE INDEX event_by_seq ON event (seq);

-- One row, made by the first publishing: the number of the last event published, and the lowest that is still kept. Publishing holds its lock.
CREATE TABLE event_log (
  name TEXT PRIMARY KEY,
  first_seq BIGINT NOT NULL,
  last_seq BIGINT NOT NULL
);

-- How far each sink has come, and how often it has failed since it last took an event.
CREATE TABLE event_sink (
  name TEXT PRIMARY KEY,
  delivered_seq BIGINT NOT NULL,
  failures BIGINT NOT NULL
);
