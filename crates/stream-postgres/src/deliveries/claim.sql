-- $1 these endpoints, which are locked, $2 what is due by now, $3 is put off to then, $4 at most so many of each.
-- A statement of its own, so that it sees what was committed before the endpoints were locked.
WITH due AS MATERIALIZED (
    SELECT next.webhook_id, next.position FROM stream_webhooks AS w CROSS JOIN LATERAL (
        SELECT d.webhook_id, d.position FROM stream_webhook_deliveries AS d
        WHERE d.webhook_id = w.id AND d.state = 'pending' AND d.next_at <= $2
        ORDER BY d.next_at, d.position
        LIMIT CASE WHEN w.failing_since IS NULL THEN $4 ELSE 1 END FOR UPDATE SKIP LOCKED
    ) AS next WHERE w.id = ANY($1)
),
taken AS (
    UPDATE stream_webhook_deliveries AS d SET next_at = $3 FROM due
    WHERE d.webhook_id = due.webhook_id AND d.position = due.position
    RETURNING d.webhook_id, d.position, d.tries
)
SELECT taken.webhook_id, taken.tries, e.position, e.type, e.user_id, e.stream_id, e.at, e.data
FROM taken JOIN stream_events AS e ON e.position = taken.position ORDER BY taken.webhook_id, taken.position
