-- $1 server, $2 now, $3 those tried before may be tried again, $4 limit, $5 those that ended before are left alone,
-- $6 those that gave way after are as well.
WITH due AS MATERIALIZED (
    SELECT id FROM publish_sessions
    WHERE server = $1 AND cut_because IS NOT NULL AND COALESCE(ended_at > $5, TRUE)
    AND (cut_because <> 'superseded' OR ended_at <= $6)
    AND (cut_tried_at IS NULL OR cut_tried_at <= $3)
    UNION
    SELECT id FROM publish_sessions
    WHERE server = $1 AND ended_at IS NULL AND key_expires_at <= $2 AND (cut_tried_at IS NULL OR cut_tried_at <= $3)
    LIMIT $4
),
-- Rows that another transaction is changing are claimed the next time.
free AS MATERIALIZED (
    SELECT id FROM publish_sessions WHERE id IN (SELECT id FROM due) ORDER BY id FOR UPDATE SKIP LOCKED
)
UPDATE publish_sessions s SET cut_tried_at = $2, cut_because = COALESCE(s.cut_because, 'expired')
FROM free
WHERE s.id = free.id AND (s.cut_tried_at IS NULL OR s.cut_tried_at <= $3)
AND (s.ended_at IS NULL OR s.cut_because IS NOT NULL)
RETURNING s.id, s.server, s.server_session, s.application, s.name, s.protocol, s.address, s.cut_because
