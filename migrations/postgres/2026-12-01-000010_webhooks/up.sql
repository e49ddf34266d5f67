-- Effect: add the tables stream_webhooks, stream_webhook_deliveries and stream_webhook_attempts, and triggers that make an event's deliveries and tell of endpoints that are switched off
-- The trigger on stream_events is added in the catalogue alone, but whoever writes an event waits for that moment; so it is
-- given up soon and tried again later where a long transaction is in the way.
SET LOCAL lock_timeout = '200ms';
DO $$
DECLARE
    home name := (SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                  WHERE pg_class.oid = to_regclass('streams'));
    taken TEXT;
BEGIN
    -- A table that is another's is left alone, and with it everything that this migration would change.
    FOR taken IN SELECT owner FROM (VALUES ('stream_webhooks', 'due_at'), ('stream_webhook_deliveries', 'next_at'),
            ('stream_webhook_attempts', 'answer')) AS made (owner, mark)
        WHERE to_regclass(owner) IS NOT NULL AND NOT EXISTS (
            SELECT FROM pg_attribute WHERE attrelid = to_regclass(owner) AND attname = mark)
    LOOP
        RAISE EXCEPTION 'the table % is not of this service; rename it, and migrate again', taken;
    END LOOP;

    -- Endpoints that events are delivered to. Nothing of one is due before due_at.
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I.stream_webhooks (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        user_id INTEGER,
        url TEXT NOT NULL,
        types TEXT NOT NULL,
        description TEXT,
        secret TEXT NOT NULL,
        previous_secret TEXT,
        previous_until TIMESTAMP,
        disabled_at TIMESTAMP,
        disabled_because TEXT,
        failing_since TIMESTAMP,
        replay_after BIGINT,
        replay_to BIGINT,
        due_at TIMESTAMP,
        created_at TIMESTAMP NOT NULL,
        updated_at TIMESTAMP NOT NULL
    )', home);
    -- What is to be delivered, and what was. A sender that takes one puts its next_at off; 1970 is at once.
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I.stream_webhook_deliveries (
        webhook_id BIGINT NOT NULL,
        position BIGINT NOT NULL,
        state TEXT NOT NULL DEFAULT ''pending'',
        next_at TIMESTAMP NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (webhook_id, position)
    )', home);
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I.stream_webhook_attempts (
        webhook_id BIGINT NOT NULL,
        position BIGINT NOT NULL,
        at TIMESTAMP NOT NULL,
        status INTEGER,
        error TEXT,
        duration_ms INTEGER NOT NULL,
        answer TEXT NOT NULL,
        PRIMARY KEY (webhook_id, position, at)
    )', home);
    -- A table that was restored without its keys gets them again.
    IF NOT EXISTS (SELECT FROM pg_index WHERE indrelid = to_regclass('stream_webhooks') AND indisprimary) THEN
        ALTER TABLE stream_webhooks ADD PRIMARY KEY (id);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_index WHERE indrelid = to_regclass('stream_webhook_deliveries') AND indisprimary) THEN
        ALTER TABLE stream_webhook_deliveries ADD PRIMARY KEY (webhook_id, position);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_index WHERE indrelid = to_regclass('stream_webhook_attempts') AND indisprimary) THEN
        ALTER TABLE stream_webhook_attempts ADD PRIMARY KEY (webhook_id, position, at);
    END IF;
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('stream_webhooks') AND attname = 'id'
               AND NOT atthasdef AND attidentity = '') THEN
        ALTER TABLE stream_webhooks ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY;
    END IF;
    PERFORM setval(numbers, last) FROM (
        SELECT pg_get_serial_sequence('stream_webhooks', 'id')::regclass AS numbers, max(id) AS last FROM stream_webhooks) AS used
    WHERE numbers IS NOT NULL AND last > COALESCE(pg_sequence_last_value(numbers), 0);

    -- Who wants an event gets it once it has its position: its user, and the operator; a test is for one endpoint.
    -- due_at is written in any case: a sender that is about to write a later one is waited for.
    EXECUTE format('CREATE OR REPLACE FUNCTION %1$I.stream_events_fan_out() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
        BEGIN
            IF NOT EXISTS (SELECT FROM %1$I.stream_webhooks) THEN
                RETURN NULL;
            END IF;
            WITH fresh AS MATERIALIZED (
                SELECT told.position, told.type, told.user_id, told.data FROM told JOIN before ON before.id = told.id
                WHERE before.position IS NULL AND told.position IS NOT NULL
            ),
            made AS (
                INSERT INTO %1$I.stream_webhook_deliveries (webhook_id, position, next_at)
                SELECT own.id, fresh.position, TIMESTAMP ''1970-01-01''
                FROM fresh JOIN %1$I.stream_webhooks AS own ON own.user_id = fresh.user_id
                WHERE own.disabled_at IS NULL AND CASE WHEN fresh.type = ''webhook.test''
                    THEN regexp_replace(fresh.data, ''[^0-9]'', '''', ''g'') = own.id::text
                    ELSE own.types = '''' OR fresh.type = ANY (string_to_array(own.types, '','')) END
                UNION ALL
                SELECT operators.id, fresh.position, TIMESTAMP ''1970-01-01''
                FROM fresh JOIN %1$I.stream_webhooks AS operators ON operators.user_id IS NULL
                WHERE operators.disabled_at IS NULL AND fresh.type <> ''webhook.test''
                ON CONFLICT (webhook_id, position) DO NOTHING
                RETURNING webhook_id
            )
            UPDATE %1$I.stream_webhooks SET due_at = TIMESTAMP ''1970-01-01'' FROM made WHERE id = made.webhook_id;
            RETURN NULL;
        END $function$', home);

    EXECUTE format('CREATE OR REPLACE FUNCTION %1$I.stream_webhooks_tell() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
        BEGIN
            INSERT INTO %1$I.stream_events (type, user_id, data)
            VALUES (''webhook.disabled'', NEW.user_id,
                json_build_object(''webhook_id'', NEW.id, ''reason'', NEW.disabled_because));
            RETURN NULL;
        END $function$', home);

    FOR taken IN SELECT format('CREATE TRIGGER %1$I %2$s EXECUTE FUNCTION %3$I.%1$I()', name, act, home)
        FROM (VALUES
            ('stream_events', 'stream_events_fan_out', 'AFTER UPDATE ON stream_events
                REFERENCING OLD TABLE AS before NEW TABLE AS told FOR EACH STATEMENT'),
            ('stream_webhooks', 'stream_webhooks_tell', 'AFTER UPDATE OF disabled_at ON stream_webhooks
                FOR EACH ROW WHEN (OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL)')
        ) AS wanted (owner, name, act)
        WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = to_regclass(owner) AND tgname = name)
    LOOP
        EXECUTE taken;
    END LOOP;
END
$$;
ALTER TABLE stream_events ENABLE TRIGGER stream_events_fan_out;
ALTER TABLE stream_webhooks ENABLE TRIGGER stream_webhooks_tell;

CREATE INDEX IF NOT EXISTS stream_webhooks_by_user ON stream_webhooks (user_id);
CREATE INDEX IF NOT EXISTS stream_webhooks_due ON stream_webhooks (due_at) WHERE due_at IS NOT NULL AND disabled_at IS NULL;
CREATE INDEX IF NOT EXISTS stream_webhooks_to_replay ON stream_webhooks (id) WHERE replay_after IS NOT NULL;
CREATE INDEX IF NOT EXISTS stream_webhook_deliveries_due ON stream_webhook_deliveries (webhook_id, next_at, position)
WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS stream_webhook_deliveries_by_position ON stream_webhook_deliveries (position);
