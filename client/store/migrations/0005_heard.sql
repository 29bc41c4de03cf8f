-- Schema 5: which voice messages were listened to.

-- Of this device only: 1 once it was played. What came before this was noted counts as played.
ALTER TABLE files ADD COLUMN heard INTEGER NOT NULL DEFAULT 0 CHECK (heard IN (0, 1));
UPDATE files SET heard = 1 WHERE voice = 1;
