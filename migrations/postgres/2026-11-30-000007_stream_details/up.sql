-- Effect: add the tables channels, stream_details and stream_terms, and have the functions streams_make_room and streams_cut_publisher keep them
-- Tables of their own, so that streams is neither changed nor locked: its triggers call functions, and these are replaced.
DO $$
DECLARE
    home name := (SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                  WHERE pg_class.oid = to_regclass('streams'));
    taken TEXT;
BEGIN
    -- A table that is another's is left alone, and with it everything that this migration would change.
    FOR taken IN SELECT owner FROM (VALUES ('channels', 'content_labels'), ('stream_details', 'content_labels'), ('stream_terms', 'term')) AS made (owner, mark)
        WHERE to_regclass(owner) IS NOT NULL AND NOT EXISTS (
            SELECT FROM pg_attribute WHERE attrelid = to_regclass(owner) AND attname = mark)
    LOOP
        RAISE EXCEPTION 'the table % is not of this service; rename it, and migrate again', taken;
    END LOOP;

    -- Tags, labels and terms have no blanks, and are separated by them.
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I.channels (
        user_id INTEGER PRIMARY KEY,
        title TEXT,
        description TEXT,
        tags TEXT NOT NULL,
        category TEXT,
        language TEXT,
        content_labels TEXT NOT NULL,
        visibility TEXT NOT NULL,
        terms TEXT NOT NULL,
        updated_at TIMESTAMP NOT NULL
    )', home);
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I.stream_details (
        stream_id INTEGER PRIMARY KEY,
        title TEXT,
        description TEXT,
        tags TEXT NOT NULL,
        category TEXT,
        language TEXT,
        content_labels TEXT NOT NULL,
        visibility TEXT NOT NULL
    )', home);
    -- What active, public streams are found by; ordered by bytes, whatever the database''s collation.
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I.stream_terms (
        stream_id INTEGER NOT NULL,
        term TEXT COLLATE "C" NOT NULL,
        created_at TIMESTAMP NOT NULL,
        PRIMARY KEY (stream_id, term)
    )', home);
    -- A table that was restored without its keys gets them again.
    IF NOT EXISTS (SELECT FROM pg_index WHERE indrelid = to_regclass('channels') AND indisprimary) THEN
        ALTER TABLE channels ADD PRIMARY KEY (user_id);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_index WHERE indrelid = to_regclass('stream_details') AND indisprimary) THEN
        ALTER TABLE stream_details ADD PRIMARY KEY (stream_id);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_index WHERE indrelid = to_regclass('stream_terms') AND indisprimary) THEN
        ALTER TABLE stream_terms ADD PRIMARY KEY (stream_id, term);
    END IF;

    -- A stream begins with what its user's channel says, whoever writes it.
    -- In the rights of this service, since an earlier one may have none on these tables.
    -- Where another stream is active, this one will not be stored.
    EXECUTE format('CREATE OR REPLACE FUNCTION %1$I.streams_take_details(stream INTEGER, owner INTEGER, created TIMESTAMP)
        RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
        BEGIN
            -- For the trigger alone: anybody may call it, since anybody may write streams.
            IF pg_trigger_depth() = 0 THEN
                RAISE EXCEPTION ''streams_take_details is called by the trigger streams_make_room'';
            END IF;
            INSERT INTO %1$I.stream_details
                (stream_id, title, description, tags, category, language, content_labels, visibility)
            SELECT stream, title, description, tags, category, language, content_labels, visibility
            FROM %1$I.channels WHERE user_id = owner
            AND NOT EXISTS (SELECT FROM %1$I.streams WHERE user_id = owner AND status = ''active'')
            ON CONFLICT (stream_id) DO NOTHING;
            IF FOUND THEN
                INSERT INTO %1$I.stream_terms (stream_id, term, created_at)
                SELECT stream, term, COALESCE(created, ''-infinity'')
                FROM %1$I.channels CROSS JOIN unnest(string_to_array(terms, '' '')) AS term
                WHERE user_id = owner
                ON CONFLICT (stream_id, term) DO NOTHING;
            END IF;
        END $function$', home);

    -- Whatever the default privileges of functions are here.
    EXECUTE format('GRANT EXECUTE ON FUNCTION %I.streams_take_details(INTEGER, INTEGER, TIMESTAMP) TO PUBLIC', home);

    -- As before, and a stream that ends is found no longer.
    EXECUTE format('CREATE OR REPLACE FUNCTION %1$I.streams_cut_publisher() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
        BEGIN
            IF TG_OP = ''DELETE'' THEN
                UPDATE %1$I.publish_sessions SET cut_because = ''deleted''
                WHERE stream_id = OLD.id AND ended_at IS NULL;
                DELETE FROM %1$I.stream_details WHERE stream_id = OLD.id;
                DELETE FROM %1$I.stream_terms WHERE stream_id = OLD.id;
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

-- What lists of a term read, newest first.
CREATE INDEX IF NOT EXISTS stream_terms_newest_first ON stream_terms (term, created_at DESC, stream_id DESC);

-- As before, and the stream begins with what its channel says.
CREATE OR REPLACE FUNCTION streams_make_room() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ahead INTERVAL := LOCALTIMESTAMP - timezone('UTC', now());
    instant TIMESTAMP;
BEGIN
    IF NEW.created_at = LOCALTIMESTAMP THEN
        NEW.created_at := NEW.created_at - ahead;
        IF NEW.updated_at = LOCALTIMESTAMP THEN
            NEW.updated_at := NEW.updated_at - ahead;
        END IF;
        -- Nobody but who adds to now() comes out at whole seconds after it.
        IF date_trunc('second', NEW.expires_at - LOCALTIMESTAMP) = NEW.expires_at - LOCALTIMESTAMP THEN
            NEW.expires_at := NEW.expires_at - ahead;
        END IF;
    END IF;
    instant := COALESCE(NEW.created_at, timezone('UTC', clock_timestamp()));
    NEW.expires_at := COALESCE(NEW.expires_at, instant + INTERVAL '24 hours');
    EXECUTE format(
        'UPDATE %I.%I SET status = ''expired'', updated_at = $1
         WHERE user_id = $2 AND status = ''active'' AND (expires_at <= $1 OR expires_at IS NULL)',
        TG_TABLE_SCHEMA, TG_TABLE_NAME) USING instant, NEW.user_id;
    IF NEW.status = 'active' THEN
        EXECUTE format('SELECT %I.streams_take_details($1, $2, $3)', TG_TABLE_SCHEMA)
            USING NEW.id, NEW.user_id, NEW.created_at;
    END IF;
    RETURN NEW;
END
$$;
