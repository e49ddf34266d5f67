-- Effect: let the defaults of streams.created_at and streams.updated_at be UTC, whatever the writer's time zone
-- Times are UTC without a zone, whatever zone the database, a role or a writer has.
-- The defaults are changed in the catalogue alone, but readers are locked out for that moment; so it was done before, in
-- short tries, and there is nothing left to lock for.
SET LOCAL lock_timeout = '3s';
DO $$
DECLARE
    local_column name;
BEGIN
    FOR local_column IN
        SELECT attname FROM pg_attribute JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attrelid = to_regclass('streams') AND attname IN ('created_at', 'updated_at')
        AND atttypid = 'timestamp'::regtype
        AND pg_get_expr(adbin, adrelid) ~* '(now|_timestamp|localtimestamp)'
        AND pg_get_expr(adbin, adrelid) !~* '(timezone|at time zone)'
    LOOP
        EXECUTE format('ALTER TABLE streams ALTER COLUMN %I SET DEFAULT timezone(''UTC'', now())', local_column);
    END LOOP;
END
$$;

-- As before, and a writer that gives its own zone's now() is understood as it means it.
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
    RETURN NEW;
END
$$;

-- A session that is restored from a dump brings its number along; the stop of its stream is not missed by it, and its
-- stream may be restored after it. Only one that begins here draws its number here.
DO $$
DECLARE
    home name := (SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                  WHERE pg_class.oid = to_regclass('publish_sessions'));
BEGIN
    EXECUTE format('CREATE OR REPLACE FUNCTION %1$I.publish_sessions_heed_stops() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
        DECLARE
            drawn BIGINT;
        BEGIN
            PERFORM FROM %1$I.streams WHERE id = NEW.stream_id AND status = ''active'' FOR SHARE;
            IF NOT FOUND THEN
                BEGIN
                    drawn := currval(pg_get_serial_sequence(''%1$I.publish_sessions'', ''id''));
                EXCEPTION WHEN object_not_in_prerequisite_state THEN
                    -- No number was drawn on this connection.
                    drawn := NULL;
                END;
                IF drawn = NEW.id THEN
                    NEW.cut_because := ''stopped'';
                END IF;
            END IF;
            RETURN NEW;
        END $function$', home);
END
$$;
