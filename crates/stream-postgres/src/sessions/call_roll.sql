-- $1 server, $2 listed sessions, $3 listed names, $4 when it was asked, $5 whom it judges, $6 now, $7 the lease's end,
-- $8 leases that end before are renewed.
, listed AS MATERIALIZED (
    SELECT id, lease_until, CASE WHEN server_session = ANY ($2) THEN server_session ELSE name END AS known_as
    FROM publish_sessions
    WHERE server = $1 AND ended_at IS NULL AND (server_session = ANY ($2) OR name = ANY ($3))
),
renewed AS (
    UPDATE publish_sessions s SET
        last_seen_at = GREATEST(s.last_seen_at, $6), lease_until = GREATEST(s.lease_until, $7)
    FROM listed WHERE s.id = listed.id AND s.ended_at IS NULL AND listed.lease_until < $8
),
gone AS (
    UPDATE publish_sessions SET ended_at = $6, end_reason = COALESCE(cut_because, 'left'), cut_because = NULL
    WHERE server = $1 AND ended_at IS NULL AND NOT (server_session = ANY ($2) OR name = ANY ($3))
    AND started_at < $5 AND last_seen_at < $4
    RETURNING id
)
SELECT (SELECT COALESCE(array_agg(known_as), '{}') FROM listed), (SELECT count(*) FROM gone)
