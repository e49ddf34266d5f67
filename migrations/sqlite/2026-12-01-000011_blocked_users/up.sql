-- Users who may not stream. One transaction writes at a time, so a start looks here, and nothing comes in between.
CREATE TABLE stream_blocked_users (
    user_id INTEGER NOT NULL PRIMARY KEY,
    reason TEXT,
    blocked_at TEXT NOT NULL
) STRICT;
