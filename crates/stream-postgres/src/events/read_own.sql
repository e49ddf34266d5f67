-- $1 after this position, $2 limit, $3 only these types, unless it is empty, $4 user.
-- The log's extent, with the events beside it: of one moment.
WITH extent AS MATERIALIZED (
    SELECT COALESCE(min(position) - 1, 0) AS forgotten, COALESCE(max(position), 0) AS last
    FROM stream_events WHERE position IS NOT NULL
),
wanted AS MATERIALIZED (
    SELECT position, type, user_id, stream_id, at, data FROM stream_events
    WHERE user_id = $4 AND position > $1 AND (cardinality($3::text[]) = 0 OR type = ANY($3::text[]))
    ORDER BY position LIMIT $2
)
SELECT extent.forgotten, extent.last, wanted.position, wanted.type, wanted.user_id, wanted.stream_id, wanted.at, wanted.data
FROM extent LEFT JOIN wanted ON TRUE ORDER BY wanted.position
