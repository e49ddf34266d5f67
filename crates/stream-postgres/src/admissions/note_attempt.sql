-- Notes a refused publisher for the owner of the first stream that it showed something of; writes nothing if there is none.
-- $1 what may be keys, $2 the refusal then, $3 what may be a playback id, $4 the refusal then, $5 server, $6 address,
-- $7 now.
WITH found AS MATERIALIZED (
    SELECT id, is_key FROM (
        SELECT streams.id, TRUE AS is_key, shown.place
        FROM unnest($1::text[]) WITH ORDINALITY AS shown (text, place) JOIN streams ON streams.stream_key = shown.text
        UNION ALL
        SELECT id, FALSE, 0 FROM streams WHERE playback_id = $3
    ) AS either
    ORDER BY is_key DESC, place LIMIT 1
),
-- A publisher that showed only the public name may be anyone, from any number of addresses.
attempt AS MATERIALIZED (
    SELECT id AS stream_id, CASE WHEN is_key THEN $2 ELSE $4 END AS refusal,
        CASE WHEN is_key THEN COALESCE($6, '') ELSE '' END AS address
    FROM found
),
noted AS (
    INSERT INTO publish_attempts AS kept (stream_id, server, address, refusal, first_at, last_at)
    SELECT d.stream_id, $5, d.address, d.refusal, $7, $7 FROM attempt d
    -- Looked at first, so that an attempt that was noted a moment ago writes nothing at all.
    WHERE NOT EXISTS (SELECT FROM publish_attempts a WHERE a.stream_id = d.stream_id AND a.refusal = d.refusal
        AND a.server = $5 AND a.address = d.address AND a.last_at > $7::timestamp - INTERVAL '1 second')
    ON CONFLICT (stream_id, refusal, server, address) DO UPDATE
    SET last_at = GREATEST(kept.last_at, EXCLUDED.last_at)
)
SELECT stream_id FROM attempt
