-- $1 server, $2 listed sessions, $3 listed names, $4 stalled ones, $5 when it was asked, $6 sessions that began before are judged, $7 now,
-- $8 the lease's end, $9 leases that end before are renewed, $10 what was seen after this was seen by a clock that was
-- set back since, $11 how those ended who are not listed, $12 which of them: `ended`, `missing_before` or `kept`,
-- $13 those that the list before missed.
WITH open AS MATERIALIZED (
    SELECT s.id, s.server_session, s.name, s.started_at, s.last_seen_at, s.lease_until, s.confirmed_at, s.stalled_until,
        COALESCE(sessions.id, names.name) AS moving,
        CASE WHEN s.server_session = ANY($4) THEN s.server_session WHEN s.name = ANY($4) THEN s.name END AS stalled
    FROM publish_sessions s
    LEFT JOIN (SELECT DISTINCT unnest($2::text[]) AS id) sessions ON sessions.id = s.server_session
    LEFT JOIN (SELECT DISTINCT unnest($3::text[]) AS name) names ON names.name = s.name
    WHERE s.server = $1 AND s.ended_at IS NULL
),
-- The domain's `ListIndex::sighting`.
seen AS MATERIALIZED (
    SELECT open.*, CASE
            WHEN moving IS NOT NULL THEN 'moving'
            WHEN stalled IS NOT NULL THEN 'stalled'
            WHEN started_at >= $6 OR last_seen_at >= $5 THEN 'not_judged'
            WHEN $12 = 'ended' THEN 'gone'
            WHEN $12 = 'missing_before' AND (server_session = ANY($13) OR name = ANY($13)) THEN 'gone'
            ELSE 'missing'
        END AS sighting
    FROM open
),
-- Rows that another transaction is changing are skipped until the next time, so that there is no deadlock.
free AS MATERIALIZED (
    SELECT s.id FROM publish_sessions s JOIN seen ON seen.id = s.id
    WHERE s.ended_at IS NULL AND CASE seen.sighting
        WHEN 'moving' THEN seen.confirmed_at IS NULL OR seen.stalled_until IS NOT NULL OR seen.lease_until < $9
            OR seen.last_seen_at > $10
        WHEN 'stalled' THEN (seen.last_seen_at <= $5 OR seen.last_seen_at > $10)
            AND (seen.lease_until > $7 OR COALESCE(seen.stalled_until < $9, TRUE))
        ELSE seen.sighting = 'gone'
    END
    ORDER BY s.id FOR UPDATE OF s SKIP LOCKED
),
confirmed AS (
    UPDATE publish_sessions s SET
        last_seen_at = CASE WHEN s.last_seen_at > $10 THEN $7 ELSE GREATEST(s.last_seen_at, $7) END,
        lease_until = CASE WHEN s.last_seen_at > $10 THEN $8 ELSE GREATEST(s.lease_until, $8) END,
        confirmed_at = COALESCE(s.confirmed_at, $7), stalled_until = NULL
    FROM free JOIN seen ON seen.id = free.id WHERE s.id = free.id AND seen.sighting = 'moving'
),
held AS (
    UPDATE publish_sessions s SET lease_until = LEAST(s.lease_until, $7), stalled_until = $8
    FROM free JOIN seen ON seen.id = free.id WHERE s.id = free.id AND seen.sighting = 'stalled'
),
-- The domain's `Session::ending`.
gone AS (
    UPDATE publish_sessions s SET
        ended_at = GREATEST(s.started_at, LEAST($7, s.lease_until)),
        end_reason = COALESCE(s.cut_because, CASE
            WHEN GREATEST(s.started_at, LEAST($7, s.lease_until)) >= s.key_expires_at THEN 'expired'
            WHEN s.lease_until <= $7 THEN 'lost' ELSE $11 END),
        cut_because = NULL
    FROM free JOIN seen ON seen.id = free.id WHERE s.id = free.id AND seen.sighting = 'gone'
    RETURNING s.id
)
SELECT
    (SELECT COALESCE(array_agg(COALESCE(moving, stalled)), '{}') FROM seen WHERE sighting IN ('moving', 'stalled')),
    (SELECT COALESCE(array_agg(
            CASE WHEN cardinality($3) > 0 AND cardinality($2) = 0 THEN name ELSE server_session END), '{}')
        FROM seen WHERE sighting IN ('missing', 'gone') AND id NOT IN (SELECT id FROM gone)),
    (SELECT count(*) FROM gone)
