-- $1 server, $2 run, $3 now, $4 the lease's end, $5 leases that end before are renewed.
, free AS MATERIALIZED (
    SELECT id, COALESCE(run <> $2, FALSE) AS is_over FROM publish_sessions
    WHERE server = $1 AND ended_at IS NULL
    AND (COALESCE(run <> $2, FALSE) OR (lease_until > $3 AND lease_until < $5))
    ORDER BY id FOR UPDATE SKIP LOCKED
),
restarted AS (
    UPDATE publish_sessions s SET ended_at = $3, end_reason = COALESCE(cut_because, 'server_restarted'),
        cut_because = NULL
    FROM free WHERE s.id = free.id AND free.is_over
    RETURNING s.id
),
renewed AS (
    UPDATE publish_sessions s SET
        last_seen_at = GREATEST(s.last_seen_at, $3), lease_until = GREATEST(s.lease_until, $4)
    FROM free WHERE s.id = free.id AND NOT free.is_over
)
SELECT count(*) FROM restarted
