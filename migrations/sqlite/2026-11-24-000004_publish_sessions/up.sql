-- No foreign key: a session outlives its stream until its publisher is seen to be gone.
CREATE TABLE publish_sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    stream_id INTEGER NOT NULL,
    server TEXT NOT NULL,
    server_session TEXT NOT NULL,
    run TEXT,
    ordinal INTEGER,
    application TEXT NOT NULL,
    name TEXT NOT NULL,
    protocol TEXT NOT NULL,
    address TEXT,
    epoch INTEGER NOT NULL,
    live_since TEXT NOT NULL,
    started_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,
    lease_until TEXT NOT NULL,
    key_expires_at TEXT NOT NULL,
    ended_at TEXT,
    end_reason TEXT,
    cut_because TEXT,
    cut_tried_at TEXT
) STRICT;
CREATE TABLE publish_attempts (
    stream_id INTEGER NOT NULL,
    server TEXT NOT NULL,
    address TEXT NOT NULL,
    refusal TEXT NOT NULL,
    first_at TEXT NOT NULL,
    last_at TEXT NOT NULL,
    PRIMARY KEY (stream_id, refusal, server, address)
) STRICT;

-- The rules themselves, for every writer.
CREATE UNIQUE INDEX publish_sessions_one_open_per_stream ON publish_sessions (stream_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX publish_sessions_one_open_per_server_session
ON publish_sessions (server, server_session) WHERE ended_at IS NULL;

-- What admissions, cuts and sweeps read.
CREATE INDEX publish_sessions_by_stream ON publish_sessions (stream_id, id);
CREATE INDEX publish_sessions_to_cut ON publish_sessions (server) WHERE cut_because IS NOT NULL;
CREATE INDEX publish_sessions_by_key_expiry ON publish_sessions (key_expires_at) WHERE ended_at IS NULL;
CREATE INDEX publish_sessions_by_ordinal ON publish_sessions (server, ordinal)
WHERE ended_at IS NULL AND ordinal IS NOT NULL;
CREATE INDEX publish_sessions_by_end ON publish_sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX publish_attempts_by_last ON publish_attempts (last_at);

-- A stream that ends, by whomever, takes its publisher with it.
CREATE TRIGGER streams_cut_publisher AFTER UPDATE OF status, expires_at ON streams
FOR EACH ROW
BEGIN
    UPDATE publish_sessions SET
        cut_because = CASE WHEN NEW.status = 'active' THEN cut_because
            WHEN NEW.status = 'expired' THEN 'expired' ELSE 'stopped' END,
        key_expires_at = NEW.expires_at
    WHERE stream_id = NEW.id AND ended_at IS NULL;
END;
CREATE TRIGGER streams_cut_deleted_publisher AFTER DELETE ON streams
FOR EACH ROW
BEGIN
    UPDATE publish_sessions SET cut_because = 'deleted' WHERE stream_id = OLD.id AND ended_at IS NULL;
END;
