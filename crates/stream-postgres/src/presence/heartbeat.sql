-- $1 server, $2 boot id, $3 now, $4 the lease's end, $5 leases that end before are renewed, $6 what was seen after this
-- was seen by a clock that was set back since, $7 a boot that was heard since then may make its server's name a shared
-- one.
-- The domain's `Boots::note`: before and after this sign of life.
WITH before AS MATERIALIZED (
    SELECT boot_id, first_seen_at, last_seen_at FROM media_server_boots WHERE $2::text IS NOT NULL AND server = $1
),
new AS MATERIALIZED (
    SELECT GREATEST($3, max(first_seen_at) + INTERVAL '1 microsecond') AS first_seen_at FROM before
),
noted AS (
    INSERT INTO media_server_boots AS kept (server, boot_id, first_seen_at, last_seen_at)
    SELECT $1, $2, new.first_seen_at, $3 FROM new WHERE $2 IS NOT NULL
    ON CONFLICT (server, boot_id) DO UPDATE SET last_seen_at = GREATEST(kept.last_seen_at, EXCLUDED.last_seen_at)
),
after AS MATERIALIZED (
    SELECT boot_id, first_seen_at, CASE WHEN boot_id = $2 THEN GREATEST(last_seen_at, $3) ELSE last_seen_at END
        AS last_seen_at
    FROM before
    UNION ALL
    SELECT $2, new.first_seen_at, $3 FROM new
    WHERE $2 IS NOT NULL AND NOT EXISTS (SELECT FROM before WHERE boot_id = $2)
),
shared AS MATERIALIZED (
    SELECT
        EXISTS (SELECT FROM before boot JOIN before newer ON newer.first_seen_at > boot.first_seen_at
            AND boot.last_seen_at >= newer.first_seen_at + INTERVAL '30 seconds' WHERE boot.last_seen_at > $7)
        AS was_shared,
        EXISTS (SELECT FROM after boot JOIN after newer ON newer.first_seen_at > boot.first_seen_at
            AND boot.last_seen_at >= newer.first_seen_at + INTERVAL '30 seconds' WHERE boot.last_seen_at > $7)
        AS is_shared
),
sign AS MATERIALIZED (
    SELECT CASE
        WHEN $2 IS NULL THEN 'current'
        WHEN is_shared THEN 'shared'
        WHEN $2 = (SELECT boot_id FROM after ORDER BY first_seen_at DESC LIMIT 1) THEN 'current'
        ELSE 'late'
    END AS word, is_shared AND NOT was_shared AS is_news
    FROM shared
),
free AS MATERIALIZED (
    SELECT s.id, COALESCE(s.run <> $2, FALSE) AS is_of_another FROM publish_sessions s
    WHERE s.server = $1 AND s.ended_at IS NULL AND CASE
        WHEN COALESCE(s.run <> $2, FALSE) THEN (SELECT word = 'current' FROM sign)
        ELSE (SELECT word <> 'late' FROM sign) AND s.lease_until > $3 AND (s.lease_until < $5 OR s.last_seen_at > $6)
    END
    ORDER BY s.id FOR UPDATE SKIP LOCKED
),
-- The domain's `Session::ending`.
restarted AS (
    UPDATE publish_sessions s SET
        ended_at = GREATEST(s.started_at, LEAST($3, s.lease_until)),
        end_reason = COALESCE(s.cut_because, CASE
            WHEN GREATEST(s.started_at, LEAST($3, s.lease_until)) >= s.key_expires_at THEN 'expired'
            WHEN s.lease_until <= $3 THEN 'lost' ELSE 'server_restarted' END),
        cut_because = NULL
    FROM free WHERE s.id = free.id AND free.is_of_another
    RETURNING s.id
),
renewed AS (
    UPDATE publish_sessions s SET
        last_seen_at = CASE WHEN s.last_seen_at > $6 THEN $3 ELSE GREATEST(s.last_seen_at, $3) END,
        lease_until = CASE WHEN s.last_seen_at > $6 THEN $4 ELSE GREATEST(s.lease_until, $4) END
    FROM free WHERE s.id = free.id AND NOT free.is_of_another
)
SELECT (SELECT count(*) FROM restarted), sign.is_news FROM sign
