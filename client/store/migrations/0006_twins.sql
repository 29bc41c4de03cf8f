-- Schema 6: two devices of an account may write in the same millisecond.

-- A sender and a sent time name a message almost always, and no longer by constraint: of two
-- messages that share them both keep their time, so that every device and both people see the same.
DROP INDEX messages_by_sender;
CREATE INDEX messages_by_sender ON messages (sender, sent_at);
