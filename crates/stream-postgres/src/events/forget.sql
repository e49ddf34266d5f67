-- $1 what was written before this, $2 limit, $3 what is spared was written at or after this.
-- Always a beginning of the log: what stands behind an event that is kept is kept too, and so is the last one, which
-- tells the next position.
WITH first AS MATERIALIZED (
    SELECT position, at FROM stream_events WHERE position IS NOT NULL ORDER BY position LIMIT $2
),
kept AS MATERIALIZED (
    SELECT min(position) AS position FROM first
    WHERE at >= $1
    OR (at >= $3 AND position >= (
        SELECT min(d.position) FROM stream_webhook_deliveries AS d JOIN stream_webhooks AS w ON w.id = d.webhook_id
        WHERE d.state = 'pending' AND w.disabled_at IS NULL))
    OR position = (SELECT max(position) FROM stream_events WHERE position IS NOT NULL)
)
DELETE FROM stream_events USING first, kept
WHERE stream_events.position = first.position AND (kept.position IS NULL OR first.position < kept.position)
