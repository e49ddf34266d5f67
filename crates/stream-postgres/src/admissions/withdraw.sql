-- $1 session, $2 now.
-- A stop that is under way is waited for, and one that comes later finds the session that is opened again.
WITH stream AS MATERIALIZED (
    SELECT id FROM streams WHERE id = (SELECT stream_id FROM publish_sessions WHERE id = $1)
    AND status = 'active' AND COALESCE(expires_at, created_at + INTERVAL '24 hours') > $2
    FOR SHARE
),
locked AS MATERIALIZED (
    SELECT id FROM publish_sessions
    WHERE id IN (SELECT unnest(ARRAY[id, supersedes]) FROM publish_sessions WHERE id = $1)
    AND (SELECT count(*) FROM stream) >= 0
    ORDER BY id FOR UPDATE
),
-- The domain's `Session::ending`.
withdrawn AS (
    UPDATE publish_sessions s SET
        ended_at = COALESCE(s.ended_at, GREATEST(s.started_at, LEAST($2, s.lease_until))),
        end_reason = COALESCE(s.end_reason, s.cut_because, CASE
            WHEN GREATEST(s.started_at, LEAST($2, s.lease_until)) >= s.key_expires_at THEN 'expired'
            WHEN s.lease_until <= $2 THEN 'lost' ELSE 'answered_too_late' END),
        cut_because = NULL, supersedes = NULL
    FROM publish_sessions before JOIN locked ON locked.id = before.id
    WHERE before.id = $1 AND s.id = before.id
    RETURNING before.supersedes
)
-- One that was taken to be cut meanwhile may be gone by now, and one that may not publish is not let in again.
UPDATE publish_sessions s SET
    ended_at = NULL, end_reason = NULL, cut_because = NULL, cut_tried_at = NULL
FROM withdrawn, stream
WHERE s.id = withdrawn.supersedes AND s.stream_id = stream.id
AND s.cut_because = 'superseded' AND s.cut_tried_at <= s.ended_at
AND NOT EXISTS (SELECT FROM publish_sessions other WHERE other.ended_at IS NULL AND other.id <> $1
    AND (other.stream_id = s.stream_id OR (other.server = s.server AND other.server_session = s.server_session)))
