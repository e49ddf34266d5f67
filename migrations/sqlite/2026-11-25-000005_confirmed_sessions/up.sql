-- When a publisher was first seen to bring media; what was written down before, or by an earlier version, counts as
-- confirmed.
ALTER TABLE publish_sessions ADD COLUMN confirmed_at TEXT DEFAULT '1970-01-01 00:00:00.000000';
-- Until when a session stays open whose publisher is connected and brings no media.
ALTER TABLE publish_sessions ADD COLUMN stalled_until TEXT;
-- The session that gave way to this one, so that an admission whose answer came too late can be undone.
ALTER TABLE publish_sessions ADD COLUMN supersedes INTEGER;
UPDATE publish_sessions SET confirmed_at = started_at;

-- Which boots of media servers were heard, and when.
CREATE TABLE media_server_boots (
    server TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    first_seen_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,
    PRIMARY KEY (server, boot_id)
) STRICT;
