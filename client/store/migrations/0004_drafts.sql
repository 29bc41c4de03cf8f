-- Schema 4: drafts hold the message they answer and files; voices have a shape.

-- Of this device only: the message that is answered; 0 for none. It may be gone by now.
ALTER TABLE conversations ADD COLUMN draft_reply INTEGER NOT NULL DEFAULT 0;

-- Files chosen to be sent with a draft, as they were chosen.
CREATE TABLE draft_files (
    -- Never used twice.
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    conversation BLOB NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    -- Its place among the files of the draft, from 0.
    position INTEGER NOT NULL DEFAULT 0,
    -- As in files.
    name TEXT NOT NULL DEFAULT '',
    mime TEXT NOT NULL DEFAULT '',
    caption TEXT NOT NULL DEFAULT '',
    width INTEGER NOT NULL DEFAULT 0,
    height INTEGER NOT NULL DEFAULT 0,
    voice INTEGER NOT NULL DEFAULT 0 CHECK (voice IN (0, 1)),
    -- 1: to be sent byte by byte as it is.
    as_file INTEGER NOT NULL DEFAULT 0 CHECK (as_file IN (0, 1)),
    blob TEXT NOT NULL,
    blob_key BLOB NOT NULL CHECK (length(blob_key) = 32),
    blob_size INTEGER NOT NULL DEFAULT 0,
    blob_disk INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX draft_files_by_conversation ON draft_files (conversation, position);

CREATE TRIGGER draft_files_removed AFTER DELETE ON draft_files BEGIN
    INSERT OR IGNORE INTO removed_blobs (name) VALUES (old.blob);
END;

-- Of sounds that are on this device: how loud they are from beginning to end, in equal parts, 0 to
-- 255 each, and how long they last in milliseconds; empty and 0 when that is not known.
ALTER TABLE files ADD COLUMN waveform BLOB NOT NULL DEFAULT x'';
ALTER TABLE files ADD COLUMN duration INTEGER NOT NULL DEFAULT 0;
