-- $1 server, $2 session, $3 name, $4 reason, $5 now, $6 an end without a session means sessions that began before.
WITH meant AS MATERIALIZED (
    SELECT id, ended_at IS NULL AS was_open FROM publish_sessions
    WHERE server = $1 AND server_session = $2 AND COALESCE(name = $3, TRUE) AND ended_at IS NULL
    UNION ALL
    SELECT id, TRUE FROM publish_sessions
    WHERE $2 IS NULL AND server = $1 AND name = $3 AND ended_at IS NULL AND started_at < $6
    UNION ALL
    SELECT id, FALSE FROM publish_sessions
    WHERE server = $1 AND COALESCE(server_session = $2, TRUE) AND COALESCE(name = $3, TRUE)
    AND ($2 IS NOT NULL OR started_at < $6) AND ended_at IS NOT NULL AND cut_because IS NOT NULL
),
-- In order, as all statements that change several sessions, so that two of them never wait for each other.
locked AS MATERIALIZED (
    SELECT id FROM publish_sessions WHERE id IN (SELECT id FROM meant) ORDER BY id FOR UPDATE
),
-- The domain's `Session::ending`.
done AS (
    UPDATE publish_sessions s SET
        ended_at = COALESCE(s.ended_at, GREATEST(s.started_at, LEAST($5, s.lease_until))),
        end_reason = COALESCE(s.end_reason, s.cut_because, CASE
            WHEN GREATEST(s.started_at, LEAST($5, s.lease_until)) >= s.key_expires_at THEN 'expired'
            WHEN s.lease_until <= $5 THEN 'lost' ELSE $4 END),
        cut_because = NULL
    FROM meant JOIN locked ON locked.id = meant.id
    WHERE s.id = meant.id AND (s.ended_at IS NULL OR s.cut_because IS NOT NULL)
    RETURNING meant.was_open
)
SELECT COALESCE(bool_or(was_open), FALSE) FROM done
