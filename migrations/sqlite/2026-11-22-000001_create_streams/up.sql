-- The documented schema in SQLite's words; times are UTC as text, `YYYY-MM-DD HH:MM:SS.ffffff`.
CREATE TABLE IF NOT EXISTS streams (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER,
    stream_key TEXT UNIQUE NOT NULL,
    status TEXT DEFAULT 'active',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS idx_streams_user_id ON streams (user_id);
CREATE INDEX IF NOT EXISTS idx_streams_expires_at ON streams (expires_at);
