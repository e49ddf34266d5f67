-- $1 server, $2 session, $3 name, $4 reason, $5 now, $6 whom an end without a session means.
, meant AS MATERIALIZED (
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
done AS (
    UPDATE publish_sessions s SET ended_at = COALESCE(s.ended_at, $5),
        end_reason = COALESCE(s.end_reason, s.cut_because, CASE WHEN s.key_expires_at <= $5 THEN 'expired' ELSE $4 END), cut_because = NULL
    FROM meant WHERE s.id = meant.id AND (s.ended_at IS NULL OR s.cut_because IS NOT NULL)
    RETURNING meant.was_open
)
SELECT COALESCE(bool_or(was_open), FALSE) FROM done
