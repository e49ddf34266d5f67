DROP TABLE IF EXISTS media_server_boots;
ALTER TABLE publish_sessions DROP COLUMN supersedes;
ALTER TABLE publish_sessions DROP COLUMN stalled_until;
ALTER TABLE publish_sessions DROP COLUMN confirmed_at;
