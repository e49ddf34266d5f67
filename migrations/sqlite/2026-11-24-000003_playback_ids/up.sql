-- Each stream gets a name that everybody may know.
ALTER TABLE streams ADD COLUMN playback_id TEXT;
UPDATE streams SET playback_id = lower(hex(randomblob(16)));
CREATE UNIQUE INDEX streams_playback_id ON streams (playback_id);
