-- $1 endpoint, $2 position, $3 when it was tried, $4 status, $5 error, $6 milliseconds, $7 answer,
-- $8 the state that follows, $9 when it is tried again, $10 why the endpoint is switched off, $11 now,
-- $12 when its owner had changed it last, $13 so many attempts are kept.
-- Of a delivery that is no more nothing is kept; one that was delivered meanwhile stays so.
WITH tried AS (
    INSERT INTO stream_webhook_attempts (webhook_id, position, at, status, error, duration_ms, answer)
    SELECT $1::bigint, $2::bigint, $3::timestamp, $4::bigint, $5, $6::bigint, $7
    WHERE EXISTS (SELECT FROM stream_webhook_deliveries WHERE webhook_id = $1 AND position = $2)
    ON CONFLICT (webhook_id, position, at) DO NOTHING
),
old AS (
    DELETE FROM stream_webhook_attempts WHERE webhook_id = $1 AND position = $2 AND at < (
        SELECT last.at FROM stream_webhook_attempts AS last WHERE last.webhook_id = $1 AND last.position = $2
        ORDER BY last.at DESC LIMIT 1 OFFSET $13 - 2)
),
delivery AS (
    UPDATE stream_webhook_deliveries SET state = $8, next_at = CASE WHEN $8 = 'pending' THEN $9 ELSE next_at END, tries = tries + 1
    WHERE webhook_id = $1 AND position = $2 AND state = 'pending'
)
UPDATE stream_webhooks SET
    due_at = CASE WHEN $8 = 'pending' THEN LEAST(due_at, $9) ELSE due_at END,
    failing_since = CASE WHEN updated_at <> $12 THEN failing_since WHEN $8 = 'delivered' THEN NULL
        ELSE COALESCE(failing_since, $3) END,
    disabled_because = CASE WHEN disabled_at IS NULL AND updated_at = $12
        AND $10::text IS NOT NULL AND ($10 = 'gone' OR failing_since IS NOT NULL) THEN $10 ELSE disabled_because END,
    disabled_at = CASE WHEN disabled_at IS NULL AND updated_at = $12 AND $10 IS NOT NULL
        AND ($10 = 'gone' OR failing_since IS NOT NULL) THEN $11 ELSE disabled_at END
WHERE id = $1 AND ($8 <> 'delivered' OR failing_since IS NOT NULL)
