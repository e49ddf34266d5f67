WITH pending AS (
    SELECT d.position, w.failing_since IS NULL AND d.tries = 0 AS is_new FROM stream_webhook_deliveries AS d JOIN stream_webhooks AS w ON w.id = d.webhook_id
    WHERE d.state = 'pending' AND w.disabled_at IS NULL
)
SELECT (SELECT count(*) FROM stream_webhooks WHERE disabled_at IS NULL),
    (SELECT count(*) FROM stream_webhooks WHERE disabled_at IS NOT NULL AND disabled_because <> 'owner'),
    (SELECT count(*) FROM pending),
    (SELECT at FROM stream_events WHERE position = (SELECT min(position) FROM pending WHERE is_new))
