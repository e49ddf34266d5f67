-- Effect: add the tables stream_events and live_streams, the column stream_schedules.settled_at, and triggers that write down what happens
-- The triggers are added in the catalogue alone, but writers wait for that moment; so it is given up soon and tried again
-- later where a long transaction is in the way.
SET LOCAL lock_timeout = '200ms';
-- In the order in which writers take them; and who goes live meanwhile is told of once, here or by a trigger.
LOCK TABLE streams, publish_sessions, publish_attempts, stream_schedules IN SHARE ROW EXCLUSIVE MODE;
DO $$
DECLARE
    home name := (SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                  WHERE pg_class.oid = to_regclass('streams'));
    taken TEXT;
BEGIN
    -- A table that is another's is left alone, and with it everything that this migration would change.
    FOR taken IN SELECT owner FROM (VALUES ('stream_events', 'position'), ('live_streams', 'left_at')) AS made (owner, mark)
        WHERE to_regclass(owner) IS NOT NULL AND NOT EXISTS (
            SELECT FROM pg_attribute WHERE attrelid = to_regclass(owner) AND attname = mark)
    LOOP
        RAISE EXCEPTION 'the table % is not of this service; rename it, and migrate again', taken;
    END LOOP;

    -- What happened. Numbers are drawn before a transaction commits, so a position is given afterwards.
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I.stream_events (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        position BIGINT,
        type TEXT NOT NULL,
        user_id INTEGER,
        stream_id INTEGER,
        at TIMESTAMP NOT NULL DEFAULT timezone(''UTC'', clock_timestamp()),
        data TEXT NOT NULL
    )', home);
    -- Which streams were said to be live, and since when their last publisher is away.
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I.live_streams (
        stream_id INTEGER PRIMARY KEY,
        user_id INTEGER,
        playback_id TEXT,
        session_id BIGINT NOT NULL,
        epoch INTEGER NOT NULL,
        live_since TIMESTAMP NOT NULL,
        left_at TIMESTAMP,
        left_because TEXT
    )', home);
    -- A table that was restored without its keys gets them again.
    IF NOT EXISTS (SELECT FROM pg_index WHERE indrelid = to_regclass('stream_events') AND indisprimary) THEN
        ALTER TABLE stream_events ADD PRIMARY KEY (id);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_index WHERE indrelid = to_regclass('live_streams') AND indisprimary) THEN
        ALTER TABLE live_streams ADD PRIMARY KEY (stream_id);
    END IF;
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('stream_events') AND attname = 'id'
               AND NOT atthasdef AND attidentity = '') THEN
        ALTER TABLE stream_events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY;
    END IF;
    PERFORM setval(numbers, last) FROM (
        SELECT pg_get_serial_sequence('stream_events', 'id')::regclass AS numbers, max(id) AS last FROM stream_events) AS used
    WHERE numbers IS NOT NULL AND last > COALESCE(pg_sequence_last_value(numbers), 0);

    -- When it was looked at whether a schedule was missed; those of before are not told of.
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('stream_schedules') AND attname = 'settled_at') THEN
        ALTER TABLE stream_schedules ADD COLUMN settled_at TIMESTAMP;
        UPDATE stream_schedules SET settled_at = timezone('UTC', now()) WHERE ends_at <= timezone('UTC', now());
    END IF;

    -- All of these act in the rights of this service, since an earlier one may have none on these tables.
    -- A row that is restored from a dump brings its number along, and is no event; only one that begins here draws it.
    EXECUTE format('CREATE OR REPLACE FUNCTION %1$I.streams_tell_start() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
        DECLARE
            numbers regclass := pg_get_serial_sequence(''%1$I.streams'', ''id'');
        BEGIN
            IF numbers IS NOT NULL AND NEW.id > COALESCE(pg_sequence_last_value(numbers), 0) THEN
                RETURN NULL;
            END IF;
            INSERT INTO %1$I.stream_events (type, user_id, stream_id, data)
            VALUES (''stream.created'', NEW.user_id, NEW.id, json_build_object(''stream_id'', NEW.id,
                ''playback_id'', NEW.playback_id,
                ''expires_at'', to_json(NEW.expires_at) #>> ''{}'' || ''Z''));
            RETURN NULL;
        END $function$', home);

    -- A publisher brings media, or has left.
    EXECUTE format('CREATE OR REPLACE FUNCTION %1$I.publish_sessions_tell() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
        DECLARE
            told RECORD;
            facts TEXT;
            stream RECORD;
        BEGIN
            IF NEW.ended_at IS NOT NULL OR NEW.stalled_until IS NOT NULL THEN
                UPDATE %1$I.live_streams SET left_at = COALESCE(NEW.ended_at, NEW.lease_until), left_because = NEW.end_reason
                WHERE stream_id = NEW.stream_id AND session_id = NEW.id;
                RETURN NULL;
            END IF;
            SELECT id, user_id, playback_id INTO stream FROM %1$I.streams
            WHERE id = NEW.stream_id AND status = ''active'';
            IF NOT FOUND THEN
                RETURN NULL;
            END IF;
            facts := json_build_object(''stream_id'', stream.id, ''playback_id'', stream.playback_id,
                ''server'', NEW.server, ''protocol'', NEW.protocol,
                ''live_since'', to_json(NEW.live_since) #>> ''{}'' || ''Z'');
            -- The trigger of live_streams tells that another broadcast is over.
            DELETE FROM %1$I.live_streams WHERE stream_id = NEW.stream_id AND epoch <> NEW.epoch;
            -- Locked, so that who is about to tell that nobody came back is waited for, or passes it over.
            SELECT session_id INTO told FROM %1$I.live_streams WHERE stream_id = NEW.stream_id FOR UPDATE;
            IF NOT FOUND THEN
                INSERT INTO %1$I.live_streams (stream_id, user_id, playback_id, session_id, epoch, live_since)
                VALUES (stream.id, stream.user_id, stream.playback_id, NEW.id, NEW.epoch, NEW.live_since)
                -- Two at once there are only while the index of open sessions is missing.
                ON CONFLICT (stream_id) DO NOTHING;
                IF FOUND THEN
                    INSERT INTO %1$I.stream_events (type, user_id, stream_id, data)
                    VALUES (''stream.live'', stream.user_id, stream.id, facts);
                END IF;
                RETURN NULL;
            END IF;
            IF told.session_id <> NEW.id THEN
                INSERT INTO %1$I.stream_events (type, user_id, stream_id, data)
                VALUES (''stream.publisher_changed'', stream.user_id, stream.id, facts);
            END IF;
            UPDATE %1$I.live_streams SET session_id = NEW.id, left_at = NULL, left_because = NULL
            WHERE stream_id = NEW.stream_id;
            RETURN NULL;
        END $function$', home);

    -- A row goes when no publisher came back in time, with its stream, or for another broadcast.
    EXECUTE format('CREATE OR REPLACE FUNCTION %1$I.live_streams_tell() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
        DECLARE
            ended TEXT;
        BEGIN
            SELECT CASE WHEN status = ''active'' THEN COALESCE(OLD.left_because, ''lost'')
                WHEN status = ''expired'' THEN ''expired'' ELSE ''stopped'' END INTO ended
            FROM %1$I.streams WHERE id = OLD.stream_id;
            INSERT INTO %1$I.stream_events (type, user_id, stream_id, data)
            VALUES (''stream.offline'', OLD.user_id, OLD.stream_id, json_build_object(''stream_id'', OLD.stream_id,
                ''playback_id'', OLD.playback_id,
                ''live_since'', to_json(OLD.live_since) #>> ''{}'' || ''Z'',
                ''reason'', COALESCE(ended, ''deleted'')));
            RETURN NULL;
        END $function$', home);

    EXECUTE format('CREATE OR REPLACE FUNCTION %1$I.publish_attempts_tell() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
        BEGIN
            INSERT INTO %1$I.stream_events (type, user_id, stream_id, data)
            SELECT ''stream.publish_refused'', user_id, id, json_build_object(''stream_id'', id,
                ''playback_id'', playback_id, ''server'', NEW.server, ''reason'', NEW.refusal,
                ''address'', NULLIF(NEW.address, ''''))
            FROM %1$I.streams WHERE id = NEW.stream_id;
            RETURN NULL;
        END $function$', home);

    EXECUTE format('CREATE OR REPLACE FUNCTION %1$I.stream_schedules_tell() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
        DECLARE
            kind TEXT;
            numbers regclass := pg_get_serial_sequence(''%1$I.stream_schedules'', ''id'');
        BEGIN
            IF TG_OP = ''INSERT'' THEN
                IF numbers IS NOT NULL AND NEW.id > COALESCE(pg_sequence_last_value(numbers), 0) THEN
                    RETURN NULL;
                END IF;
                kind := ''schedule.created'';
            ELSIF OLD.canceled_at IS NULL AND NEW.canceled_at IS NOT NULL THEN
                kind := ''schedule.canceled'';
            ELSIF OLD.revision <> NEW.revision THEN
                kind := ''schedule.updated'';
            -- The domain''s Schedule::stream_at: one that ended before the time was a rehearsal.
            ELSIF OLD.settled_at IS NULL AND NEW.settled_at IS NOT NULL AND NOT EXISTS (
                SELECT FROM %1$I.streams AS last WHERE last.id = (
                    SELECT max(own.id) FROM %1$I.scheduled_streams AS taken
                    JOIN %1$I.streams AS own ON own.id = taken.stream_id WHERE taken.schedule_id = NEW.id)
                AND CASE last.status WHEN ''stopped'' THEN last.updated_at ELSE last.expires_at END >= NEW.starts_at)
            THEN
                kind := ''schedule.missed'';
            ELSE
                RETURN NULL;
            END IF;
            INSERT INTO %1$I.stream_events (type, user_id, data)
            VALUES (kind, NEW.user_id, json_build_object(''schedule_id'', NEW.id,
                ''starts_at'', to_json(NEW.starts_at) #>> ''{}'' || ''Z'',
                ''ends_at'', to_json(NEW.ends_at) #>> ''{}'' || ''Z''));
            RETURN NULL;
        END $function$', home);

    -- As before, and the end is told.
    EXECUTE format('CREATE OR REPLACE FUNCTION %1$I.streams_cut_publisher() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
        BEGIN
            IF TG_OP = ''DELETE'' THEN
                UPDATE %1$I.publish_sessions SET cut_because = ''deleted''
                WHERE stream_id = OLD.id AND ended_at IS NULL;
                IF OLD.status = ''active'' THEN
                    INSERT INTO %1$I.stream_events (type, user_id, stream_id, data)
                    VALUES (''stream.stopped'', OLD.user_id, OLD.id, json_build_object(''stream_id'', OLD.id,
                        ''playback_id'', OLD.playback_id, ''reason'', ''deleted''));
                END IF;
                DELETE FROM %1$I.live_streams WHERE stream_id = OLD.id;
                DELETE FROM %1$I.stream_details WHERE stream_id = OLD.id;
                DELETE FROM %1$I.stream_terms WHERE stream_id = OLD.id;
                DELETE FROM %1$I.scheduled_streams WHERE stream_id = OLD.id;
            ELSE
                UPDATE %1$I.publish_sessions SET
                    cut_because = CASE WHEN NEW.status = ''active'' THEN cut_because
                        WHEN NEW.status = ''expired'' THEN ''expired'' ELSE ''stopped'' END,
                    key_expires_at = COALESCE(NEW.expires_at, key_expires_at)
                WHERE stream_id = NEW.id AND ended_at IS NULL;
                -- After its session is locked: what is told of that comes before.
                IF OLD.status = ''active'' AND NEW.status <> ''active'' THEN
                    INSERT INTO %1$I.stream_events (type, user_id, stream_id, data)
                    SELECT ''stream.'' || word, OLD.user_id, OLD.id, json_build_object(''stream_id'', OLD.id,
                        ''playback_id'', OLD.playback_id, ''reason'', word)
                    FROM (SELECT CASE NEW.status WHEN ''expired'' THEN ''expired'' ELSE ''stopped'' END AS word) AS how;
                END IF;
                IF NEW.status <> ''active'' THEN
                    DELETE FROM %1$I.live_streams WHERE stream_id = NEW.id;
                    DELETE FROM %1$I.stream_terms WHERE stream_id = NEW.id;
                END IF;
            END IF;
            RETURN NULL;
        END $function$', home);

    -- Those who are live now are told of, so that each end in the log has a beginning.
    IF NOT EXISTS (SELECT FROM pg_trigger
                   WHERE tgrelid = to_regclass('publish_sessions') AND tgname = 'publish_sessions_tell') THEN
        EXECUTE format('WITH live AS (
            INSERT INTO %1$I.live_streams (stream_id, user_id, playback_id, session_id, epoch, live_since)
            SELECT s.id, s.user_id, s.playback_id, p.id, p.epoch, p.live_since
            FROM %1$I.publish_sessions AS p JOIN %1$I.streams AS s ON s.id = p.stream_id
            WHERE p.ended_at IS NULL AND p.confirmed_at IS NOT NULL AND p.stalled_until IS NULL AND s.status = ''active''
            ON CONFLICT (stream_id) DO NOTHING RETURNING session_id)
        INSERT INTO %1$I.stream_events (type, user_id, stream_id, data)
        SELECT ''stream.live'', s.user_id, s.id, json_build_object(''stream_id'', s.id, ''playback_id'', s.playback_id,
            ''server'', p.server, ''protocol'', p.protocol,
            ''live_since'', to_json(p.live_since) #>> ''{}'' || ''Z'')
        FROM live JOIN %1$I.publish_sessions AS p ON p.id = live.session_id JOIN %1$I.streams AS s ON s.id = p.stream_id', home);
    END IF;

    FOR taken IN SELECT format('CREATE TRIGGER %1$I %2$s FOR EACH ROW %3$s EXECUTE FUNCTION %4$I.%5$I()',
            name, act, condition, home, function)
        FROM (VALUES
            ('streams', 'streams_tell_start', 'streams_tell_start', 'AFTER INSERT ON streams', 'WHEN (NEW.status = ''active'')'),
            ('publish_sessions', 'publish_sessions_tell', 'publish_sessions_tell',
                'AFTER UPDATE OF confirmed_at, ended_at, stalled_until ON publish_sessions',
                'WHEN (NEW.confirmed_at IS NOT NULL AND (OLD.confirmed_at IS NULL
                    OR (OLD.ended_at IS NULL) <> (NEW.ended_at IS NULL)
                    OR (OLD.stalled_until IS NULL) <> (NEW.stalled_until IS NULL)))'),
            ('publish_sessions', 'publish_sessions_tell_start', 'publish_sessions_tell',
                'AFTER INSERT ON publish_sessions', 'WHEN (NEW.confirmed_at IS NOT NULL AND NEW.ended_at IS NULL)'),
            ('live_streams', 'live_streams_tell', 'live_streams_tell', 'AFTER DELETE ON live_streams', ''),
            ('publish_attempts', 'publish_attempts_tell', 'publish_attempts_tell',
                'AFTER UPDATE OF last_at ON publish_attempts', 'WHEN (NEW.last_at >= OLD.last_at + INTERVAL ''1 minute'')'),
            ('publish_attempts', 'publish_attempts_tell_start', 'publish_attempts_tell',
                'AFTER INSERT ON publish_attempts', ''),
            ('stream_schedules', 'stream_schedules_tell', 'stream_schedules_tell',
                'AFTER INSERT OR UPDATE OF canceled_at, revision, settled_at ON stream_schedules', '')
        ) AS wanted (owner, name, function, act, condition)
        WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = to_regclass(owner) AND tgname = name)
    LOOP
        EXECUTE taken;
    END LOOP;
END
$$;
ALTER TABLE streams ENABLE TRIGGER streams_tell_start;
ALTER TABLE publish_sessions ENABLE TRIGGER publish_sessions_tell, ENABLE TRIGGER publish_sessions_tell_start;
ALTER TABLE live_streams ENABLE TRIGGER live_streams_tell;
ALTER TABLE publish_attempts ENABLE TRIGGER publish_attempts_tell, ENABLE TRIGGER publish_attempts_tell_start;
ALTER TABLE stream_schedules ENABLE TRIGGER stream_schedules_tell;

-- What has no position yet; the order that everybody reads in; each user's part of it; and what is looked over.
CREATE INDEX IF NOT EXISTS stream_events_to_sequence ON stream_events (id) WHERE position IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS stream_events_by_position ON stream_events (position) WHERE position IS NOT NULL;
CREATE INDEX IF NOT EXISTS stream_events_by_user ON stream_events (user_id, position) WHERE position IS NOT NULL;
CREATE INDEX IF NOT EXISTS live_streams_away ON live_streams (left_at) WHERE left_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS stream_schedules_to_settle ON stream_schedules (ends_at)
WHERE settled_at IS NULL AND canceled_at IS NULL;
