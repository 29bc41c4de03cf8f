-- Schema 1. Times are Unix milliseconds of network time. Ids of accounts and groups are 33 raw
-- bytes: prefix and key. An absent time is 0, an absent text is empty.

-- Who this account is: always exactly one row.
CREATE TABLE identity (
    only_row INTEGER NOT NULL PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
    account BLOB NOT NULL CHECK (length(account) = 33),
    seed BLOB NOT NULL CHECK (length(seed) = 16),
    display_name TEXT NOT NULL DEFAULT '',
    network TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL DEFAULT 0,
    -- The newest sent time ever given out; the next one is later.
    last_sent_at INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Small texts by name: preferences, and state other floors keep here.
CREATE TABLE settings (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL DEFAULT '',
    saved_at INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- The members of each owner's swarm, as last heard.
CREATE TABLE swarms (
    owner BLOB NOT NULL PRIMARY KEY CHECK (length(owner) = 33),
    members TEXT NOT NULL DEFAULT '',
    saved_at INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE conversations (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 33),
    -- The name the other side gave itself, and the sent time of the message that said so.
    name TEXT NOT NULL DEFAULT '',
    name_sent_at INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
    -- Never used twice, also not after a message was deleted.
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    conversation BLOB NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    sender BLOB NOT NULL CHECK (length(sender) = 33),
    -- 1: written by this account, on this or another device.
    outgoing INTEGER NOT NULL DEFAULT 0 CHECK (outgoing IN (0, 1)),
    body TEXT NOT NULL DEFAULT '',
    sent_at INTEGER NOT NULL DEFAULT 0,
    -- When a node stored it, until when it keeps it, and under which name.
    stored_at INTEGER NOT NULL DEFAULT 0,
    expires_at INTEGER NOT NULL DEFAULT 0,
    hash TEXT NOT NULL DEFAULT '',
    -- 0 sending, 1 sent, 2 failed, 3 received.
    state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),
    -- Why, when state is 2.
    failure TEXT NOT NULL DEFAULT '',
    unread INTEGER NOT NULL DEFAULT 0 CHECK (unread IN (0, 1))
) STRICT;

-- A sender never uses a millisecond twice: this names a message on every device.
CREATE UNIQUE INDEX messages_by_sender ON messages (sender, sent_at);
CREATE INDEX messages_by_time ON messages (conversation, sent_at, id);
CREATE INDEX messages_unread ON messages (conversation, sent_at) WHERE unread = 1;

-- What is still to be stored in a swarm.
CREATE TABLE outbox (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    message INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    -- 0 to the recipient, 1 to the own swarm.
    kind INTEGER NOT NULL DEFAULT 0 CHECK (kind IN (0, 1)),
    -- Whose swarm.
    recipient BLOB NOT NULL CHECK (length(recipient) = 33),
    -- 0: waits until the delivery of the same message succeeded.
    ready INTEGER NOT NULL DEFAULT 1 CHECK (ready IN (0, 1)),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt INTEGER NOT NULL DEFAULT 0,
    -- What went wrong last.
    reason TEXT NOT NULL DEFAULT '',
    -- The sealed bytes, made at the first try: a retry stores the same message, not a second one.
    payload BLOB NOT NULL DEFAULT x''
) STRICT;

CREATE UNIQUE INDEX outbox_by_message ON outbox (message, kind);
CREATE INDEX outbox_by_recipient ON outbox (recipient, id) WHERE ready = 1;

-- Hashes of everything that was looked at, readable or not.
CREATE TABLE seen (
    namespace INTEGER NOT NULL,
    hash TEXT NOT NULL,
    expires_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (namespace, hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX seen_by_expiry ON seen (expires_at);

-- Config messages as they came, for the part of the program that merges them.
CREATE TABLE received_configs (
    namespace INTEGER NOT NULL,
    hash TEXT NOT NULL,
    data BLOB NOT NULL DEFAULT x'',
    stored_at INTEGER NOT NULL DEFAULT 0,
    expires_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (namespace, hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX received_configs_by_expiry ON received_configs (expires_at);

-- How far each node's answers were read.
CREATE TABLE last_hashes (
    node BLOB NOT NULL CHECK (length(node) = 32),
    owner BLOB NOT NULL CHECK (length(owner) = 33),
    namespace INTEGER NOT NULL,
    hash TEXT NOT NULL DEFAULT '',
    expires_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (node, owner, namespace)
) STRICT, WITHOUT ROWID;

CREATE INDEX last_hashes_by_expiry ON last_hashes (expires_at);
