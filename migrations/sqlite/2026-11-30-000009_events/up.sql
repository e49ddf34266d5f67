-- What happened. One transaction writes at a time, so numbers are positions: in the order of commits, and without a gap.
CREATE TABLE stream_events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    type TEXT NOT NULL,
    user_id INTEGER,
    stream_id INTEGER,
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'),
    data TEXT NOT NULL
) STRICT;
-- Which streams were said to be live, and since when their last publisher is away.
CREATE TABLE live_streams (
    stream_id INTEGER PRIMARY KEY,
    user_id INTEGER,
    playback_id TEXT,
    session_id INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    live_since TEXT NOT NULL,
    left_at TEXT,
    left_because TEXT
) STRICT;
-- When it was looked at whether a schedule was missed; those of before are not told of.
ALTER TABLE stream_schedules ADD COLUMN settled_at TEXT;
UPDATE stream_schedules SET settled_at = ends_at WHERE ends_at <= strftime('%Y-%m-%d %H:%M:%f', 'now');

-- Each user's part of the log, and what is looked over.
CREATE INDEX stream_events_by_user ON stream_events (user_id, position);
CREATE INDEX live_streams_away ON live_streams (left_at) WHERE left_at IS NOT NULL;
CREATE INDEX stream_schedules_to_settle ON stream_schedules (ends_at)
WHERE settled_at IS NULL AND canceled_at IS NULL;

CREATE TRIGGER streams_tell_start AFTER INSERT ON streams
FOR EACH ROW WHEN NEW.status = 'active'
BEGIN
    INSERT INTO stream_events (type, user_id, stream_id, data)
    VALUES ('stream.created', NEW.user_id, NEW.id, json_object('stream_id', NEW.id,
        'playback_id', NEW.playback_id, 'expires_at', replace(NEW.expires_at, ' ', 'T') || 'Z'));
END;
CREATE TRIGGER streams_tell_end AFTER UPDATE OF status ON streams
FOR EACH ROW WHEN OLD.status = 'active' AND NEW.status <> 'active'
BEGIN
    INSERT INTO stream_events (type, user_id, stream_id, data)
    VALUES (CASE NEW.status WHEN 'expired' THEN 'stream.expired' ELSE 'stream.stopped' END, OLD.user_id, OLD.id,
        json_object('stream_id', OLD.id, 'playback_id', OLD.playback_id,
            'reason', CASE NEW.status WHEN 'expired' THEN 'expired' ELSE 'stopped' END));
    DELETE FROM live_streams WHERE stream_id = OLD.id;
END;
CREATE TRIGGER streams_tell_deletion AFTER DELETE ON streams
FOR EACH ROW
BEGIN
    INSERT INTO stream_events (type, user_id, stream_id, data)
    SELECT 'stream.stopped', OLD.user_id, OLD.id,
        json_object('stream_id', OLD.id, 'playback_id', OLD.playback_id, 'reason', 'deleted')
    WHERE OLD.status = 'active';
    DELETE FROM live_streams WHERE stream_id = OLD.id;
END;

-- A row goes when no publisher came back in time, with its stream, or for another broadcast.
CREATE TRIGGER live_streams_tell AFTER DELETE ON live_streams
FOR EACH ROW
BEGIN
    INSERT INTO stream_events (type, user_id, stream_id, data)
    VALUES ('stream.offline', OLD.user_id, OLD.stream_id, json_object('stream_id', OLD.stream_id,
        'playback_id', OLD.playback_id, 'live_since', replace(OLD.live_since, ' ', 'T') || 'Z',
        'reason', COALESCE((SELECT CASE status WHEN 'active' THEN COALESCE(OLD.left_because, 'lost')
            WHEN 'expired' THEN 'expired' ELSE 'stopped' END FROM streams WHERE id = OLD.stream_id), 'deleted')));
END;

-- A publisher brings media.
CREATE TRIGGER publish_sessions_tell_start AFTER INSERT ON publish_sessions
FOR EACH ROW WHEN NEW.confirmed_at IS NOT NULL AND NEW.ended_at IS NULL
BEGIN
    DELETE FROM live_streams WHERE stream_id = NEW.stream_id AND epoch <> NEW.epoch;
    INSERT INTO stream_events (type, user_id, stream_id, data)
    SELECT CASE WHEN told.stream_id IS NULL THEN 'stream.live' ELSE 'stream.publisher_changed' END, s.user_id, s.id,
        json_object('stream_id', s.id, 'playback_id', s.playback_id, 'server', NEW.server, 'protocol', NEW.protocol,
            'live_since', replace(NEW.live_since, ' ', 'T') || 'Z')
    FROM streams AS s LEFT JOIN live_streams AS told ON told.stream_id = s.id
    WHERE s.id = NEW.stream_id AND s.status = 'active' AND told.session_id IS NOT NEW.id;
    INSERT INTO live_streams (stream_id, user_id, playback_id, session_id, epoch, live_since)
    SELECT s.id, s.user_id, s.playback_id, NEW.id, NEW.epoch, NEW.live_since
    FROM streams AS s WHERE s.id = NEW.stream_id AND s.status = 'active'
    ON CONFLICT (stream_id) DO UPDATE SET session_id = NEW.id, left_at = NULL, left_because = NULL;
END;
CREATE TRIGGER publish_sessions_tell_media AFTER UPDATE OF confirmed_at, ended_at, stalled_until ON publish_sessions
FOR EACH ROW WHEN NEW.confirmed_at IS NOT NULL AND NEW.ended_at IS NULL AND NEW.stalled_until IS NULL
    AND (OLD.confirmed_at IS NULL OR OLD.ended_at IS NOT NULL OR OLD.stalled_until IS NOT NULL)
BEGIN
    DELETE FROM live_streams WHERE stream_id = NEW.stream_id AND epoch <> NEW.epoch;
    INSERT INTO stream_events (type, user_id, stream_id, data)
    SELECT CASE WHEN told.stream_id IS NULL THEN 'stream.live' ELSE 'stream.publisher_changed' END, s.user_id, s.id,
        json_object('stream_id', s.id, 'playback_id', s.playback_id, 'server', NEW.server, 'protocol', NEW.protocol,
            'live_since', replace(NEW.live_since, ' ', 'T') || 'Z')
    FROM streams AS s LEFT JOIN live_streams AS told ON told.stream_id = s.id
    WHERE s.id = NEW.stream_id AND s.status = 'active' AND told.session_id IS NOT NEW.id;
    INSERT INTO live_streams (stream_id, user_id, playback_id, session_id, epoch, live_since)
    SELECT s.id, s.user_id, s.playback_id, NEW.id, NEW.epoch, NEW.live_since
    FROM streams AS s WHERE s.id = NEW.stream_id AND s.status = 'active'
    ON CONFLICT (stream_id) DO UPDATE SET session_id = NEW.id, left_at = NULL, left_because = NULL;
END;
-- It has left, or brings no media any more.
CREATE TRIGGER publish_sessions_tell_absence AFTER UPDATE OF ended_at, stalled_until ON publish_sessions
FOR EACH ROW WHEN NEW.confirmed_at IS NOT NULL AND (NEW.ended_at IS NOT NULL OR NEW.stalled_until IS NOT NULL)
BEGIN
    UPDATE live_streams SET left_at = COALESCE(NEW.ended_at, NEW.lease_until), left_because = NEW.end_reason
    WHERE stream_id = NEW.stream_id AND session_id = NEW.id;
END;

CREATE TRIGGER publish_attempts_tell_start AFTER INSERT ON publish_attempts
FOR EACH ROW
BEGIN
    INSERT INTO stream_events (type, user_id, stream_id, data)
    SELECT 'stream.publish_refused', user_id, id, json_object('stream_id', id, 'playback_id', playback_id,
        'server', NEW.server, 'reason', NEW.refusal, 'address', NULLIF(NEW.address, ''))
    FROM streams WHERE id = NEW.stream_id;
END;
CREATE TRIGGER publish_attempts_tell AFTER UPDATE OF last_at ON publish_attempts
FOR EACH ROW WHEN julianday(NEW.last_at) >= julianday(OLD.last_at, '+1 minute')
BEGIN
    INSERT INTO stream_events (type, user_id, stream_id, data)
    SELECT 'stream.publish_refused', user_id, id, json_object('stream_id', id, 'playback_id', playback_id,
        'server', NEW.server, 'reason', NEW.refusal, 'address', NULLIF(NEW.address, ''))
    FROM streams WHERE id = NEW.stream_id;
END;

CREATE TRIGGER stream_schedules_tell_start AFTER INSERT ON stream_schedules
FOR EACH ROW
BEGIN
    INSERT INTO stream_events (type, user_id, data)
    VALUES ('schedule.created', NEW.user_id, json_object('schedule_id', NEW.id,
        'starts_at', replace(NEW.starts_at, ' ', 'T') || 'Z', 'ends_at', replace(NEW.ends_at, ' ', 'T') || 'Z'));
END;
CREATE TRIGGER stream_schedules_tell AFTER UPDATE OF revision ON stream_schedules
FOR EACH ROW WHEN OLD.revision <> NEW.revision
BEGIN
    INSERT INTO stream_events (type, user_id, data)
    VALUES (CASE WHEN OLD.canceled_at IS NULL AND NEW.canceled_at IS NOT NULL THEN 'schedule.canceled'
            ELSE 'schedule.updated' END, NEW.user_id, json_object('schedule_id', NEW.id,
        'starts_at', replace(NEW.starts_at, ' ', 'T') || 'Z', 'ends_at', replace(NEW.ends_at, ' ', 'T') || 'Z'));
END;
-- The domain's Schedule::stream_at: one that ended before the time was a rehearsal.
CREATE TRIGGER stream_schedules_tell_absence AFTER UPDATE OF settled_at ON stream_schedules
FOR EACH ROW WHEN OLD.settled_at IS NULL AND NEW.settled_at IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM streams AS last WHERE last.id = (
        SELECT max(own.id) FROM scheduled_streams AS taken
        JOIN streams AS own ON own.id = taken.stream_id WHERE taken.schedule_id = NEW.id)
    AND CASE last.status WHEN 'stopped' THEN last.updated_at ELSE last.expires_at END >= NEW.starts_at)
BEGIN
    INSERT INTO stream_events (type, user_id, data)
    VALUES ('schedule.missed', NEW.user_id, json_object('schedule_id', NEW.id,
        'starts_at', replace(NEW.starts_at, ' ', 'T') || 'Z', 'ends_at', replace(NEW.ends_at, ' ', 'T') || 'Z'));
END;

-- Those who are live now are told of, so that each end in the log has a beginning.
INSERT INTO live_streams (stream_id, user_id, playback_id, session_id, epoch, live_since)
SELECT s.id, s.user_id, s.playback_id, p.id, p.epoch, p.live_since
FROM publish_sessions AS p JOIN streams AS s ON s.id = p.stream_id
WHERE p.ended_at IS NULL AND p.confirmed_at IS NOT NULL AND p.stalled_until IS NULL AND s.status = 'active';
INSERT INTO stream_events (type, user_id, stream_id, data)
SELECT 'stream.live', s.user_id, s.id, json_object('stream_id', s.id, 'playback_id', s.playback_id,
    'server', p.server, 'protocol', p.protocol, 'live_since', replace(p.live_since, ' ', 'T') || 'Z')
FROM live_streams AS told JOIN publish_sessions AS p ON p.id = told.session_id JOIN streams AS s ON s.id = told.stream_id;
