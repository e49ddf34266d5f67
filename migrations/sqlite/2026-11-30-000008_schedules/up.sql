-- What owners have planned; the details as in channels. A new key takes one from taken_from to ends_at.
CREATE TABLE stream_schedules (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    starts_at TEXT NOT NULL,
    ends_at TEXT NOT NULL,
    taken_from TEXT NOT NULL,
    time_zone TEXT,
    title TEXT,
    description TEXT,
    tags TEXT NOT NULL,
    category TEXT,
    language TEXT,
    content_labels TEXT NOT NULL,
    visibility TEXT NOT NULL,
    terms TEXT NOT NULL,
    canceled_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    revision INTEGER NOT NULL
) STRICT;
-- Which schedule a stream began for.
CREATE TABLE scheduled_streams (
    stream_id INTEGER PRIMARY KEY,
    schedule_id INTEGER NOT NULL
) STRICT;

-- What lists read: of everybody and of one user, soonest first; what is forgotten; and the streams of a schedule.
CREATE INDEX stream_schedules_soonest_first ON stream_schedules (starts_at, id);
CREATE INDEX stream_schedules_by_user ON stream_schedules (user_id, starts_at, id);
CREATE INDEX stream_schedules_by_end ON stream_schedules (ends_at);
CREATE INDEX scheduled_streams_by_schedule ON scheduled_streams (schedule_id, stream_id);

-- A stream takes the schedule that is current, and begins with what that says, or else its channel; whoever writes it.
DROP TRIGGER streams_take_details;
CREATE TRIGGER streams_take_details AFTER INSERT ON streams
FOR EACH ROW WHEN NEW.status = 'active'
BEGIN
    INSERT OR IGNORE INTO scheduled_streams (stream_id, schedule_id)
    SELECT NEW.id, planned.id FROM stream_schedules AS planned
    WHERE user_id = NEW.user_id AND canceled_at IS NULL AND taken_from <= NEW.created_at AND ends_at > NEW.created_at
    -- One whose stream has ended in its time comes after others: Schedule::is_taken_at, HasEnded.
    ORDER BY EXISTS (
        SELECT 1 FROM streams AS last WHERE last.id = (
            SELECT max(own.id) FROM scheduled_streams AS taken JOIN streams AS own ON own.id = taken.stream_id
            WHERE taken.schedule_id = planned.id)
        AND last.status <> 'active' AND last.updated_at >= planned.starts_at), starts_at, planned.id LIMIT 1;
    INSERT OR IGNORE INTO stream_details
        (stream_id, title, description, tags, category, language, content_labels, visibility)
    SELECT NEW.id, title, description, tags, category, language, content_labels, visibility
    FROM stream_schedules WHERE id = (SELECT schedule_id FROM scheduled_streams WHERE stream_id = NEW.id);
    INSERT OR IGNORE INTO stream_terms (stream_id, term, created_at)
    SELECT NEW.id, value, NEW.created_at FROM stream_schedules, json_each(stream_schedules.terms)
    WHERE stream_schedules.id = (SELECT schedule_id FROM scheduled_streams WHERE stream_id = NEW.id);
    INSERT OR IGNORE INTO stream_terms (stream_id, term, created_at)
    SELECT NEW.id, value, NEW.created_at FROM channels, json_each(channels.terms)
    WHERE channels.user_id = NEW.user_id AND NOT EXISTS (SELECT 1 FROM scheduled_streams WHERE stream_id = NEW.id);
    -- Ignored where the schedule has said something.
    INSERT OR IGNORE INTO stream_details
        (stream_id, title, description, tags, category, language, content_labels, visibility)
    SELECT NEW.id, title, description, tags, category, language, content_labels, visibility
    FROM channels WHERE user_id = NEW.user_id;
END;
CREATE TRIGGER streams_drop_schedule AFTER DELETE ON streams
FOR EACH ROW
BEGIN
    DELETE FROM scheduled_streams WHERE stream_id = OLD.id;
END;
