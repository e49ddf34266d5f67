-- $1 server, $2 run, $3 now, $4 the lease's end, $5 leases that end before are renewed.
, restarted AS (
    UPDATE publish_sessions SET ended_at = $3, end_reason = COALESCE(cut_because, 'server_restarted'), cut_because = NULL
    WHERE server = $1 AND ended_at IS NULL AND run <> $2
    RETURNING id
),
renewed AS (
    UPDATE publish_sessions SET
        last_seen_at = GREATEST(last_seen_at, $3), lease_until = GREATEST(lease_until, $4)
    WHERE server = $1 AND ended_at IS NULL AND COALESCE(run = $2, TRUE) AND lease_until > $3 AND lease_until < $5
)
SELECT count(*) FROM restarted
