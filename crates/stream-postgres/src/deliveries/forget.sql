-- $1 limit.
WITH gone AS (
    DELETE FROM stream_webhook_deliveries WHERE (webhook_id, position) IN (
        SELECT webhook_id, position FROM stream_webhook_deliveries
        WHERE position < (SELECT min(position) FROM stream_events WHERE position IS NOT NULL)
        OR NOT EXISTS (SELECT FROM stream_webhooks WHERE id = webhook_id)
        LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING webhook_id, position
),
tried AS (
    DELETE FROM stream_webhook_attempts USING gone
    WHERE stream_webhook_attempts.webhook_id = gone.webhook_id AND stream_webhook_attempts.position = gone.position
)
SELECT count(*) FROM gone
