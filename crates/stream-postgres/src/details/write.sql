-- Writes the details of stream $1, and its terms ($9); those from before were deleted in the same transaction.
WITH written AS (
    INSERT INTO stream_details (stream_id, title, description, tags, category, language, content_labels, visibility)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (stream_id) DO UPDATE SET
        title = $2, description = $3, tags = $4, category = $5, language = $6, content_labels = $7, visibility = $8
)
INSERT INTO stream_terms (stream_id, term, created_at)
SELECT id, term, COALESCE(created_at, '-infinity') FROM streams CROSS JOIN unnest($9::text[]) AS term WHERE id = $1
