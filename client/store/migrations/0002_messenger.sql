-- Schema 2: everything of a one-to-one messenger. Times of configs are Unix seconds there and
-- here; all others are Unix milliseconds.

-- What the devices of the account agree on about each conversation. The configs decide; these
-- columns are their copy, for queries.
ALTER TABLE conversations DROP COLUMN name_sent_at;
ALTER TABLE conversations ADD COLUMN nickname TEXT NOT NULL DEFAULT '';
ALTER TABLE conversations ADD COLUMN picture_url TEXT NOT NULL DEFAULT '';
ALTER TABLE conversations ADD COLUMN picture_key BLOB NOT NULL DEFAULT x'';
-- Whether the account accepted the other side, and the other side the account.
ALTER TABLE conversations ADD COLUMN approved INTEGER NOT NULL DEFAULT 0 CHECK (approved IN (0, 1));
ALTER TABLE conversations ADD COLUMN approved_me INTEGER NOT NULL DEFAULT 0 CHECK (approved_me IN (0, 1));
ALTER TABLE conversations ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0 CHECK (blocked IN (0, 1));
-- Below 0 hidden, above 0 pinned.
ALTER TABLE conversations ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
-- 0 default, 1 all, 2 off, 3 mentions.
ALTER TABLE conversations ADD COLUMN notify INTEGER NOT NULL DEFAULT 0 CHECK (notify BETWEEN 0 AND 3);
ALTER TABLE conversations ADD COLUMN muted_until INTEGER NOT NULL DEFAULT 0;
-- 0 off, 1 after reading, 2 after sending.
ALTER TABLE conversations ADD COLUMN timer_kind INTEGER NOT NULL DEFAULT 0 CHECK (timer_kind BETWEEN 0 AND 2);
ALTER TABLE conversations ADD COLUMN timer_seconds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN last_read INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN marked_unread INTEGER NOT NULL DEFAULT 0 CHECK (marked_unread IN (0, 1));
-- Of this device only: what was begun to be written.
ALTER TABLE conversations ADD COLUMN draft TEXT NOT NULL DEFAULT '';

-- 0 text, 1 timer changed, 2 community invitation, 3 request accepted, 4 screenshot taken,
-- 5 media saved, 6 deleted by its writer.
ALTER TABLE messages ADD COLUMN kind INTEGER NOT NULL DEFAULT 0 CHECK (kind BETWEEN 0 AND 6);
-- What a message has besides its text, as JSON; empty for nothing.
ALTER TABLE messages ADD COLUMN details TEXT NOT NULL DEFAULT '';
-- As in conversations, but what the writer set.
ALTER TABLE messages ADD COLUMN timer_kind INTEGER NOT NULL DEFAULT 0 CHECK (timer_kind BETWEEN 0 AND 2);
ALTER TABLE messages ADD COLUMN timer_seconds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN disappears_at INTEGER NOT NULL DEFAULT 0;
-- When the other side told that it read an own message.
ALTER TABLE messages ADD COLUMN read_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN mentions_me INTEGER NOT NULL DEFAULT 0 CHECK (mentions_me IN (0, 1));
-- 1: the sent time is this machine's, not yet compared with the network's.
ALTER TABLE messages ADD COLUMN time_unsure INTEGER NOT NULL DEFAULT 0 CHECK (time_unsure IN (0, 1));
-- 1: a try to send it was begun, so that somebody may have it.
ALTER TABLE messages ADD COLUMN tried INTEGER NOT NULL DEFAULT 0 CHECK (tried IN (0, 1));
-- The content as it came, of messages that hold more than this version shows.
ALTER TABLE messages ADD COLUMN content BLOB NOT NULL DEFAULT x'';

UPDATE messages SET tried = 1
WHERE state = 2 OR id IN (SELECT message FROM outbox WHERE payload <> x'');

CREATE INDEX messages_disappearing ON messages (disappears_at) WHERE disappears_at > 0;
CREATE INDEX messages_unsure ON messages (sent_at) WHERE time_unsure = 1;
DROP INDEX messages_unread;
CREATE INDEX messages_unread ON messages (conversation, sent_at, mentions_me) WHERE unread = 1;

-- The newest word of each person about each emoji at a message; present = 0: taken back.
CREATE TABLE reactions (
    message INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    author BLOB NOT NULL CHECK (length(author) = 33),
    emoji TEXT NOT NULL,
    present INTEGER NOT NULL DEFAULT 1 CHECK (present IN (0, 1)),
    sent_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (message, author, emoji)
) STRICT, WITHOUT ROWID;

-- Reactions, deletions and receipts that came before the message they are about.
CREATE TABLE early_effects (
    -- The message: who wrote it, and when.
    author BLOB NOT NULL CHECK (length(author) = 33),
    sent_at INTEGER NOT NULL,
    -- 0 reaction, 1 deletion, 2 receipt.
    kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 2),
    -- Whose effect, with which emoji.
    sender BLOB NOT NULL CHECK (length(sender) = 33),
    emoji TEXT NOT NULL DEFAULT '',
    present INTEGER NOT NULL DEFAULT 1 CHECK (present IN (0, 1)),
    at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (author, sent_at, kind, sender, emoji)
) STRICT, WITHOUT ROWID;

CREATE INDEX early_effects_by_time ON early_effects (at);

-- Messages removed from this device, so that no copy of them comes back.
CREATE TABLE removed_messages (
    sender BLOB NOT NULL CHECK (length(sender) = 33),
    sent_at INTEGER NOT NULL,
    removed_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (sender, sent_at)
) STRICT, WITHOUT ROWID;

CREATE INDEX removed_messages_by_time ON removed_messages (removed_at);

-- What is to be asked of the own swarm about messages it holds.
CREATE TABLE swarm_tasks (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    -- 0 delete, 1 keep no longer than until expires_at, 2 ask until when it is kept.
    kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 2),
    hash TEXT NOT NULL,
    -- 0: of no message here.
    message INTEGER NOT NULL DEFAULT 0,
    expires_at INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE UNIQUE INDEX swarm_tasks_by_hash ON swarm_tasks (hash, kind);

-- The configs as they were saved last.
CREATE TABLE configs (
    namespace INTEGER NOT NULL PRIMARY KEY,
    dump BLOB NOT NULL DEFAULT x'',
    -- When the newest version merged or pushed was stored in the swarm.
    stored_at INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Configs are merged from now on. What was kept unread is fetched again.
DROP TABLE received_configs;
DELETE FROM seen WHERE namespace <> 0;
DELETE FROM last_hashes WHERE namespace <> 0;

-- Jobs need not be about a message that is shown any more.
CREATE TABLE new_outbox (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    -- 0: of no message here, or of one that is gone.
    message INTEGER NOT NULL DEFAULT 0,
    -- 0 to the recipient, 1 to the own swarm.
    kind INTEGER NOT NULL DEFAULT 0 CHECK (kind IN (0, 1)),
    -- Whose swarm.
    recipient BLOB NOT NULL CHECK (length(recipient) = 33),
    -- The other side of the conversation it belongs to.
    conversation BLOB NOT NULL CHECK (length(conversation) = 33),
    -- Serialised content; empty for a message, whose row says all.
    content BLOB NOT NULL DEFAULT x'',
    -- The envelope time; of a message, that of its row.
    sent_at INTEGER NOT NULL DEFAULT 0,
    -- 1: nobody waits for it, so it may go out later than what a person just wrote.
    quiet INTEGER NOT NULL DEFAULT 0 CHECK (quiet IN (0, 1)),
    -- 0: waits until the job in `waits_for` succeeded.
    ready INTEGER NOT NULL DEFAULT 1 CHECK (ready IN (0, 1)),
    waits_for INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt INTEGER NOT NULL DEFAULT 0,
    -- What went wrong last.
    reason TEXT NOT NULL DEFAULT '',
    -- The sealed bytes, made at the first try: a retry stores the same message, not a second one.
    payload BLOB NOT NULL DEFAULT x''
) STRICT;

INSERT INTO new_outbox (id, message, kind, recipient, conversation, sent_at, ready, waits_for,
                        attempts, next_attempt, reason, payload)
SELECT o.id, o.message, o.kind, o.recipient, m.conversation, m.sent_at, o.ready,
       coalesce((SELECT d.id FROM outbox d WHERE d.message = o.message AND d.kind = 0 AND o.ready = 0), 0),
       o.attempts, o.next_attempt, o.reason, o.payload
FROM outbox o JOIN messages m ON m.id = o.message;

-- No number is used twice, also not one that is done.
DELETE FROM sqlite_sequence WHERE name = 'new_outbox';
INSERT INTO sqlite_sequence (name, seq)
SELECT 'new_outbox', seq FROM sqlite_sequence WHERE name = 'outbox';

DROP TABLE outbox;
ALTER TABLE new_outbox RENAME TO outbox;

CREATE INDEX outbox_by_message ON outbox (message) WHERE message > 0;
CREATE INDEX outbox_by_conversation ON outbox (conversation);
CREATE INDEX outbox_by_recipient ON outbox (recipient, quiet, id) WHERE ready = 1;
CREATE INDEX outbox_waiting ON outbox (waits_for) WHERE ready = 0;

-- The words of all texts, each text with a word that stands for its conversation and that nobody
-- can type: a search within one conversation is then a search for one more word. Triggers keep it
-- in step. What is removed is removed from the index too.
CREATE VIEW message_texts (id, body, place) AS
SELECT id, body, char(0xE000) || hex(conversation) FROM messages;

CREATE VIRTUAL TABLE message_words USING fts5 (
    body, place, content = 'message_texts', content_rowid = 'id', columnsize = 0,
    tokenize = 'unicode61 remove_diacritics 2'
);
INSERT INTO message_words (message_words, rank) VALUES ('secure-delete', 1);
INSERT INTO message_words (message_words) VALUES ('rebuild');

CREATE TRIGGER messages_words_added AFTER INSERT ON messages BEGIN
    INSERT INTO message_words (rowid, body, place)
    VALUES (new.id, new.body, char(0xE000) || hex(new.conversation));
END;
CREATE TRIGGER messages_words_removed AFTER DELETE ON messages BEGIN
    INSERT INTO message_words (message_words, rowid, body, place)
    VALUES ('delete', old.id, old.body, char(0xE000) || hex(old.conversation));
END;
CREATE TRIGGER messages_words_changed AFTER UPDATE OF body ON messages WHEN old.body <> new.body BEGIN
    INSERT INTO message_words (message_words, rowid, body, place)
    VALUES ('delete', old.id, old.body, char(0xE000) || hex(old.conversation));
    INSERT INTO message_words (rowid, body, place)
    VALUES (new.id, new.body, char(0xE000) || hex(new.conversation));
END;
