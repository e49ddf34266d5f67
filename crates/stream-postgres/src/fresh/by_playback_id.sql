-- $1: playback ids. The streams that have them, each with the place of its text, from 1, and the snapshot that was seen.
SELECT
    (SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_current_snapshot()::text END),
    wanted.place,
    streams.id, streams.user_id, streams.stream_key, streams.status,
    streams.created_at, streams.updated_at, streams.expires_at, streams.playback_id,
    CASE WHEN session.id IS NOT NULL THEN ARRAY[session.live_since, session.lease_until] END
FROM unnest($1) WITH ORDINALITY AS wanted (text, place)
JOIN streams ON streams.playback_id = wanted.text
LEFT JOIN publish_sessions AS session ON session.stream_id = streams.id AND session.ended_at IS NULL
    AND session.confirmed_at IS NOT NULL
