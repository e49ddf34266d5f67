DROP TRIGGER IF EXISTS streams_cut_deleted_publisher;
DROP TRIGGER IF EXISTS streams_cut_publisher;
DROP TABLE IF EXISTS publish_attempts;
DROP TABLE IF EXISTS publish_sessions;
