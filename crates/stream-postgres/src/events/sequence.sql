-- $1 limit.
-- The next positions, in the order of numbers, to what is visible; the lock is held, so nobody else gives any.
WITH last AS MATERIALIZED (
    SELECT COALESCE(max(position), 0) AS position FROM stream_events WHERE position IS NOT NULL
),
next AS MATERIALIZED (
    SELECT id, row_number() OVER (ORDER BY id) AS place FROM (
        SELECT id FROM stream_events WHERE position IS NULL ORDER BY id LIMIT $1
    ) AS first
)
UPDATE stream_events SET position = last.position + next.place
FROM last, next WHERE stream_events.id = next.id
