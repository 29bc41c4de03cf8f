//! The way out: sent times, the outbox, and what became of each message.

mod restamping;

use core::time::Duration;

use rusqlite::{Connection, Row, params};
use session_types::{AccountId, Namespace, Timestamp};

use crate::incoming::{ensure_conversation, remember};
use crate::rows::{
    Delivered, FileState, JobId, JobKind, MessageId, MessageState, NewJob, NewMessage, NewOutgoing,
    OutboxJob, OutgoingRow, Sql, timer_columns,
};
use crate::store::{find, list, run};
use crate::{Store, StoreError};

/// The jobs at the head of their queues: of each swarm the earliest that is ready, and the earliest
/// quiet one. Steps from
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
                     WHERE e.ready = 1 AND e.recipient = swarm.recipient AND e.quiet = lane.quiet)
             FROM swarm CROSS JOIN (SELECT 0 AS quiet UNION ALL SELECT 1) lane) "
    };
}

pub(crate) const DUE_JOBS: &str = concat!(
    heads!(),
    "SELECT o.id, o.message, o.kind, o.recipient, o.conversation, o.sent_at, o.content, o.attempts,
            o.next_attempt, o.payload, o.quiet
     FROM head JOIN outbox o ON o.id = head.id
     WHERE o.next_attempt <= ?1
     ORDER BY o.id"
);

pub(crate) const CANCEL_JOBS: &str = "DELETE FROM outbox WHERE message = ?1 AND message > 0";

pub(crate) const FREE_WAITING: &str =
    "UPDATE outbox SET ready = 1, next_attempt = 0 WHERE waits_for = ?1 AND ready = 0";

pub(crate) const GIVE_UP: &str =
    "DELETE FROM outbox WHERE id = ?1 OR (waits_for = ?1 AND ready = 0)";

pub(crate) const NEWEST_UNSURE: &str = "SELECT max(sent_at) FROM messages WHERE time_unsure = 1";

/// A message not yet sent, or one removed, may have a time as well.
pub(crate) const TIME_USED: &str = "SELECT 1 FROM messages WHERE sender = ?1 AND sent_at = ?2
     UNION ALL SELECT 1 FROM removed_messages WHERE sender = ?1 AND sent_at = ?2";

/// How far the newest time given out may be ahead of the network's. One further ahead comes
/// from a wrong clock and counts no more.
const AHEAD: Duration = Duration::from_secs(60);

pub(crate) const NEXT_JOB: &str = concat!(
    heads!(),
    "SELECT min(o.next_attempt) FROM head JOIN outbox o ON o.id = head.id"
);

impl Store {
    /// A sent time later than every one given out before, and `now` if that is later.
    ///
    /// A message whose time is unsure does not count until [`stamp_anew`](Self::stamp_anew)
    /// gave it another. A time that a wrong clock brought far ahead stops to count when a
    /// message is given one by network time.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn allocate_sent_at(&mut self, now: Timestamp) -> Result<Timestamp, StoreError> {
        let own = self.account_id();
        self.atomically(|store| allocate(&store.connection, own, now))
    }

    /// Writes a message down as being sent, with the jobs that send it: to the recipient's
    /// swarm, then a copy to the own swarm; for a note to self only the latter.
    ///
    /// # Errors
    /// When the database cannot be written; then nothing was queued.
    pub fn queue_outgoing(&mut self, new: &NewOutgoing) -> Result<OutgoingRow, StoreError> {
        let own = self.account_id();
        self.atomically(|store| {
            let connection = &store.connection;
            let sent_at = if new.time_unsure {
                provisional(connection, own, new.now)?
            } else {
                correct(connection, new.now)?;
                allocate(connection, own, new.now)?
            };
            ensure_conversation(connection, new.conversation)?;
            let NewMessage {
                kind,
                body,
                details,
                expiration,
            } = &new.message;
            let (timer_kind, timer_seconds) = timer_columns(*expiration);
            let sql = "INSERT INTO messages (conversation, sender, outgoing, body, sent_at, state,
                           kind, details, timer_kind, timer_seconds, time_unsure)
                       VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
            run(
                connection,
                sql,
                params![
                    Sql(new.conversation),
                    Sql(own),
                    body,
                    Sql(sent_at),
                    MessageState::SENDING,
                    kind.number(),
                    details.to_column(),
                    timer_kind,
                    timer_seconds,
                    new.time_unsure,
                ],
            )?;
            let id = MessageId::new(connection.last_insert_rowid());
            let job = NewJob {
                conversation: new.conversation,
                content: Vec::new(),
                deliver: true,
                copy: true,
                quiet: false,
                sent_at,
            };
            insert_jobs(connection, own, id.get(), &job)?;
            Ok(OutgoingRow { id, sent_at })
        })
    }

    /// Queues content of which no message is shown.
    ///
    /// # Errors
    /// When the database cannot be written; then nothing was queued.
    pub fn queue_job(&mut self, job: &NewJob) -> Result<(), StoreError> {
        let own = self.account_id();
        self.atomically(|store| insert_jobs(&store.connection, own, 0, job))
    }

    /// The jobs that may be tried now, oldest first: at most one per swarm, since a message is
    /// not tried before those queued earlier for the same swarm are done or given up; and at most
    /// one quiet one per swarm, which holds up no message.
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

    /// How many jobs there are in all, also those that wait for others.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn job_count(&self) -> Result<u64, StoreError> {
        let count = find(&self.connection, "SELECT count(*) FROM outbox", (), |row| {
            row.get::<_, i64>(0)
        })?;
        Ok(count.unwrap_or_default().unsigned_abs())
    }

    /// Keeps the sealed bytes of a job, so that every try stores the same message.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn keep_payload(&mut self, job: JobId, payload: &[u8]) -> Result<(), StoreError> {
        self.begin_try(job, payload).map(drop)
    }

    /// As [`keep_payload`](Self::keep_payload); tells whether the job is still there. If not,
    /// its message was deleted meanwhile, and nothing may be sent.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn begin_try(&mut self, job: JobId, payload: &[u8]) -> Result<bool, StoreError> {
        self.atomically(|store| {
            let connection = &store.connection;
            let sql = "UPDATE outbox SET payload = ?2 WHERE id = ?1";
            if run(connection, sql, params![job, payload])? == 0 {
                return Ok(false);
            }
            let sql = "UPDATE messages SET tried = 1
                       WHERE id = (SELECT message FROM outbox WHERE id = ?1) AND tried = 0";
            run(connection, sql, [job])?;
            Ok(true)
        })
    }

    /// Whether a message may have reached anybody: a try to send it was begun, even if it was
    /// given up since, or it is sent.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn was_tried(&self, message: MessageId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM messages
                   WHERE id = ?1 AND (tried = 1 OR state = ?2 OR hash <> '')";
        let values = params![message, MessageState::SENT];
        Ok(find(&self.connection, sql, values, |_| Ok(()))?.is_some())
    }

    /// Takes a message out of the outbox. Tries under way end without effect.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn cancel_jobs(&mut self, message: MessageId) -> Result<(), StoreError> {
        run(&self.connection, CANCEL_JOBS, [message])?;
        Ok(())
    }

    /// The swarm stored what a job is about. After the delivery the message is sent and its
    /// copy becomes due. The copy's hash replaces the delivery's, because it is the one that
    /// names the message in the own swarm (docs/protocol/client.md section 4.8).
    ///
    /// Does nothing when the job is gone, for example because another process told its result.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn job_succeeded(&mut self, job: JobId, delivered: &Delivered) -> Result<(), StoreError> {
        self.atomically(|store| {
            let connection = &store.connection;
            let Some((message, kind)) = job_of(connection, job)? else {
                return Ok(());
            };
            run(connection, "DELETE FROM outbox WHERE id = ?1", [job])?;
            run(connection, FREE_WAITING, [job])?;
            if kind == JobKind::SyncCopy {
                let expires_at = delivered.expires_at;
                remember(connection, Namespace::DEFAULT, &delivered.hash, expires_at)?;
            }
            if let Some(message) = message {
                sent(connection, message, delivered)?;
            }
            Ok(())
        })
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

    /// The job is given up, with those that wait for it. A message that was not delivered is
    /// failed then; one whose copy to the own swarm is given up stays sent. Does nothing when
    /// the job is gone.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn job_failed(&mut self, job: JobId, reason: &str) -> Result<(), StoreError> {
        self.atomically(|store| {
            let connection = &store.connection;
            let Some((message, _)) = job_of(connection, job)? else {
                return Ok(());
            };
            run(connection, GIVE_UP, [job])?;
            if let Some(message) = message {
                let sql =
                    "UPDATE messages SET state = ?2, failure = ?3 WHERE id = ?1 AND state = ?4";
                run(
                    connection,
                    sql,
                    params![message, MessageState::FAILED, reason, MessageState::SENDING],
                )?;
            }
            Ok(())
        })
    }

    /// Queues a failed message again, behind all others, with its sent time as before. Tells
    /// whether it was failed; otherwise nothing is changed.
    ///
    /// # Errors
    /// [`StoreError::UnknownMessage`], or when the database cannot be written.
    pub fn retry_failed(&mut self, message: MessageId) -> Result<bool, StoreError> {
        let own = self.account_id();
        self.atomically(|store| {
            let connection = &store.connection;
            let sql = "SELECT state, conversation, sent_at FROM messages WHERE id = ?1";
            let (state, Sql(conversation), Sql(sent_at)) =
                find(connection, sql, [message], |row| {
                    Ok((
                        row.get::<_, i64>(0)?,
                        row.get::<_, Sql<AccountId>>(1)?,
                        row.get::<_, Sql<Timestamp>>(2)?,
                    ))
                })?
                .ok_or(StoreError::UnknownMessage)?;
            if state != MessageState::FAILED {
                return Ok(false);
            }
            let sql = "UPDATE messages SET state = ?2, failure = '' WHERE id = ?1";
            run(connection, sql, params![message, MessageState::SENDING])?;
            let sql = "UPDATE files SET state = ?2, reason = '', attempts = 0
                       WHERE message = ?1 AND url = ''";
            run(connection, sql, params![message, FileState::QUEUED])?;
            let job = NewJob {
                conversation,
                content: Vec::new(),
                deliver: true,
                copy: true,
                quiet: false,
                sent_at,
            };
            insert_jobs(connection, own, message.get(), &job)?;
            Ok(true)
        })
    }
}

/// Writes down that a swarm has a message. Its time to disappear begins, at the earlier of now
/// and the store time (docs/protocol/client.md section 5.6 rule 3).
fn sent(
    connection: &Connection,
    message: MessageId,
    delivered: &Delivered,
) -> Result<(), StoreError> {
    let sql = "UPDATE messages SET state = ?2, failure = '', hash = ?3, stored_at = ?4,
                      expires_at = ?5
               WHERE id = ?1";
    run(
        connection,
        sql,
        params![
            message,
            MessageState::SENT,
            delivered.hash.as_str(),
            Sql(delivered.stored_at),
            Sql(delivered.expires_at)
        ],
    )?;
    let begins = delivered.stored_at.min(delivered.now);
    let sql = "UPDATE messages SET disappears_at = ?2 + timer_seconds * 1000
               WHERE id = ?1 AND timer_kind <> 0 AND disappears_at = 0";
    run(connection, sql, params![message, Sql(begins)])?;
    Ok(())
}

/// The next free sent time, kept as the newest given out.
fn allocate(
    connection: &Connection,
    own: AccountId,
    now: Timestamp,
) -> Result<Timestamp, StoreError> {
    let last = last_sent_at(connection)?;
    let sent_at = free(connection, own, now.max(later(last)))?;
    run(
        connection,
        "UPDATE identity SET last_sent_at = ?1",
        [Sql(sent_at)],
    )?;
    Ok(sent_at)
}

/// A sent time for a message that gets another before it is sent: later than all others, so that
/// messages are shown in the order they were written, and not kept as given out.
fn provisional(
    connection: &Connection,
    own: AccountId,
    now: Timestamp,
) -> Result<Timestamp, StoreError> {
    let newest = find(connection, NEWEST_UNSURE, (), |row| {
        row.get::<_, Option<i64>>(0)
    })?;
    let newest = newest.flatten().unwrap_or_default().unsigned_abs();
    let last = last_sent_at(connection)?.max(Timestamp::from_ms(newest));
    free(connection, own, now.max(later(last)))
}

/// Takes back a newest sent time that the network's time shows to be far ahead.
fn correct(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    if last_sent_at(connection)? > now.plus(AHEAD) {
        run(
            connection,
            "UPDATE identity SET last_sent_at = ?1",
            [Sql(now)],
        )?;
    }
    Ok(())
}

fn last_sent_at(connection: &Connection) -> Result<Timestamp, StoreError> {
    find(connection, "SELECT last_sent_at FROM identity", (), |row| {
        Ok(row.get::<_, Sql<Timestamp>>(0)?.0)
    })?
    .ok_or(StoreError::Damaged("the identity"))
}

/// The first time from `sent_at` on that no message of this account has.
fn free(
    connection: &Connection,
    own: AccountId,
    mut sent_at: Timestamp,
) -> Result<Timestamp, StoreError> {
    // Another device of the account may have used this very millisecond.
    let used = |time| {
        find(connection, TIME_USED, params![Sql(own), Sql(time)], |_| {
            Ok(())
        })
    };
    while used(sent_at)?.is_some() {
        sent_at = later(sent_at);
    }
    Ok(sent_at)
}

fn later(time: Timestamp) -> Timestamp {
    time.plus(Duration::from_millis(1))
}

/// The jobs of a message, or of content without one: to the recipient, and then to the own swarm.
fn insert_jobs(
    connection: &Connection,
    own: AccountId,
    message: i64,
    job: &NewJob,
) -> Result<(), StoreError> {
    let insert = |kind: i64, recipient: AccountId, waits_for: i64, quiet: bool| {
        let sql = "INSERT INTO outbox (message, kind, recipient, conversation, content, sent_at,
                                       ready, waits_for, quiet)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let values = params![
            message,
            kind,
            Sql(recipient),
            Sql(job.conversation),
            job.content,
            Sql(job.sent_at),
            waits_for == 0,
            waits_for,
            quiet
        ];
        run(connection, sql, values)
    };
    let mut waits_for = 0;
    if job.deliver && job.conversation != own {
        insert(JobKind::DELIVER, job.conversation, 0, job.quiet)?;
        waits_for = connection.last_insert_rowid();
    }
    if job.copy {
        // A note to oneself is not a copy of something that is on its way.
        let quiet = job.quiet || job.conversation != own;
        insert(JobKind::SYNC_COPY, own, waits_for, quiet)?;
    }
    Ok(())
}

fn job_of(
    connection: &Connection,
    job: JobId,
) -> Result<Option<(Option<MessageId>, JobKind)>, StoreError> {
    let sql = "SELECT message, kind FROM outbox WHERE id = ?1";
    find(connection, sql, [job], |row| {
        Ok((read_message(row, 0)?, read_kind(row, 1)?))
    })
}

fn read_message(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<MessageId>> {
    let id: i64 = row.get(at)?;
    Ok((id != 0).then(|| MessageId::new(id)))
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
        message: read_message(row, 1)?,
        kind: read_kind(row, 2)?,
        recipient: row.get::<_, Sql<AccountId>>(3)?.0,
        conversation: row.get::<_, Sql<AccountId>>(4)?.0,
        sent_at: row.get::<_, Sql<Timestamp>>(5)?.0,
        content: row.get(6)?,
        attempts: row.get(7)?,
        next_attempt: row.get::<_, Sql<Timestamp>>(8)?.0,
        payload: Some(row.get::<_, Vec<u8>>(9)?).filter(|payload| !payload.is_empty()),
        quiet: row.get(10)?,
    })
}
