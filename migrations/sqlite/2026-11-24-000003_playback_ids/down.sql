DROP INDEX IF EXISTS streams_playback_id;
ALTER TABLE streams DROP COLUMN playback_id;
