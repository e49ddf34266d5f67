-- Decides as the domain's `decide` does, and carries it out, in one statement.
-- $1 key, $2 playback id, $3 trigger, $4 server, $5 session, $6 boot id, $7 connection number, $8 application,
-- $9 name, $10 protocol, $11 address, $12 takeover, $13 now, $14 the lease's end, $15 the reconnect window's begin, $16 the restart margin's,
-- $17 ends before this may have been mistakes, $18 whether it shows that its publisher sends media, $19 what was seen
-- after this was seen by a clock that was set back since, $20 what shows two publishers that take turns came after this.
WITH stream AS MATERIALIZED (
    SELECT id, playback_id, status, COALESCE(expires_at, created_at + INTERVAL '24 hours') AS expires_at
    FROM streams WHERE stream_key = $1
    UNION ALL
    SELECT id, playback_id, status, COALESCE(expires_at, created_at + INTERVAL '24 hours')
    FROM streams WHERE $1 IS NULL AND playback_id = $2
),
-- All else that the connection of one that asks has published is over.
republished AS MATERIALIZED (
    SELECT id FROM publish_sessions
    WHERE $3 = 'publish_request' AND server = $4 AND server_session = $5 AND ended_at IS NULL
    AND stream_id IS DISTINCT FROM (SELECT id FROM stream)
),
current AS MATERIALIZED (
    SELECT s.id, s.server, s.server_session, s.started_at, s.lease_until, s.stalled_until, s.address
    FROM stream JOIN publish_sessions s ON s.stream_id = stream.id
    WHERE s.ended_at IS NULL
),
-- Ordered like the index publish_sessions_by_stream; otherwise the planner walks all sessions backwards.
own AS MATERIALIZED (
    SELECT s.id, s.server_session, s.run, s.protocol, s.address, s.lease_until, s.ended_at, s.end_reason
    FROM publish_sessions s
    WHERE s.stream_id = (SELECT id FROM stream) AND s.server = $4 AND (s.server_session = $5 OR $5 = '')
    ORDER BY s.stream_id DESC, s.id DESC LIMIT 1
),
previous AS MATERIALIZED (
    SELECT s.epoch, s.live_since, COALESCE(s.ended_at, s.lease_until) AS last_sign,
        -- A publisher that never brought media has begun no broadcast.
        s.confirmed_at IS NOT NULL OR s.live_since < s.started_at AS was_on_air
    FROM publish_sessions s
    WHERE s.stream_id = (SELECT id FROM stream) AND s.end_reason IS DISTINCT FROM 'answered_too_late'
    ORDER BY s.stream_id DESC, s.id DESC LIMIT 1
),
-- The domain's `Facts::are_alternating`.
alternation AS MATERIALIZED (
    SELECT COALESCE(gave_way_at >= $20 OR (gave_way_at >= current.started_at - INTERVAL '1 minute' AND EXISTS (
            SELECT FROM publish_attempts a
            WHERE a.stream_id = (SELECT id FROM stream) AND a.refusal = 'already_live' AND a.server = $4
            AND a.address = COALESCE($11, '') AND a.last_at > current.started_at AND a.last_at >= $20
        )), FALSE) AS is_one
    FROM current CROSS JOIN LATERAL (
        SELECT CASE WHEN count(*) = 2 THEN min(last.ended_at) END AS gave_way_at FROM (
            SELECT s.end_reason, s.ended_at FROM publish_sessions s
            WHERE s.stream_id = (SELECT id FROM stream) AND s.id < current.id
            ORDER BY s.stream_id DESC, s.id DESC LIMIT 2
        ) last WHERE last.end_reason = 'superseded'
    ) before
    WHERE $3 = 'publish_request' AND $12 = 'same-address' AND current.address = $11
),
decision AS MATERIALIZED (
    SELECT stream.id AS stream_id, stream.playback_id, stream.expires_at, own.id AS own_id,
        -- A list does not tell all that a hook told.
        CASE WHEN $5 = '' THEN COALESCE(own.server_session, $9) ELSE $5 END AS server_session,
        CASE WHEN $3 = 'publish_request' THEN $6 ELSE COALESCE($6, own.run) END AS run,
        CASE WHEN $3 = 'publish_request' THEN $10 ELSE COALESCE(own.protocol, $10) END AS protocol,
        CASE WHEN $3 = 'publish_request' THEN $11 ELSE COALESCE($11, own.address) END AS address,
        current.id AS current_id, current.lease_until > $13 OR (current.stalled_until > $13 AND NOT (
            current.server = $4
            AND current.server_session = CASE WHEN $5 = '' THEN COALESCE(own.server_session, $9) ELSE $5 END
        )) AS must_be_told_to_go,
        previous.epoch, previous.live_since, previous.was_on_air AND previous.last_sign >= $15 AS is_same_broadcast,
        CASE
            WHEN stream.status IN ('stopped', 'expired') THEN stream.status
            WHEN stream.status IS DISTINCT FROM 'active' THEN 'corrupt'
            WHEN COALESCE(stream.expires_at <= $13, TRUE) THEN 'expired'
            WHEN $2 IS NOT NULL AND stream.playback_id IS DISTINCT FROM $2 THEN 'wrong_playback_id'
            WHEN own.id IS NOT NULL AND own.ended_at IS NULL AND ($3 <> 'publish_request' OR own.lease_until > $13) THEN 'renew'
            WHEN $3 <> 'publish_request' AND own.end_reason NOT IN ('lost', 'server_restarted', 'answered_too_late')
                AND NOT ($3 IN ('poll', 'gated_poll') AND own.end_reason = 'left' AND own.ended_at < $17)
                THEN 'session_ended'
            WHEN own.id IS NULL AND $1 IS NULL AND $3 <> 'gated_poll' THEN 'no_key'
            WHEN current.id IS NULL OR current.lease_until <= $13 THEN 'start'
            WHEN $3 = 'publish_request' AND ($12 = 'newest' OR NOT (SELECT is_one FROM alternation)) THEN 'start'
            ELSE 'already_live'
        END AS word
    FROM stream LEFT JOIN own ON TRUE LEFT JOIN current ON TRUE LEFT JOIN previous ON TRUE
),
-- What ends for sure is locked in order, the stream first: as a stop does, and as another start that swaps streams with
-- this one does, so that there is no deadlock.
held AS MATERIALIZED (
    SELECT id FROM streams WHERE id = (SELECT stream_id FROM decision WHERE word = 'start') FOR SHARE
),
in_the_way AS MATERIALIZED (
    SELECT id, 'republished' AS why FROM republished
    UNION ALL
    SELECT id, 'republished' FROM publish_sessions
    WHERE $3 <> 'publish_request' AND EXISTS (SELECT FROM decision WHERE word = 'start') AND server = $4
    AND server_session = (SELECT server_session FROM decision) AND ended_at IS NULL
    AND stream_id <> (SELECT id FROM stream)
    UNION ALL
    SELECT current_id, CASE WHEN must_be_told_to_go THEN 'superseded' ELSE 'lost' END
    FROM decision WHERE word = 'start' AND current_id IS NOT NULL
),
locked AS MATERIALIZED (
    SELECT id FROM publish_sessions
    WHERE id IN (SELECT id FROM in_the_way) AND (SELECT count(*) FROM held) >= 0
    ORDER BY id FOR UPDATE
),
-- A start of connection number 1, or of a lower number than those that fell silent, shows that the server was started
-- anew.
-- Rows that another transaction is changing are skipped, here and below; no lock is waited for from here on.
restarted AS MATERIALIZED (
    SELECT id FROM publish_sessions
    WHERE $3 = 'publish_request' AND EXISTS (SELECT FROM decision WHERE word = 'start') AND server = $4 AND ordinal > $7
    AND ended_at IS NULL AND server_session <> $5 AND ($7 = 1 OR last_seen_at < $16)
    AND (SELECT count(*) FROM locked) >= 0
    ORDER BY server, ordinal FOR UPDATE SKIP LOCKED
),
-- What was still to be kicked by this id was another publisher.
cleared AS (
    UPDATE publish_sessions SET cut_because = NULL WHERE id IN (
        SELECT id FROM publish_sessions
        WHERE $3 = 'publish_request' AND EXISTS (SELECT FROM decision WHERE word = 'start')
        AND server = $4 AND server_session = $5 AND cut_because IS NOT NULL AND ended_at IS NOT NULL
        FOR UPDATE SKIP LOCKED
    )
),
-- The domain's `Session::ending`, but for one that gives way: that is to be cut.
ended AS (
    UPDATE publish_sessions s SET
        ended_at = CASE WHEN o.why = 'superseded' THEN $13 ELSE GREATEST(s.started_at, LEAST($13, s.lease_until)) END,
        end_reason = CASE WHEN o.why = 'superseded' THEN o.why ELSE COALESCE(s.cut_because, CASE
            WHEN GREATEST(s.started_at, LEAST($13, s.lease_until)) >= s.key_expires_at THEN 'expired'
            WHEN s.lease_until <= $13 THEN 'lost' ELSE o.why END) END,
        cut_because = CASE WHEN o.why = 'superseded' THEN o.why END,
        cut_tried_at = CASE WHEN o.why = 'superseded' THEN $13 ELSE s.cut_tried_at END
    FROM (
        SELECT in_the_way.id, in_the_way.why FROM in_the_way JOIN locked ON locked.id = in_the_way.id
        WHERE in_the_way.id NOT IN (SELECT id FROM restarted)
        UNION ALL
        SELECT id, 'server_restarted' FROM restarted
    ) o
    WHERE s.id = o.id AND s.ended_at IS NULL
    RETURNING s.id, o.why, s.server, s.server_session, s.application, s.name, s.protocol, s.address
),
-- The count makes sure that what is in the way has ended before.
started AS (
    INSERT INTO publish_sessions (stream_id, server, server_session, run, ordinal, application, name, protocol,
        address, epoch, live_since, started_at, last_seen_at, lease_until, key_expires_at, confirmed_at, supersedes)
    SELECT d.stream_id, $4, d.server_session, d.run, $7, $8, $9, d.protocol, d.address,
        COALESCE(d.epoch, 0) + CASE WHEN d.is_same_broadcast THEN 0 ELSE 1 END,
        CASE WHEN d.is_same_broadcast THEN d.live_since ELSE $13 END, $13, $13, $14, d.expires_at,
        CASE WHEN $18 THEN $13 END, (SELECT max(id) FROM ended WHERE why = 'superseded')
    FROM decision d CROSS JOIN (SELECT count(*) AS number FROM ended) e
    WHERE d.word = 'start' AND e.number >= 0
    ON CONFLICT DO NOTHING
    RETURNING id
),
renewed AS (
    UPDATE publish_sessions s SET
        last_seen_at = CASE WHEN s.last_seen_at > $19 THEN $13 ELSE GREATEST(s.last_seen_at, $13) END,
        lease_until = CASE WHEN s.last_seen_at > $19 THEN $14 ELSE GREATEST(s.lease_until, $14) END,
        confirmed_at = CASE WHEN $18 THEN COALESCE(s.confirmed_at, $13) ELSE s.confirmed_at END,
        stalled_until = CASE WHEN $18 THEN NULL ELSE s.stalled_until END
    FROM decision d WHERE d.word = 'renew' AND s.id = d.own_id AND s.ended_at IS NULL
    RETURNING s.id
),
-- Once a second is often enough for an encoder that tries again and again.
noted AS (
    INSERT INTO publish_attempts AS kept (stream_id, server, address, refusal, first_at, last_at)
    SELECT d.stream_id, $4, COALESCE($11, ''), d.word, $13, $13 FROM decision d
    WHERE $3 = 'publish_request' AND d.word NOT IN ('start', 'renew', 'corrupt')
    -- Looked at first, so that an attempt that was noted a moment ago writes nothing at all.
    AND NOT EXISTS (SELECT FROM publish_attempts a WHERE a.stream_id = d.stream_id AND a.refusal = d.word
        AND a.server = $4 AND a.address = COALESCE($11, '') AND a.last_at > $13 - INTERVAL '1 second')
    ON CONFLICT (stream_id, refusal, server, address) DO UPDATE
    SET last_at = GREATEST(kept.last_at, EXCLUDED.last_at)
)
SELECT d.word, d.stream_id, d.playback_id, COALESCE(started.id, renewed.id), superseded.id, superseded.server,
    superseded.server_session, superseded.application, superseded.name, superseded.protocol, superseded.address
FROM decision d LEFT JOIN started ON TRUE LEFT JOIN renewed ON TRUE
LEFT JOIN (SELECT * FROM ended WHERE why = 'superseded') superseded ON TRUE
