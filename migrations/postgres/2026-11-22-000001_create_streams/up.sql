-- The documented schema; where the table can be seen already, in whatever schema, it is taken as it is.
-- The foreign key to `users` is added in code, because `users` may appear later.
DO $$
BEGIN
    IF to_regclass('streams') IS NULL THEN
        CREATE TABLE streams (
            id SERIAL PRIMARY KEY,
            user_id INTEGER,
            stream_key VARCHAR(255) UNIQUE NOT NULL,
            status VARCHAR(50) DEFAULT 'active',
            created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
            updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
            expires_at TIMESTAMP NOT NULL
        );
    END IF;
END
$$;
CREATE INDEX IF NOT EXISTS idx_streams_user_id ON streams (user_id);
CREATE INDEX IF NOT EXISTS idx_streams_stream_key ON streams (stream_key);
CREATE INDEX IF NOT EXISTS idx_streams_status ON streams (status);
CREATE INDEX IF NOT EXISTS idx_streams_expires_at ON streams (expires_at);
