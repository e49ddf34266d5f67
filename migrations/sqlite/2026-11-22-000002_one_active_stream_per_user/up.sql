-- The rule itself, for every writer.
CREATE UNIQUE INDEX streams_one_active_per_user ON streams (user_id) WHERE status = 'active';

-- What the public list and the sweep read: active streams only, however many have ended.
CREATE INDEX streams_active_newest_first ON streams (created_at DESC, id DESC) WHERE status = 'active';
CREATE INDEX streams_active_by_expiry ON streams (expires_at) WHERE status = 'active';

-- A stale active stream (expired, not yet swept) makes room for its user's next one.
CREATE TRIGGER streams_make_room BEFORE INSERT ON streams
FOR EACH ROW WHEN NEW.status = 'active'
BEGIN
    UPDATE streams SET status = 'expired', updated_at = NEW.created_at
    WHERE user_id = NEW.user_id AND status = 'active' AND expires_at <= NEW.created_at;
END;
