-- The documented schema; where the table can be seen already, in whatever schema, it is taken as it is.
-- The foreign key to `users` is added in code, because `users` may appear later.
-- A table that was restored without its constraints gets them again, under whatever names it had them before.
DO $$
BEGIN
    IF to_regclass('streams') IS NULL THEN
        CREATE TABLE streams (
            id SERIAL PRIMARY KEY,
            user_id INTEGER,
            stream_key VARCHAR(255) UNIQUE NOT NULL,
            status VARCHAR(50) DEFAULT 'active',
            created_at TIMESTAMP DEFAULT timezone('UTC', now()),
            updated_at TIMESTAMP DEFAULT timezone('UTC', now()),
            expires_at TIMESTAMP NOT NULL
        );
    END IF;
    IF NOT EXISTS (SELECT FROM pg_index WHERE indrelid = to_regclass('streams') AND indisprimary) THEN
        ALTER TABLE streams ADD PRIMARY KEY (id);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attname = 'stream_key'
                   WHERE indrelid = to_regclass('streams') AND indisunique AND indisvalid AND indpred IS NULL
                   AND indnkeyatts = 1 AND indkey[0] = attnum) THEN
        ALTER TABLE streams ADD CONSTRAINT streams_stream_key_key UNIQUE (stream_key);
    END IF;
END
$$;
CREATE INDEX IF NOT EXISTS idx_streams_user_id ON streams (user_id);
CREATE INDEX IF NOT EXISTS idx_streams_stream_key ON streams (stream_key);
CREATE INDEX IF NOT EXISTS idx_streams_status ON streams (status);
CREATE INDEX IF NOT EXISTS idx_streams_expires_at ON streams (expires_at);
