-- Effect: add the columns confirmed_at, stalled_until and supersedes to publish_sessions, and the table media_server_boots
-- The columns are nullable or have a default that is the same for all rows, so that no row is rewritten and an earlier
-- version goes on beside this one.
-- Everybody waits behind the lock while it waits for a long transaction, so it is given up soon and tried again later.
SET LOCAL lock_timeout = '200ms';
ALTER TABLE publish_sessions
    -- When a publisher was first seen to bring media; what was written down before, or by an earlier version, counts as
    -- confirmed.
    ADD COLUMN IF NOT EXISTS confirmed_at TIMESTAMP DEFAULT timezone('UTC', now()),
    -- Until when a session stays open whose publisher is connected and brings no media.
    ADD COLUMN IF NOT EXISTS stalled_until TIMESTAMP,
    -- The session that gave way to this one, so that an admission whose answer came too late can be undone.
    ADD COLUMN IF NOT EXISTS supersedes BIGINT;

-- Which boots of media servers were heard, and when; in the schema of the table that sessions are in.
DO $$
DECLARE
    home name := (SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                  WHERE pg_class.oid = to_regclass('publish_sessions'));
BEGIN
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I.media_server_boots (
        server TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        first_seen_at TIMESTAMP NOT NULL,
        last_seen_at TIMESTAMP NOT NULL,
        PRIMARY KEY (server, boot_id)
    )', home);
    IF NOT EXISTS (SELECT FROM pg_index WHERE indrelid = to_regclass('media_server_boots') AND indisprimary) THEN
        ALTER TABLE media_server_boots ADD PRIMARY KEY (server, boot_id);
    END IF;
END
$$;
