-- Reports: begun, answered, sent.
CREATE TABLE report (
  id TEXT PRIMARY KEY,
  revision BIGINT NOT NULL,
  entry BIGINT NOT NULL,
  form TEXT NOT NULL,
  about TEXT NOT NULL,
  sent BIGINT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX report_about ON report (about, id);
-- Reports look for what was opened or closed in a time.
CREATE INDEX alert_opened ON alert (opened_us, id);
