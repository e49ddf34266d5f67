-- $1 those who left before this, $2 now, $3 limit.
-- A publisher that is admitted and brings no media yet may still go on with the broadcast.
DELETE FROM live_streams WHERE stream_id IN (
    SELECT stream_id FROM live_streams WHERE left_at < $1
    AND NOT EXISTS (SELECT FROM publish_sessions WHERE publish_sessions.stream_id = live_streams.stream_id
        AND ended_at IS NULL AND lease_until > $2)
    ORDER BY left_at LIMIT $3 FOR UPDATE SKIP LOCKED
)
