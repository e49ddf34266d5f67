-- $1 now, $2 limit, $3 what was seen after this was seen by a clock that was set back since.
-- The domain's `Session::under_clock`.
WITH ahead AS MATERIALIZED (
    SELECT id FROM publish_sessions WHERE ended_at IS NULL AND last_seen_at > $3 AND lease_until > $1
    ORDER BY id FOR UPDATE SKIP LOCKED
),
bounded AS (
    UPDATE publish_sessions s SET lease_until = $1 + (s.lease_until - s.last_seen_at), last_seen_at = $1
    FROM ahead WHERE s.id = ahead.id AND s.ended_at IS NULL
),
overdue AS MATERIALIZED (
    SELECT id FROM publish_sessions
    WHERE ended_at IS NULL AND lease_until <= $1 AND (stalled_until IS NULL OR stalled_until <= $1)
    LIMIT $2 FOR UPDATE SKIP LOCKED
)
-- The domain's `Session::ending`; what is to be cut stays to be cut.
UPDATE publish_sessions s SET
    ended_at = GREATEST(s.started_at, s.lease_until),
    end_reason = COALESCE(s.cut_because,
        CASE WHEN GREATEST(s.started_at, s.lease_until) >= s.key_expires_at THEN 'expired' ELSE 'lost' END)
FROM overdue WHERE s.id = overdue.id AND s.ended_at IS NULL AND s.lease_until <= $1
