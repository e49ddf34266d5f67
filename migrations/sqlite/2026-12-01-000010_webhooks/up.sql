-- Endpoints that events are delivered to. Nothing of one is due before due_at.
CREATE TABLE stream_webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER,
    url TEXT NOT NULL,
    types TEXT NOT NULL,
    description TEXT,
    secret TEXT NOT NULL,
    previous_secret TEXT,
    previous_until TEXT,
    disabled_at TEXT,
    disabled_because TEXT,
    failing_since TEXT,
    replay_after INTEGER,
    replay_to INTEGER,
    due_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
-- What is to be delivered, and what was. A sender that takes one puts its next_at off; 1970 is at once.
CREATE TABLE stream_webhook_deliveries (
    webhook_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    next_at TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (webhook_id, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE stream_webhook_attempts (
    webhook_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    at TEXT NOT NULL,
    status INTEGER,
    error TEXT,
    duration_ms INTEGER NOT NULL,
    answer TEXT NOT NULL,
    PRIMARY KEY (webhook_id, position, at)
) STRICT, WITHOUT ROWID;

CREATE INDEX stream_webhooks_by_user ON stream_webhooks (user_id);
CREATE INDEX stream_webhooks_due ON stream_webhooks (due_at) WHERE due_at IS NOT NULL AND disabled_at IS NULL;
CREATE INDEX stream_webhooks_to_replay ON stream_webhooks (id) WHERE replay_after IS NOT NULL;
CREATE INDEX stream_webhook_deliveries_due ON stream_webhook_deliveries (webhook_id, next_at, position)
WHERE state = 'pending';
CREATE INDEX stream_webhook_deliveries_by_position ON stream_webhook_deliveries (position);

-- Who wants an event gets it: its user, and the operator; a test is for one endpoint.
CREATE TRIGGER stream_events_fan_out AFTER INSERT ON stream_events
FOR EACH ROW
BEGIN
    INSERT OR IGNORE INTO stream_webhook_deliveries (webhook_id, position, next_at)
    SELECT id, NEW.position, '1970-01-01 00:00:00.000000' FROM stream_webhooks
    WHERE (user_id = NEW.user_id OR user_id IS NULL) AND disabled_at IS NULL
    AND CASE WHEN NEW.type = 'webhook.test' THEN NEW.data = '{"webhook_id":' || id || '}'
        ELSE types = '' OR instr(',' || types || ',', ',' || NEW.type || ',') > 0 END;
    UPDATE stream_webhooks SET due_at = '1970-01-01 00:00:00.000000'
    WHERE (user_id = NEW.user_id OR user_id IS NULL)
    AND EXISTS (SELECT 1 FROM stream_webhook_deliveries WHERE webhook_id = stream_webhooks.id AND position = NEW.position);
END;
CREATE TRIGGER stream_webhooks_tell AFTER UPDATE OF disabled_at ON stream_webhooks
FOR EACH ROW WHEN OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL
BEGIN
    INSERT INTO stream_events (type, user_id, data)
    VALUES ('webhook.disabled', NEW.user_id, json_object('webhook_id', NEW.id, 'reason', NEW.disabled_because));
END;
