DROP TRIGGER IF EXISTS streams_cut_publisher ON streams;
DROP FUNCTION IF EXISTS streams_cut_publisher();
DROP TABLE IF EXISTS publish_attempts;
DROP TABLE IF EXISTS publish_sessions;
DROP FUNCTION IF EXISTS publish_sessions_heed_stops();
DROP INDEX IF EXISTS streams_playback_id;
