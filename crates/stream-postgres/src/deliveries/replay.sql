-- $1 limit.
WITH chosen AS MATERIALIZED (
    SELECT id, user_id, types, replay_after, replay_to FROM stream_webhooks
    WHERE replay_after IS NOT NULL AND disabled_at IS NULL ORDER BY replay_to, id LIMIT 1 FOR UPDATE SKIP LOCKED
),
part AS MATERIALIZED (
    SELECT e.position FROM chosen JOIN stream_events AS e ON e.user_id = chosen.user_id
    WHERE e.position > chosen.replay_after AND e.position <= chosen.replay_to AND e.type <> 'webhook.test'
    AND (chosen.types = '' OR e.type = ANY(string_to_array(chosen.types, ',')))
    ORDER BY e.position LIMIT $1
),
again AS (
    INSERT INTO stream_webhook_deliveries (webhook_id, position, next_at)
    SELECT chosen.id, part.position, TIMESTAMP '1970-01-01' FROM chosen CROSS JOIN part
    ON CONFLICT (webhook_id, position) DO UPDATE SET state = 'pending', next_at = TIMESTAMP '1970-01-01', tries = 0
),
made AS MATERIALIZED (SELECT count(*) AS number, max(position) AS last FROM part)
UPDATE stream_webhooks SET due_at = TIMESTAMP '1970-01-01',
    replay_after = CASE WHEN made.number = $1 THEN made.last END,
    replay_to = CASE WHEN made.number = $1 THEN stream_webhooks.replay_to END
FROM chosen, made WHERE stream_webhooks.id = chosen.id RETURNING made.number
