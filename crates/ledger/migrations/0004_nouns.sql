-- Nouns that are kept alike (directives, watches, waivers, rosters …): whole bodies with what they are found by.
CREATE TABLE noun (
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  revision BIGINT NOT NULL,
  entry BIGINT NOT NULL,
  state TEXT NOT NULL,
  owner TEXT,
  parent TEXT,
  due_us BIGINT,
  body TEXT NOT NULL,
  PRIMARY KEY (kind, id)
);
CREATE INDEX noun_state ON noun (kind, state, due_us, id);
CREATE INDEX noun_owner ON noun (kind, owner, id) WHERE owner IS NOT NULL;
CREATE INDEX noun_parent ON noun (kind, parent, id) WHERE parent IS NOT NULL;
CREATE INDEX noun_due ON noun (kind, due_us, id);

-- Measurements of controls, only added and, when they are old, forgotten by whole entries.
CREATE TABLE measurement (
  entry BIGINT NOT NULL,
  ordinal BIGINT NOT NULL,
  control TEXT NOT NULL,
  at_us BIGINT NOT NULL,
  value DOUBLE PRECISION,
  finding TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (entry, ordinal)
);
-- A trend is read from the index alone.
CREATE INDEX measurement_trend ON measurement (control, at_us, value, finding);
