DROP TABLE IF EXISTS media_server_boots;
ALTER TABLE publish_sessions
    DROP COLUMN IF EXISTS supersedes,
    DROP COLUMN IF EXISTS stalled_until,
    DROP COLUMN IF EXISTS confirmed_at;
