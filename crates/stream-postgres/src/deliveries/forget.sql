-- $1 limit.
-- Of events that are no more, by the index of positions; and of endpoints that are no more, of which the index of the
-- primary key has one entry after another looked at.
WITH gone AS (
    DELETE FROM stream_webhook_deliveries WHERE (webhook_id, position) IN (
        (SELECT webhook_id, position FROM stream_webhook_deliveries
         WHERE position < (SELECT min(position) FROM stream_events WHERE position IS NOT NULL) LIMIT $1)
        UNION ALL
        (SELECT d.webhook_id, d.position FROM (
             WITH RECURSIVE owners AS (
                 SELECT min(webhook_id) AS id FROM stream_webhook_deliveries
                 UNION ALL
                 SELECT (SELECT min(webhook_id) FROM stream_webhook_deliveries WHERE webhook_id > owners.id)
                 FROM owners WHERE owners.id IS NOT NULL)
             SELECT id FROM owners WHERE id IS NOT NULL AND NOT EXISTS (
                 SELECT FROM stream_webhooks WHERE stream_webhooks.id = owners.id)
         ) AS orphans JOIN stream_webhook_deliveries AS d ON d.webhook_id = orphans.id
         WHERE d.position >= COALESCE((SELECT min(position) FROM stream_events WHERE position IS NOT NULL), 0) LIMIT $1)
        LIMIT $1)
    RETURNING webhook_id, position
),
tried AS (
    DELETE FROM stream_webhook_attempts USING gone
    WHERE stream_webhook_attempts.webhook_id = gone.webhook_id AND stream_webhook_attempts.position = gone.position
)
SELECT count(*) FROM gone
