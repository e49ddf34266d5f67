-- Effect: add the table stream_blocked_users, and the trigger streams_heed_blocks, by which a stream of a blocked user begins as a stopped one
-- The trigger is added in the catalogue alone, but writers wait for that moment; so it is given up soon and tried again
-- later where a long transaction is in the way.
SET LOCAL lock_timeout = '200ms';
DO $$
DECLARE
    home name := (SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                  WHERE pg_class.oid = to_regclass('streams'));
BEGIN
    -- A table that is another's is left alone, and with it everything that this migration would change.
    IF to_regclass('stream_blocked_users') IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = to_regclass('stream_blocked_users') AND attname = 'blocked_at')
    THEN
        RAISE EXCEPTION 'the table stream_blocked_users is not of this service; rename it, and migrate again';
    END IF;

    -- Users who may not stream, in this service or the earlier one. Users are the platform's, so nothing is referenced.
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I.stream_blocked_users (
        user_id INTEGER PRIMARY KEY,
        reason TEXT,
        blocked_at TIMESTAMP NOT NULL
    )', home);
    -- A table that was restored without its key gets it again.
    IF NOT EXISTS (SELECT FROM pg_index WHERE indrelid = to_regclass('stream_blocked_users') AND indisprimary) THEN
        ALTER TABLE stream_blocked_users ADD PRIMARY KEY (user_id);
    END IF;

    -- Whoever writes it, a stream of a blocked user is stopped from its beginning, so its key never admits anybody. An
    -- error instead would undo whatever else the earlier service does in its transaction.
    -- It acts in the rights of this service, since an earlier one may have none on this table.
    EXECUTE format('CREATE OR REPLACE FUNCTION %1$I.streams_heed_blocks() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
        BEGIN
            IF TG_OP = ''UPDATE'' THEN
                -- One that stays active was there when its user was blocked, and is stopped by that.
                IF OLD.status = ''active'' AND OLD.user_id IS NOT DISTINCT FROM NEW.user_id THEN
                    RETURN NEW;
                END IF;
            END IF;
            IF current_setting(''transaction_isolation'') IN (''repeatable read'', ''serializable'') THEN
                -- What is read here may be from before the block, but the key is that of now: a block that this
                -- transaction cannot see fails it, to be tried again, and one that is under way waits for its end.
                INSERT INTO %1$I.stream_blocked_users (user_id, blocked_at)
                VALUES (NEW.user_id, ''-infinity'') ON CONFLICT (user_id) DO NOTHING;
                IF FOUND THEN
                    DELETE FROM %1$I.stream_blocked_users WHERE user_id = NEW.user_id;
                    RETURN NEW;
                END IF;
            ELSE
                -- A block that is under way is waited for, and waits for this transaction; `bloc` in ASCII.
                PERFORM pg_advisory_xact_lock_shared(1651273571, NEW.user_id);
                IF NOT EXISTS (SELECT FROM %1$I.stream_blocked_users WHERE user_id = NEW.user_id) THEN
                    RETURN NEW;
                END IF;
            END IF;
            NEW.status := ''stopped'';
            RETURN NEW;
        END $function$', home);

    IF NOT EXISTS (SELECT FROM pg_trigger
                   WHERE tgrelid = to_regclass('streams') AND tgname = 'streams_heed_blocks') THEN
        EXECUTE format('CREATE TRIGGER streams_heed_blocks BEFORE INSERT OR UPDATE OF status, user_id ON streams
            FOR EACH ROW WHEN (NEW.status = ''active'' AND NEW.user_id IS NOT NULL)
            EXECUTE FUNCTION %I.streams_heed_blocks()', home);
    END IF;
END
$$;
ALTER TABLE streams ENABLE TRIGGER streams_heed_blocks;
