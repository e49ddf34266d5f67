-- What owners have planned; the details as in channels. A new key takes one from taken_from to ends_at.
CREATE TABLE schedules (
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
CREATE TABLE schedule_streams (
    stream_id INTEGER PRIMARY KEY,
    schedule_id INTEGER NOT NULL
) STRICT;

-- What lists read: of everybody and of one user, soonest first; what is forgotten; and the streams of a schedule.
CREATE INDEX schedules_soonest_first ON schedules (starts_at, id);
CREATE INDEX schedules_by_user ON schedules (user_id, starts_at, id);
CREATE INDEX schedules_by_end ON schedules (ends_at);
CREATE INDEX schedule_streams_by_schedule ON schedule_streams (schedule_id, stream_id);

-- A stream takes the schedule that is current, and begins with what that says, or else its channel; whoever writes it.
DROP TRIGGER streams_take_details;
CREATE TRIGGER streams_take_details AFTER INSERT ON streams
FOR EACH ROW WHEN NEW.status = 'active'
BEGIN
    INSERT OR IGNORE INTO schedule_streams (stream_id, schedule_id)
    SELECT NEW.id, id FROM schedules
    WHERE user_id = NEW.user_id AND canceled_at IS NULL AND taken_from <= NEW.created_at AND ends_at > NEW.created_at
    ORDER BY starts_at, id LIMIT 1;
    INSERT OR IGNORE INTO stream_details
        (stream_id, title, description, tags, category, language, content_labels, visibility)
    SELECT NEW.id, title, description, tags, category, language, content_labels, visibility
    FROM schedules WHERE id = (SELECT schedule_id FROM schedule_streams WHERE stream_id = NEW.id);
    INSERT OR IGNORE INTO stream_terms (stream_id, term, created_at)
    SELECT NEW.id, value, NEW.created_at FROM schedules, json_each(schedules.terms)
    WHERE schedules.id = (SELECT schedule_id FROM schedule_streams WHERE stream_id = NEW.id);
    INSERT OR IGNORE INTO stream_terms (stream_id, term, created_at)
    SELECT NEW.id, value, NEW.created_at FROM channels, json_each(channels.terms)
    WHERE channels.user_id = NEW.user_id AND NOT EXISTS (SELECT 1 FROM schedule_streams WHERE stream_id = NEW.id);
    -- Ignored where the schedule has said something.
    INSERT OR IGNORE INTO stream_details
        (stream_id, title, description, tags, category, language, content_labels, visibility)
    SELECT NEW.id, title, description, tags, category, language, content_labels, visibility
    FROM channels WHERE user_id = NEW.user_id;
END;
CREATE TRIGGER streams_drop_schedule AFTER DELETE ON streams
FOR EACH ROW
BEGIN
    DELETE FROM schedule_streams WHERE stream_id = OLD.id;
END;
