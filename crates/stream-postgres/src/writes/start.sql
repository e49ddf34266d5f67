-- $1: users, in order, so that two batches never wait for each other; $2 keys, $3 playback ids, $4 now, $5 expiry.
-- Returns the streams of those who had none that is active.
-- A row that somebody else holds is not waited for long, since others wait along; set for this statement alone.
, patience AS MATERIALIZED (SELECT set_config('lock_timeout', '200', TRUE))
INSERT INTO streams (user_id, stream_key, status, created_at, updated_at, expires_at, playback_id)
SELECT new.user_id, new.stream_key, 'active', new.created_at, new.created_at, new.expires_at, new.playback_id
FROM unnest($1, $2, $3, $4, $5) AS new (user_id, stream_key, playback_id, created_at, expires_at), patience
ON CONFLICT (user_id) WHERE status = 'active' DO NOTHING
RETURNING id, user_id, stream_key, status, created_at, updated_at, expires_at, playback_id, NULL::TIMESTAMP[]
