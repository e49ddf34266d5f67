-- Effect: give active streams a playback_id, and add the index streams_playback_id, the tables publish_sessions and publish_attempts, and the trigger streams_cut_publisher
-- Readers go on throughout; writers wait until this transaction ends.
LOCK TABLE streams IN SHARE ROW EXCLUSIVE MODE;
SET LOCAL lock_timeout = '3s';

-- Streams that may be watched need a name; those that have ended do not.
UPDATE streams SET playback_id = replace(gen_random_uuid()::text, '-', '')
WHERE playback_id IS NULL AND status = 'active';
CREATE UNIQUE INDEX IF NOT EXISTS streams_playback_id ON streams (playback_id) WHERE playback_id IS NOT NULL;

-- In the schema of the table that they belong to, wherever an earlier service put that.
DO $$
DECLARE
    home name := (SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                  WHERE pg_class.oid = to_regclass('streams'));
BEGIN
    -- No foreign key: a session outlives its stream until its publisher is seen to be gone.
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I.publish_sessions (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        stream_id INTEGER NOT NULL,
        server TEXT NOT NULL,
        server_session TEXT NOT NULL,
        run TEXT,
        ordinal BIGINT,
        application TEXT NOT NULL,
        name TEXT NOT NULL,
        protocol TEXT NOT NULL,
        address TEXT,
        epoch INTEGER NOT NULL,
        live_since TIMESTAMP NOT NULL,
        started_at TIMESTAMP NOT NULL,
        last_seen_at TIMESTAMP NOT NULL,
        lease_until TIMESTAMP NOT NULL,
        key_expires_at TIMESTAMP NOT NULL,
        ended_at TIMESTAMP,
        end_reason TEXT,
        cut_because TEXT,
        cut_tried_at TIMESTAMP
    ) WITH (fillfactor = 80)', home);
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I.publish_attempts (
        stream_id INTEGER NOT NULL,
        server TEXT NOT NULL,
        address TEXT NOT NULL,
        refusal TEXT NOT NULL,
        first_at TIMESTAMP NOT NULL,
        last_at TIMESTAMP NOT NULL,
        PRIMARY KEY (stream_id, refusal, server, address)
    )', home);

    -- A table that was restored without its keys gets them again.
    IF NOT EXISTS (SELECT FROM pg_index WHERE indrelid = to_regclass('publish_sessions') AND indisprimary) THEN
        ALTER TABLE publish_sessions ADD PRIMARY KEY (id);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_index WHERE indrelid = to_regclass('publish_attempts') AND indisprimary) THEN
        ALTER TABLE publish_attempts ADD PRIMARY KEY (stream_id, refusal, server, address);
    END IF;

    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('publish_sessions') AND attname = 'id'
               AND NOT atthasdef AND attidentity = '') THEN
        ALTER TABLE publish_sessions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY;
    END IF;
    PERFORM setval(numbers, last) FROM (
        SELECT pg_get_serial_sequence('publish_sessions', 'id')::regclass AS numbers, max(id) AS last
        FROM publish_sessions) AS used
    WHERE numbers IS NOT NULL AND last > COALESCE(pg_sequence_last_value(numbers), 0);

    -- A stream that ends, by whomever, takes its publisher with it.
    -- In the rights of this service, since an earlier one may have none on these tables.
    EXECUTE format('CREATE OR REPLACE FUNCTION %1$I.streams_cut_publisher() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
        BEGIN
            IF TG_OP = ''DELETE'' THEN
                UPDATE %1$I.publish_sessions SET cut_because = ''deleted''
                WHERE stream_id = OLD.id AND ended_at IS NULL;
            ELSE
                UPDATE %1$I.publish_sessions SET
                    cut_because = CASE WHEN NEW.status = ''active'' THEN cut_because
                        WHEN NEW.status = ''expired'' THEN ''expired'' ELSE ''stopped'' END,
                    key_expires_at = COALESCE(NEW.expires_at, key_expires_at)
                WHERE stream_id = NEW.id AND ended_at IS NULL;
            END IF;
            RETURN NULL;
        END $function$', home);
    -- A session that begins while its stream is being stopped cannot be seen by whoever stops it, so it waits for them.
    EXECUTE format('CREATE OR REPLACE FUNCTION %1$I.publish_sessions_heed_stops() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
        BEGIN
            PERFORM FROM %1$I.streams WHERE id = NEW.stream_id AND status = ''active'' FOR SHARE;
            IF NOT FOUND THEN
                NEW.cut_because := ''stopped'';
            END IF;
            RETURN NEW;
        END $function$', home);
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = to_regclass('publish_sessions')
                   AND tgname = 'publish_sessions_heed_stops') THEN
        EXECUTE format('CREATE TRIGGER publish_sessions_heed_stops BEFORE INSERT ON %1$I.publish_sessions
            FOR EACH ROW EXECUTE FUNCTION %1$I.publish_sessions_heed_stops()', home);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_trigger
                   WHERE tgrelid = to_regclass('streams') AND tgname = 'streams_cut_publisher') THEN
        EXECUTE format('CREATE TRIGGER streams_cut_publisher AFTER UPDATE OF status, expires_at OR DELETE ON streams
            FOR EACH ROW EXECUTE FUNCTION %I.streams_cut_publisher()', home);
    END IF;
END
$$;
ALTER TABLE publish_sessions ENABLE TRIGGER publish_sessions_heed_stops;
ALTER TABLE streams ENABLE TRIGGER streams_cut_publisher;

-- Several open sessions where one may be are there only if an index was lost; the newest stays, as after a takeover.
UPDATE publish_sessions SET
    ended_at = timezone('UTC', now()), end_reason = 'superseded', cut_because = 'superseded', cut_tried_at = NULL
WHERE id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER (PARTITION BY stream_id ORDER BY id DESC) AS of_stream,
            row_number() OVER (PARTITION BY server, server_session ORDER BY id DESC) AS of_connection
        FROM publish_sessions WHERE ended_at IS NULL
    ) AS ranked
    WHERE of_stream > 1 OR of_connection > 1
);

-- The rules themselves, for every writer.
CREATE UNIQUE INDEX IF NOT EXISTS publish_sessions_one_open_per_stream ON publish_sessions (stream_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS publish_sessions_one_open_per_server_session
ON publish_sessions (server, server_session) WHERE ended_at IS NULL;

-- What admissions, cuts and sweeps read.
CREATE INDEX IF NOT EXISTS publish_sessions_by_stream ON publish_sessions (stream_id, id);
CREATE INDEX IF NOT EXISTS publish_sessions_to_cut ON publish_sessions (server) WHERE cut_because IS NOT NULL;
CREATE INDEX IF NOT EXISTS publish_sessions_by_key_expiry ON publish_sessions (key_expires_at) WHERE ended_at IS NULL;
CREATE INDEX IF NOT EXISTS publish_sessions_by_ordinal ON publish_sessions (server, ordinal)
WHERE ended_at IS NULL AND ordinal IS NOT NULL;
CREATE INDEX IF NOT EXISTS publish_sessions_by_end ON publish_sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS publish_attempts_by_last ON publish_attempts (last_at);
