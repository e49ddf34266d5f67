-- $1: users, in order, so that two batches never wait for each other; $2: now, for each.
-- Returns the streams that were active.
-- A row that somebody else holds is not waited for long, since others wait along; set for this statement alone.
, patience AS MATERIALIZED (SELECT set_config('lock_timeout', '200', TRUE))
UPDATE streams SET status = 'stopped', updated_at = wanted.now
FROM unnest($1, $2) AS wanted (user_id, now), patience
WHERE streams.user_id = wanted.user_id AND streams.status = 'active' AND streams.expires_at > wanted.now
RETURNING
    streams.id, streams.user_id, streams.stream_key, streams.status,
    streams.created_at, streams.updated_at, streams.expires_at, streams.playback_id,
    (SELECT ARRAY[live_since, lease_until] FROM publish_sessions
     WHERE stream_id = streams.id AND ended_at IS NULL AND confirmed_at IS NOT NULL)
