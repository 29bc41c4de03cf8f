-- Schema 3: files of messages, and pictures of people. Contents are in the folder beside the
-- database, each encrypted with a key that is only here.

-- Of this device only: 0 files of people who are accepted come by themselves, 1 all do, 2 none.
ALTER TABLE conversations ADD COLUMN auto_download INTEGER NOT NULL DEFAULT 0 CHECK (auto_download BETWEEN 0 AND 2);

CREATE TABLE files (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    message INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    -- Its place among the files of its message, from 0.
    position INTEGER NOT NULL DEFAULT 0,
    -- What its writer says of it.
    name TEXT NOT NULL DEFAULT '',
    mime TEXT NOT NULL DEFAULT '',
    caption TEXT NOT NULL DEFAULT '',
    -- -1: not told.
    size INTEGER NOT NULL DEFAULT -1,
    -- Pixels; 0 when not told.
    width INTEGER NOT NULL DEFAULT 0,
    height INTEGER NOT NULL DEFAULT 0,
    voice INTEGER NOT NULL DEFAULT 0 CHECK (voice IN (0, 1)),
    -- Where it is and what opens it: a key of 32 bytes for a stream, one of 64 bytes and a digest
    -- for the older form, none when it is not encrypted. No address: it is still to be uploaded.
    url TEXT NOT NULL DEFAULT '',
    key BLOB NOT NULL DEFAULT x'' CHECK (length(key) IN (0, 32, 64)),
    digest BLOB NOT NULL DEFAULT x'' CHECK (length(digest) IN (0, 32)),
    -- 0 remote, 1 waits for its transfer, 2 here, 3 failed, 4 gone.
    state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 4),
    -- Why, when state is 3 or 4.
    reason TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    -- The copy in the folder: its name there, its key, how long it is, and how long on the disk.
    blob TEXT NOT NULL DEFAULT '',
    blob_key BLOB NOT NULL DEFAULT x'' CHECK (length(blob_key) IN (0, 32)),
    blob_size INTEGER NOT NULL DEFAULT 0,
    blob_disk INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE UNIQUE INDEX files_by_message ON files (message, position);
CREATE INDEX files_waiting ON files (id) WHERE state = 1;
CREATE INDEX files_by_blob ON files (blob) WHERE blob <> '';

CREATE TABLE pictures (
    owner BLOB NOT NULL PRIMARY KEY CHECK (length(owner) = 33),
    -- The address of the picture this is; none: the own one, still to be uploaded.
    url TEXT NOT NULL DEFAULT '',
    mime TEXT NOT NULL DEFAULT '',
    -- As in files.
    state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 4),
    reason TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    -- Of the own one: when it was uploaded or its time at the server was extended.
    renewed_at INTEGER NOT NULL DEFAULT 0,
    blob TEXT NOT NULL DEFAULT '',
    blob_key BLOB NOT NULL DEFAULT x'' CHECK (length(blob_key) IN (0, 32)),
    blob_size INTEGER NOT NULL DEFAULT 0,
    blob_disk INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE INDEX pictures_by_blob ON pictures (blob) WHERE blob <> '';

-- Copies nothing refers to any more: taken out of the folder after the transaction that made them so.
CREATE TABLE removed_blobs (
    name TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TRIGGER files_removed AFTER DELETE ON files WHEN old.blob <> '' BEGIN
    INSERT OR IGNORE INTO removed_blobs (name) VALUES (old.blob);
END;
CREATE TRIGGER files_changed AFTER UPDATE OF blob ON files WHEN old.blob <> '' AND old.blob <> new.blob BEGIN
    INSERT OR IGNORE INTO removed_blobs (name) VALUES (old.blob);
END;
CREATE TRIGGER pictures_removed AFTER DELETE ON pictures WHEN old.blob <> '' BEGIN
    INSERT OR IGNORE INTO removed_blobs (name) VALUES (old.blob);
END;
CREATE TRIGGER pictures_changed AFTER UPDATE OF blob ON pictures WHEN old.blob <> '' AND old.blob <> new.blob BEGIN
    INSERT OR IGNORE INTO removed_blobs (name) VALUES (old.blob);
END;
