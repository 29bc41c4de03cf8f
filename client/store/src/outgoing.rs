//! The way out: sent times, the outbox, and what became of each message.

use core::time::Duration;

use rusqlite::{Connection, Row, params};
use session_types::{AccountId, Namespace, Timestamp};

use crate::incoming::{ensure_conversation, remember};
use crate::rows::{
    Delivered, JobId, JobKind, MessageId, MessageState, NewOutgoing, OutboxJob, OutgoingRow, Sql,
};
use crate::store::{find, list, run};
use crate::{Store, StoreError};

/// The jobs at the head of their queues: of each swarm the earliest that is ready. Steps from
/// swarm to swarm along the index, so that a long queue costs no more than a short one.
macro_rules! heads {
    () => {
        "WITH RECURSIVE swarm (recipient) AS (
             SELECT min(f.recipient) FROM outbox f WHERE f.ready = 1
             UNION ALL
             SELECT (SELECT min(n.recipient) FROM outbox n
                     WHERE n.ready = 1 AND n.recipient > swarm.recipient)
             FROM swarm WHERE swarm.recipient IS NOT NULL),
         head (id) AS (
             SELECT (SELECT min(e.id) FROM outbox e
                     WHERE e.ready = 1 AND e.recipient = swarm.recipient)
             FROM swarm) "
    };
}

pub(crate) const DUE_JOBS: &str = concat!(
    heads!(),
    "SELECT o.id, o.message, o.kind, o.recipient, m.conversation, m.sent_at, m.body, o.attempts,
            o.next_attempt, o.payload
     FROM head JOIN outbox o ON o.id = head.id JOIN messages m ON m.id = o.message
     WHERE o.next_attempt <= ?1
     ORDER BY o.id"
);

pub(crate) const NEXT_JOB: &str = concat!(
    heads!(),
    "SELECT min(o.next_attempt) FROM head JOIN outbox o ON o.id = head.id"
);

impl Store {
    /// A sent time later than every one given out before, and `now` if that is later.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn allocate_sent_at(&mut self, now: Timestamp) -> Result<Timestamp, StoreError> {
        let own = self.account_id();
        let transaction = self.write()?;
        let sent_at = allocate(&transaction, own, now)?;
        transaction.commit()?;
        Ok(sent_at)
    }

    /// Writes a message down as being sent, with the jobs that send it: to the recipient's
    /// swarm, then a copy to the own swarm; for a note to self only the latter.
    ///
    /// # Errors
    /// When the database cannot be written; then nothing was queued.
    pub fn queue_outgoing(&mut self, new: &NewOutgoing) -> Result<OutgoingRow, StoreError> {
        let own = self.account_id();
        let transaction = self.write()?;
        let sent_at = allocate(&transaction, own, new.now)?;
        ensure_conversation(&transaction, new.conversation)?;
        let sql = "INSERT INTO messages (conversation, sender, outgoing, body, sent_at, state)
                   VALUES (?1, ?2, 1, ?3, ?4, ?5)";
        run(
            &transaction,
            sql,
            params![
                Sql(new.conversation),
                Sql(own),
                new.body,
                Sql(sent_at),
                MessageState::SENDING
            ],
        )?;
        let id = MessageId::new(transaction.last_insert_rowid());
        insert_jobs(&transaction, id, own, new.conversation, new.now)?;
        transaction.commit()?;
        Ok(OutgoingRow { id, sent_at })
    }

    /// The jobs that may be tried now, oldest first: at most one per swarm, since a message is
    /// not tried before those queued earlier for the same swarm are done or given up.
    ///
    /// A job stays due until its result is told.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn due_jobs(&self, now: Timestamp) -> Result<Vec<OutboxJob>, StoreError> {
        list(&self.connection, DUE_JOBS, [Sql(now)], read_job)
    }

    /// When the next job becomes due, which may be in the past; `None` when the outbox is empty.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn next_job_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let next = find(&self.connection, NEXT_JOB, (), |row| {
            row.get::<_, Option<i64>>(0)
        })?;
        Ok(next
            .flatten()
            .and_then(|ms| u64::try_from(ms).ok())
            .map(Timestamp::from_ms))
    }

    /// Keeps the sealed bytes of a job, so that every try stores the same message.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn keep_payload(&mut self, job: JobId, payload: &[u8]) -> Result<(), StoreError> {
        run(
            &self.connection,
            "UPDATE outbox SET payload = ?2 WHERE id = ?1",
            params![job, payload],
        )?;
        Ok(())
    }

    /// The swarm stored the message of a job. After the delivery the message is sent and its
    /// copy becomes due. The copy's hash replaces the delivery's, because it is the one that
    /// names the message in the own swarm (docs/protocol/client.md section 4.8).
    ///
    /// Does nothing when the job is gone, for example because another process told its result.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn job_succeeded(&mut self, job: JobId, delivered: &Delivered) -> Result<(), StoreError> {
        let transaction = self.write()?;
        let Some((message, kind)) = job_of(&transaction, job)? else {
            return Ok(());
        };
        run(&transaction, "DELETE FROM outbox WHERE id = ?1", [job])?;
        let sql = "UPDATE messages SET state = ?2, failure = '', hash = ?3, stored_at = ?4,
                   expires_at = ?5 WHERE id = ?1";
        run(
            &transaction,
            sql,
            params![
                message,
                MessageState::SENT,
                delivered.hash.as_str(),
                Sql(delivered.stored_at),
                Sql(delivered.expires_at)
            ],
        )?;
        match kind {
            JobKind::Deliver => {
                run(
                    &transaction,
                    "UPDATE outbox SET ready = 1, next_attempt = 0 WHERE message = ?1",
                    [message],
                )?;
            }
            JobKind::SyncCopy => {
                let expires_at = delivered.expires_at;
                remember(
                    &transaction,
                    Namespace::DEFAULT,
                    &delivered.hash,
                    expires_at,
                )?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// The attempt failed and is to be repeated at `next_attempt`. Does nothing when the job is
    /// gone.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn job_postponed(
        &mut self,
        job: JobId,
        next_attempt: Timestamp,
        reason: &str,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE outbox SET attempts = attempts + 1, next_attempt = ?2, reason = ?3
                   WHERE id = ?1";
        run(
            &self.connection,
            sql,
            params![job, Sql(next_attempt), reason],
        )?;
        Ok(())
    }

    /// The job is given up. A message that was not delivered is failed then; one whose copy to
    /// the own swarm is given up stays sent. Does nothing when the job is gone.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn job_failed(&mut self, job: JobId, reason: &str) -> Result<(), StoreError> {
        let transaction = self.write()?;
        let Some((message, _)) = job_of(&transaction, job)? else {
            return Ok(());
        };
        run(
            &transaction,
            "DELETE FROM outbox WHERE message = ?1",
            [message],
        )?;
        let sql = "UPDATE messages SET state = ?2, failure = ?3 WHERE id = ?1 AND state = ?4";
        run(
            &transaction,
            sql,
            params![message, MessageState::FAILED, reason, MessageState::SENDING],
        )?;
        transaction.commit()?;
        Ok(())
    }

    /// Queues a failed message again, behind all others, with its sent time as before. Tells
    /// whether it was failed; otherwise nothing is changed.
    ///
    /// # Errors
    /// [`StoreError::UnknownMessage`], or when the database cannot be written.
    pub fn retry_failed(&mut self, message: MessageId, now: Timestamp) -> Result<bool, StoreError> {
        let own = self.account_id();
        let transaction = self.write()?;
        let sql = "SELECT state, conversation FROM messages WHERE id = ?1";
        let (state, Sql(conversation)) = find(&transaction, sql, [message], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Sql<AccountId>>(1)?))
        })?
        .ok_or(StoreError::UnknownMessage)?;
        if state != MessageState::FAILED {
            return Ok(false);
        }
        let sql = "UPDATE messages SET state = ?2, failure = '' WHERE id = ?1";
        run(&transaction, sql, params![message, MessageState::SENDING])?;
        insert_jobs(&transaction, message, own, conversation, now)?;
        transaction.commit()?;
        Ok(true)
    }
}

/// The next free sent time, kept as the newest given out.
fn allocate(
    connection: &Connection,
    own: AccountId,
    now: Timestamp,
) -> Result<Timestamp, StoreError> {
    let last = find(connection, "SELECT last_sent_at FROM identity", (), |row| {
        Ok(row.get::<_, Sql<Timestamp>>(0)?.0)
    })?
    .ok_or(StoreError::Damaged("the identity"))?;
    let mut sent_at = now.max(later(last));
    // Another device of the account may have used this very millisecond.
    let sql = "SELECT 1 FROM messages WHERE sender = ?1 AND sent_at = ?2";
    while find(connection, sql, params![Sql(own), Sql(sent_at)], |_| Ok(()))?.is_some() {
        sent_at = later(sent_at);
    }
    run(
        connection,
        "UPDATE identity SET last_sent_at = ?1",
        [Sql(sent_at)],
    )?;
    Ok(sent_at)
}

fn later(time: Timestamp) -> Timestamp {
    time.plus(Duration::from_millis(1))
}

fn insert_jobs(
    connection: &Connection,
    message: MessageId,
    own: AccountId,
    recipient: AccountId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO outbox (message, kind, recipient, ready, next_attempt)
               VALUES (?1, ?2, ?3, ?4, ?5)";
    let note_to_self = recipient == own;
    if !note_to_self {
        run(
            connection,
            sql,
            params![message, JobKind::DELIVER, Sql(recipient), 1, Sql(now)],
        )?;
    }
    run(
        connection,
        sql,
        params![
            message,
            JobKind::SYNC_COPY,
            Sql(own),
            i64::from(note_to_self),
            Sql(now)
        ],
    )?;
    Ok(())
}

fn job_of(connection: &Connection, job: JobId) -> Result<Option<(MessageId, JobKind)>, StoreError> {
    let sql = "SELECT message, kind FROM outbox WHERE id = ?1";
    find(connection, sql, [job], |row| {
        Ok((row.get(0)?, read_kind(row, 1)?))
    })
}

fn read_kind(row: &Row<'_>, at: usize) -> rusqlite::Result<JobKind> {
    match row.get(at)? {
        JobKind::DELIVER => Ok(JobKind::Deliver),
        JobKind::SYNC_COPY => Ok(JobKind::SyncCopy),
        other => Err(rusqlite::Error::IntegralValueOutOfRange(at, other)),
    }
}

fn read_job(row: &Row<'_>) -> rusqlite::Result<OutboxJob> {
    Ok(OutboxJob {
        id: row.get(0)?,
        message_id: row.get(1)?,
        kind: read_kind(row, 2)?,
        recipient: row.get::<_, Sql<AccountId>>(3)?.0,
        conversation: row.get::<_, Sql<AccountId>>(4)?.0,
        sent_at: row.get::<_, Sql<Timestamp>>(5)?.0,
        body: row.get(6)?,
        attempts: row.get(7)?,
        next_attempt: row.get::<_, Sql<Timestamp>>(8)?.0,
        payload: Some(row.get::<_, Vec<u8>>(9)?).filter(|payload| !payload.is_empty()),
    })
}
