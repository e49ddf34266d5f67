-- Effect: add the indexes streams_one_active_per_user, streams_active_newest_first and streams_active_by_expiry, and the trigger streams_make_room
-- Readers go on throughout; writers wait until this transaction ends.
LOCK TABLE streams IN SHARE ROW EXCLUSIVE MODE;
-- Whoever holds rows that are to be changed must let go soon, since the others wait for us meanwhile.
SET LOCAL lock_timeout = '3s';

-- A missing expiry becomes 24 hours of life. Most such rows were filled in batches before the lock was taken.
UPDATE streams SET expires_at = created_at + INTERVAL '24 hours'
WHERE expires_at IS NULL AND created_at IS NOT NULL;

-- Of several active streams of one user the newest stays.
UPDATE streams SET status = 'stopped', updated_at = timezone('UTC', now())
WHERE id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER (
            PARTITION BY user_id ORDER BY created_at DESC NULLS LAST, id DESC
        ) AS place
        FROM streams WHERE status = 'active' AND user_id IS NOT NULL
    ) AS ranked
    WHERE place > 1
);

-- The rule itself, for every writer and any number of instances.
CREATE UNIQUE INDEX IF NOT EXISTS streams_one_active_per_user ON streams (user_id) WHERE status = 'active';

-- What the public list and the sweep read: active streams only, however many have ended.
CREATE INDEX IF NOT EXISTS streams_active_newest_first
ON streams ((COALESCE(created_at, '-infinity')) DESC, id DESC) WHERE status = 'active';
CREATE INDEX IF NOT EXISTS streams_active_by_expiry ON streams (expires_at) WHERE status = 'active';

-- A stale active stream (expired, not yet swept) makes room for its user's next one, whoever writes it.
-- A writer that gives no expiry gets 24 hours.
-- The table is named in full, since a writer may look for tables along another path than ours.
CREATE OR REPLACE FUNCTION streams_make_room() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    instant TIMESTAMP := COALESCE(NEW.created_at, timezone('UTC', clock_timestamp()));
BEGIN
    NEW.expires_at := COALESCE(NEW.expires_at, instant + INTERVAL '24 hours');
    EXECUTE format(
        'UPDATE %I.%I SET status = ''expired'', updated_at = $1
         WHERE user_id = $2 AND status = ''active'' AND (expires_at <= $1 OR expires_at IS NULL)',
        TG_TABLE_SCHEMA, TG_TABLE_NAME) USING instant, NEW.user_id;
    RETURN NEW;
END
$$;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger
                   WHERE tgrelid = to_regclass('streams') AND tgname = 'streams_make_room') THEN
        CREATE TRIGGER streams_make_room BEFORE INSERT ON streams
        FOR EACH ROW WHEN (NEW.status = 'active' OR NEW.expires_at IS NULL)
        EXECUTE FUNCTION streams_make_room();
    END IF;
END
$$;
ALTER TABLE streams ENABLE TRIGGER streams_make_room;
