-- Effect: add the column streams.playback_id, with a random default
-- Each stream gets a name that everybody may know; whoever inserts one without it gets one as well.
-- Both changes touch the catalogue alone, but lock readers out for that moment; so where the table is older than this
-- service they were made before, in short tries, and there is nothing left to lock for.
SET LOCAL lock_timeout = '3s';
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute
                   WHERE attrelid = to_regclass('streams') AND attname = 'playback_id' AND atthasdef) THEN
        ALTER TABLE streams ADD COLUMN IF NOT EXISTS playback_id VARCHAR(64);
        ALTER TABLE streams ALTER COLUMN playback_id SET DEFAULT replace(gen_random_uuid()::text, '-', '');
    END IF;
END
$$;
