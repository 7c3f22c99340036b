-- Portable between SQLite and PostgreSQL: BIGINT and TEXT only, JSON as text, times in microseconds since 1970 (column
-- names end in _us), truth values as 0 and 1. `entry` in a row of state is the number of the entry that last wrote it.

CREATE TABLE entry (
  number BIGINT PRIMARY KEY,
  at TEXT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  reason TEXT,
  content TEXT NOT NULL,
  prev_hash TEXT NOT NULL,
  hash TEXT NOT NULL
);
CREATE TABLE entry_subject (
  subject TEXT NOT NULL,
  number BIGINT NOT NULL,
  PRIMARY KEY (subject, number)
);

CREATE TABLE alert (
  id TEXT PRIMARY KEY,
  revision BIGINT NOT NULL,
  entry BIGINT NOT NULL,
  rule TEXT NOT NULL,
  entity_kind TEXT NOT NULL,
  entity_name TEXT NOT NULL,
  exercise BIGINT NOT NULL,
  state TEXT NOT NULL,
  open BIGINT NOT NULL,
  shown BIGINT NOT NULL,
  level BIGINT NOT NULL,
  assignee TEXT,
  disposition TEXT,
  rank BIGINT NOT NULL,
  opened_us BIGINT NOT NULL,
  last_seen_us BIGINT NOT NULL,
  closed_us BIGINT,
  folded TEXT NOT NULL,
  body TEXT NOT NULL
);
-- At most one open alert has a given key: held here too, not only by triage.
CREATE UNIQUE INDEX alert_open_key ON alert (rule, entity_kind, entity_name, exercise) WHERE open = 1;
CREATE INDEX alert_closed_key ON alert (rule, entity_kind, entity_name, exercise, closed_us) WHERE open = 0;
CREATE INDEX alert_queue ON alert (open, rank, id);
CREATE INDEX alert_entity ON alert (entity_kind, entity_name, exercise) WHERE open = 1;
CREATE INDEX alert_seen ON alert (last_seen_us, id);

CREATE TABLE detection (
  alert TEXT NOT NULL,
  ordinal BIGINT NOT NULL,
  entry BIGINT NOT NULL,
  event BIGINT NOT NULL,
  happened_us BIGINT NOT NULL,
  hidden_by TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (alert, ordinal)
);
CREATE INDEX detection_entry ON detection (entry);
CREATE INDEX detection_event ON detection (event);
CREATE INDEX detection_hidden ON detection (hidden_by, happened_us) WHERE hidden_by IS NOT NULL;

CREATE TABLE silence (
  id TEXT PRIMARY KEY,
  revision BIGINT NOT NULL,
  entry BIGINT NOT NULL,
  active BIGINT NOT NULL,
  expires_us BIGINT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX silence_active ON silence (active, expires_us);

CREATE TABLE account (
  id TEXT PRIMARY KEY,
  revision BIGINT NOT NULL,
  entry BIGINT NOT NULL,
  login TEXT NOT NULL UNIQUE,
  body TEXT NOT NULL
);

CREATE TABLE session (
  digest TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  expires_us BIGINT NOT NULL,
  ended BIGINT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX session_account ON session (account);
CREATE INDEX session_expires ON session (expires_us);

CREATE TABLE setup_link (
  digest TEXT PRIMARY KEY,
  expires_us BIGINT NOT NULL,
  used_us BIGINT,
  body TEXT NOT NULL
);

CREATE TABLE sign_in_failure (
  login TEXT NOT NULL,
  address TEXT NOT NULL,
  at_us BIGINT NOT NULL
);
CREATE INDEX sign_in_failure_login ON sign_in_failure (login, at_us);
CREATE INDEX sign_in_failure_address ON sign_in_failure (address, at_us);
CREATE INDEX sign_in_failure_at ON sign_in_failure (at_us);

CREATE TABLE source (
  id TEXT PRIMARY KEY,
  silent BIGINT NOT NULL,
  last_heard_us BIGINT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX source_silent ON source (silent);

CREATE TABLE source_token (
  digest TEXT PRIMARY KEY,
  revision BIGINT NOT NULL,
  entry BIGINT NOT NULL,
  source TEXT NOT NULL,
  revoked BIGINT NOT NULL,
  body TEXT NOT NULL
);

CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  revision BIGINT NOT NULL,
  entry BIGINT NOT NULL,
  body TEXT NOT NULL
);

CREATE TABLE pipeline (
  one BIGINT PRIMARY KEY CHECK (one = 1),
  decided BIGINT NOT NULL,
  resume BIGINT NOT NULL,
  correlated_us BIGINT NOT NULL
);

CREATE TABLE outbox (
  entry BIGINT NOT NULL,
  position BIGINT NOT NULL,
  effect TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts BIGINT NOT NULL,
  due_us BIGINT NOT NULL,
  note TEXT,
  PRIMARY KEY (entry, position)
);
CREATE INDEX outbox_due ON outbox (state, due_us);
