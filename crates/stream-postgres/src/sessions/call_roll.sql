-- $1 server, $2 listed sessions, $3 listed names, $4 when it was asked, $5 whom it judges, $6 now, $7 the lease's end,
-- $8 leases that end before are renewed, $9 how those ended who are not listed.
, open AS MATERIALIZED (
    SELECT s.id, s.lease_until, s.started_at, s.last_seen_at, COALESCE(sessions.id, names.name) AS known_as
    FROM publish_sessions s
    LEFT JOIN (SELECT DISTINCT unnest($2) AS id) sessions ON sessions.id = s.server_session
    LEFT JOIN (SELECT DISTINCT unnest($3) AS name) names ON names.name = s.name
    WHERE s.server = $1 AND s.ended_at IS NULL
),
-- Rows that somebody else is changing are left for the next time, so that nobody waits for anybody in a circle.
free AS MATERIALIZED (
    SELECT s.id FROM publish_sessions s JOIN open ON open.id = s.id
    WHERE s.ended_at IS NULL AND CASE WHEN open.known_as IS NULL THEN open.started_at < $5 AND open.last_seen_at < $4
        ELSE open.lease_until < $8 END
    ORDER BY s.id FOR UPDATE OF s SKIP LOCKED
),
renewed AS (
    UPDATE publish_sessions s SET
        last_seen_at = GREATEST(s.last_seen_at, $6), lease_until = GREATEST(s.lease_until, $7)
    FROM free JOIN open ON open.id = free.id WHERE s.id = free.id AND open.known_as IS NOT NULL
),
gone AS (
    UPDATE publish_sessions s SET ended_at = $6, 
        end_reason = COALESCE(cut_because, CASE WHEN key_expires_at <= $6 THEN 'expired' ELSE $9 END), cut_because = NULL
    FROM free JOIN open ON open.id = free.id WHERE s.id = free.id AND open.known_as IS NULL
    RETURNING s.id
)
SELECT (SELECT COALESCE(array_agg(known_as), '{}') FROM open WHERE known_as IS NOT NULL), (SELECT count(*) FROM gone)
