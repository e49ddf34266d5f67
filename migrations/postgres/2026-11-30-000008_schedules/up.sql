-- Effect: add the tables stream_schedules and scheduled_streams, and have the functions streams_take_details and streams_cut_publisher keep them
-- As with details, streams is neither changed nor locked.
DO $$
DECLARE
    home name := (SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                  WHERE pg_class.oid = to_regclass('streams'));
    taken TEXT;
BEGIN
    -- A table that is another's is left alone, and with it everything that this migration would change.
    FOR taken IN SELECT owner FROM (VALUES ('stream_schedules', 'taken_from'), ('scheduled_streams', 'schedule_id')) AS made (owner, mark)
        WHERE to_regclass(owner) IS NOT NULL AND NOT EXISTS (
            SELECT FROM pg_attribute WHERE attrelid = to_regclass(owner) AND attname = mark)
    LOOP
        RAISE EXCEPTION 'the table % is not of this service; rename it, and migrate again', taken;
    END LOOP;

    -- The details as in channels. A new key takes a schedule from taken_from to ends_at.
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I.stream_schedules (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        user_id INTEGER NOT NULL,
        starts_at TIMESTAMP NOT NULL,
        ends_at TIMESTAMP NOT NULL,
        taken_from TIMESTAMP NOT NULL,
        time_zone TEXT,
        title TEXT,
        description TEXT,
        tags TEXT NOT NULL,
        category TEXT,
        language TEXT,
        content_labels TEXT NOT NULL,
        visibility TEXT NOT NULL,
        terms TEXT NOT NULL,
        canceled_at TIMESTAMP,
        created_at TIMESTAMP NOT NULL,
        updated_at TIMESTAMP NOT NULL,
        revision INTEGER NOT NULL
    )', home);
    -- Which schedule a stream began for. A start that is refused at the last moment may leave a row of a stream that is not there.
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I.scheduled_streams (
        stream_id INTEGER PRIMARY KEY,
        schedule_id BIGINT NOT NULL
    )', home);
    -- A table that was restored without its keys gets them again.
    IF NOT EXISTS (SELECT FROM pg_index WHERE indrelid = to_regclass('stream_schedules') AND indisprimary) THEN
        ALTER TABLE stream_schedules ADD PRIMARY KEY (id);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_index WHERE indrelid = to_regclass('scheduled_streams') AND indisprimary) THEN
        ALTER TABLE scheduled_streams ADD PRIMARY KEY (stream_id);
    END IF;
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('stream_schedules') AND attname = 'id'
               AND NOT atthasdef AND attidentity = '') THEN
        ALTER TABLE stream_schedules ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY;
    END IF;
    PERFORM setval(numbers, last) FROM (
        SELECT pg_get_serial_sequence('stream_schedules', 'id')::regclass AS numbers, max(id) AS last FROM stream_schedules) AS used
    WHERE numbers IS NOT NULL AND last > COALESCE(pg_sequence_last_value(numbers), 0);

    -- A stream takes the schedule that is current, and begins with what that says, or else its channel; whoever writes it.
    -- In the rights of this service, since an earlier one may have none on these tables.
    -- Where another stream is active, this one will not be stored.
    EXECUTE format('CREATE OR REPLACE FUNCTION %1$I.streams_take_details(stream INTEGER, owner INTEGER, created TIMESTAMP)
        RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
        DECLARE
            instant TIMESTAMP := COALESCE(created, timezone(''UTC'', clock_timestamp()));
            said RECORD;
        BEGIN
            -- For the trigger alone: anybody may call it, since anybody may write streams.
            IF pg_trigger_depth() = 0 THEN
                RAISE EXCEPTION ''streams_take_details is called by the trigger streams_make_room'';
            END IF;
            IF EXISTS (SELECT FROM %1$I.streams WHERE user_id = owner AND status = ''active'') THEN
                RETURN;
            END IF;
            SELECT id, title, description, tags, category, language, content_labels, visibility, terms INTO said
            FROM %1$I.stream_schedules AS planned
            WHERE user_id = owner AND canceled_at IS NULL AND taken_from <= instant AND ends_at > instant
            -- One whose stream has ended in its time comes after others: Schedule::is_taken_at, HasEnded.
            ORDER BY EXISTS (
                SELECT FROM %1$I.streams AS last WHERE last.id = (
                    SELECT max(own.id) FROM %1$I.scheduled_streams AS taken
                    JOIN %1$I.streams AS own ON own.id = taken.stream_id WHERE taken.schedule_id = planned.id)
                AND last.status <> ''active'' AND last.updated_at >= planned.starts_at), starts_at, id LIMIT 1;
            IF FOUND THEN
                INSERT INTO %1$I.scheduled_streams (stream_id, schedule_id) VALUES (stream, said.id)
                ON CONFLICT (stream_id) DO NOTHING;
            ELSE
                SELECT title, description, tags, category, language, content_labels, visibility, terms INTO said
                FROM %1$I.channels WHERE user_id = owner;
                IF NOT FOUND THEN
                    RETURN;
                END IF;
            END IF;
            INSERT INTO %1$I.stream_details
                (stream_id, title, description, tags, category, language, content_labels, visibility)
            VALUES (stream, said.title, said.description, said.tags, said.category, said.language,
                said.content_labels, said.visibility)
            ON CONFLICT (stream_id) DO NOTHING;
            IF FOUND THEN
                INSERT INTO %1$I.stream_terms (stream_id, term, created_at)
                SELECT stream, term, COALESCE(created, ''-infinity'')
                FROM unnest(string_to_array(said.terms, '' '')) AS term
                ON CONFLICT (stream_id, term) DO NOTHING;
            END IF;
        END $function$', home);

    -- As before, and a stream that is deleted leaves its schedule.
    EXECUTE format('CREATE OR REPLACE FUNCTION %1$I.streams_cut_publisher() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
        BEGIN
            IF TG_OP = ''DELETE'' THEN
                UPDATE %1$I.publish_sessions SET cut_because = ''deleted''
                WHERE stream_id = OLD.id AND ended_at IS NULL;
                DELETE FROM %1$I.stream_details WHERE stream_id = OLD.id;
                DELETE FROM %1$I.stream_terms WHERE stream_id = OLD.id;
                DELETE FROM %1$I.scheduled_streams WHERE stream_id = OLD.id;
            ELSE
                UPDATE %1$I.publish_sessions SET
                    cut_because = CASE WHEN NEW.status = ''active'' THEN cut_because
                        WHEN NEW.status = ''expired'' THEN ''expired'' ELSE ''stopped'' END,
                    key_expires_at = COALESCE(NEW.expires_at, key_expires_at)
                WHERE stream_id = NEW.id AND ended_at IS NULL;
                IF NEW.status <> ''active'' THEN
                    DELETE FROM %1$I.stream_terms WHERE stream_id = NEW.id;
                END IF;
            END IF;
            RETURN NULL;
        END $function$', home);
END
$$;

-- What lists read: of everybody and of one user, soonest first; what is forgotten; and the streams of a schedule.
CREATE INDEX IF NOT EXISTS stream_schedules_soonest_first ON stream_schedules (starts_at, id);
CREATE INDEX IF NOT EXISTS stream_schedules_by_user ON stream_schedules (user_id, starts_at, id);
CREATE INDEX IF NOT EXISTS stream_schedules_by_end ON stream_schedules (ends_at);
CREATE INDEX IF NOT EXISTS scheduled_streams_by_schedule ON scheduled_streams (schedule_id, stream_id);
