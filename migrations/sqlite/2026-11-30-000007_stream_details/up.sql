-- Tags, labels and terms have no blanks, and are separated by them; terms are a JSON array, for `json_each`.
CREATE TABLE channels (
    user_id INTEGER PRIMARY KEY,
    title TEXT,
    description TEXT,
    tags TEXT NOT NULL,
    category TEXT,
    language TEXT,
    content_labels TEXT NOT NULL,
    visibility TEXT NOT NULL,
    terms TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
CREATE TABLE stream_details (
    stream_id INTEGER PRIMARY KEY,
    title TEXT,
    description TEXT,
    tags TEXT NOT NULL,
    category TEXT,
    language TEXT,
    content_labels TEXT NOT NULL,
    visibility TEXT NOT NULL
) STRICT;
-- What active, public streams are found by.
CREATE TABLE stream_terms (
    stream_id INTEGER NOT NULL,
    term TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (stream_id, term)
) STRICT, WITHOUT ROWID;

-- What lists of a term read, newest first.
CREATE INDEX stream_terms_newest_first ON stream_terms (term, created_at DESC, stream_id DESC);

-- A stream begins with what its user's channel says, whoever writes it.
CREATE TRIGGER streams_take_details AFTER INSERT ON streams
FOR EACH ROW WHEN NEW.status = 'active'
BEGIN
    INSERT OR IGNORE INTO stream_details
        (stream_id, title, description, tags, category, language, content_labels, visibility)
    SELECT NEW.id, title, description, tags, category, language, content_labels, visibility
    FROM channels WHERE user_id = NEW.user_id;
    INSERT OR IGNORE INTO stream_terms (stream_id, term, created_at)
    SELECT NEW.id, value, NEW.created_at FROM channels, json_each(channels.terms) WHERE channels.user_id = NEW.user_id;
END;
-- A stream that ends is found no longer.
CREATE TRIGGER streams_drop_terms AFTER UPDATE OF status ON streams
FOR EACH ROW WHEN NEW.status <> 'active'
BEGIN
    DELETE FROM stream_terms WHERE stream_id = NEW.id;
END;
CREATE TRIGGER streams_drop_details AFTER DELETE ON streams
FOR EACH ROW
BEGIN
    DELETE FROM stream_details WHERE stream_id = OLD.id;
    DELETE FROM stream_terms WHERE stream_id = OLD.id;
END;
