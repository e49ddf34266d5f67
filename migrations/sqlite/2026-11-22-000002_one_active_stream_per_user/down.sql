DROP TRIGGER IF EXISTS streams_make_room;
DROP INDEX IF EXISTS streams_active_by_expiry;
DROP INDEX IF EXISTS streams_active_newest_first;
DROP INDEX IF EXISTS streams_one_active_per_user;
