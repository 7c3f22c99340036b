-- Effects wait in lanes, one for each channel, and know when they were last settled.
ALTER TABLE outbox ADD COLUMN lane TEXT NOT NULL DEFAULT 'announcements';
ALTER TABLE outbox ADD COLUMN settled_us BIGINT;
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (state, lane, due_us);
