//! The node's database: messages, revocations and everything that still has to reach a peer.
//!
//! One writer thread owns the only connection that writes. It collects the jobs that are waiting,
//! runs them in one transaction and answers each caller after the commit, so a thousand small
//! stores cost a few commits and nobody is told "stored" too early. Reads run on a small pool of
//! connections and never wait for the writer (SQLite's write-ahead log). What a message adds to the
//! file's lists by hash and by owner is written later, for many messages at a time (`recent`), and
//! so is what a deleted one leaves in them (`gone`). Pages of mailboxes that were read lately are
//! kept until their owner's messages change (`page_memory`).
//!
//! What must reach other members of the swarm ([`Outbox`]) is in the file when the change itself
//! is: commands by lists, messages by the row from which on they may not have been sent
//! ([`Sending`]). Whatever survives a crash survives together.

mod check;
mod checkpoint;
mod commands;
mod database;
mod deliveries;
mod dumps;
mod error;
mod file;
mod fingerprints;
mod forget;
mod gone;
mod hashes;
mod health;
mod in_flight;
pub mod maintenance;
mod messages;
mod page;
mod page_memory;
mod readers;
mod recent;
mod revocations;
mod room;
mod salvage;
mod schema;
mod tombstones;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use session_storage_rpc::{ExpireMode, SubaccountToken};
use session_types::{Ed25519PublicKey, MessageHash, Namespace, SwarmPubkey, Timestamp, limits};

pub(crate) use commands::PendingCommand;
pub(crate) use dumps::{Dump, SwarmRange};
pub use error::StoreError;
pub(crate) use fingerprints::{BUCKETS, Element, HeldRow, Stretch, Sum};
pub(crate) use messages::Expired;
pub(crate) use page::{Page, PageRequest};
/// A message as it is stored and passed on.
pub(crate) use session_storage_rpc::bulk::BulkMessage as StoredMessage;

use check::Check;
use database::Database;
use file::{DatabaseFile, Opened};
use fingerprints::Fingerprints;
use health::Health;
pub(crate) use health::StoreHealth;
use in_flight::InFlight;
pub(crate) use in_flight::Sending;
use messages::Source;
use page_memory::PageMemory;
use readers::Readers;
use recent::Recent;
use room::Room;
use writer::Writer;

/// What storing a message led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Inserted {
    /// It was there before, or a newer one holds its place.
    pub(crate) already: bool,
    /// When it will be deleted.
    pub(crate) expiry: Timestamp,
}

/// The peers a change must still reach. Empty when the change came from a peer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outbox {
    pub(crate) peers: Vec<Ed25519PublicKey>,
}

/// A command to be repeated at peers that missed it.
#[derive(Debug, Clone)]
pub(crate) struct OutgoingCommand {
    pub(crate) outbox: Outbox,
    pub(crate) method: &'static str,
    /// The parameters in forwarded form.
    pub(crate) params: Vec<u8>,
    /// When this node accepted the command.
    pub(crate) accepted: Timestamp,
}

impl OutgoingCommand {
    /// For changes that go nowhere else.
    pub(crate) fn none() -> Self {
        Self {
            outbox: Outbox::default(),
            method: "",
            params: Vec::new(),
            accepted: Timestamp::from_ms(0),
        }
    }
}

/// Sizes of a store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoreLimits {
    pub(crate) readers: usize,
    /// Jobs that may wait for the writer; further callers wait for a place.
    pub(crate) writer_queue: usize,
    pub(crate) max_database_bytes: u64,
}

/// How long work nobody waits for may pause, in steps.
const PAUSE: Duration = Duration::from_millis(5);
const MAX_PAUSES: u32 = 400;

/// Handle to the database; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    // Before the writer: the check is over when the file is closed.
    check: Option<Arc<Check>>,
    writer: Arc<Writer>,
    readers: Arc<Readers>,
    health: Arc<Health>,
    fingerprints: Arc<Fingerprints>,
    in_flight: Arc<InFlight>,
    recent: Arc<Recent>,
    pages: Arc<PageMemory>,
    room: Arc<Room>,
    lacks_data: bool,
}

impl Store {
    /// Opens or creates the database, brings its schema up to date and repairs it if it is
    /// damaged. Nobody else can open it until this store is closed, killed or dropped.
    pub(crate) fn open(path: &Path, limits: StoreLimits) -> Result<Self, StoreError> {
        let health = Arc::new(Health::default());
        let recent = Arc::new(Recent::default());
        let pages = Arc::new(PageMemory::default());
        let (file, opened) = DatabaseFile::open(
            path,
            limits.max_database_bytes,
            Arc::clone(&health),
            Arc::clone(&recent),
            Arc::clone(&pages),
        )?;
        let Opened {
            connection,
            lacks_data,
            check,
        } = opened;
        let fingerprints = Arc::new(Fingerprints::default());
        let in_flight = Arc::new(InFlight::read(&connection));
        let writer = Writer::start(
            file,
            connection,
            limits.writer_queue,
            Arc::clone(&fingerprints),
            Arc::clone(&in_flight),
        )?;
        let check = check
            .then(|| Check::start(path, Arc::clone(&health), writer.waker()))
            .transpose()?
            .map(Arc::new);
        Ok(Self {
            check,
            writer: Arc::new(writer),
            readers: Arc::new(Readers::new(
                path,
                limits.readers,
                Arc::clone(&health),
                Arc::clone(&recent),
            )),
            health,
            fingerprints,
            in_flight,
            recent,
            pages,
            room: Arc::default(),
            lacks_data,
        })
    }

    /// Whether there was no message when the database was opened, or some had been lost: the
    /// other members of the swarm have them.
    pub(crate) const fn lacks_data(&self) -> bool {
        self.lacks_data
    }

    /// What has happened to the database since it was opened.
    pub(crate) fn health(&self) -> StoreHealth {
        self.health.snapshot()
    }

    /// The longest a change took from being queued to being committed since this was last asked.
    pub(crate) fn longest_wait(&self) -> Duration {
        self.writer.longest_wait()
    }

    /// Commits what is queued, then ends the writer.
    pub(crate) async fn close(&self) {
        self.stop_check();
        self.writer.close().await;
    }

    /// Ends the writer at once; whatever is not committed is lost, as if the process were killed.
    pub(crate) fn kill(&self) {
        self.stop_check();
        self.writer.kill();
    }

    fn stop_check(&self) {
        if let Some(check) = &self.check {
            check.stop();
        }
    }

    /// Work nobody waits for makes room, for a moment and not for ever.
    async fn pause(&self) {
        for _ in 0..MAX_PAUSES {
            if !self.health.is_log_in_the_way() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn note_full(&self, error: &StoreError) {
        if matches!(error, StoreError::Full) {
            self.health.refused_full();
        }
    }

    /// Runs a query. When it meets damage the writer repairs the file.
    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Database) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let result = self.readers.read(query).await;
        if result.as_ref().is_err_and(StoreError::is_damage) {
            self.writer.waker()();
        }
        result
    }

    // Messages -------------------------------------------------------------------------------

    /// Stores a message that peers must get too: until the returned [`Sending`] is settled, it
    /// is taken for granted that all of them lack it.
    pub(crate) async fn insert(
        &self,
        message: StoredMessage,
        outbox: Outbox,
    ) -> Result<(Inserted, Option<Sending>), StoreError> {
        let (in_flight, room) = (Arc::clone(&self.in_flight), Arc::clone(&self.room));
        let inserted = self.writer.write(move |conn| {
            let (inserted, row) = messages::insert(conn, &message, Source::Client, &room)?;
            let sending = match row.filter(|_| !outbox.peers.is_empty()) {
                Some(row) if inserted.already => {
                    deliveries::add(conn, row, &outbox)?;
                    Some(Sending::listed(row))
                }
                row => row.map(|row| in_flight.begin(row)),
            };
            Ok((inserted, sending))
        });
        inserted.await.inspect_err(|error| self.note_full(error))
    }

    /// Stores messages pushed by a peer, all or none. Returns how many were new.
    pub(crate) async fn insert_bulk(&self, rows: Vec<StoredMessage>) -> Result<usize, StoreError> {
        let room = Arc::clone(&self.room);
        let new = self.writer.write(move |conn| {
            let mut new = 0;
            for row in &rows {
                let (inserted, _) = messages::insert(conn, row, Source::Push, &room)?;
                new += usize::from(!inserted.already);
            }
            Ok(new)
        });
        new.await.inspect_err(|error| self.note_full(error))
    }

    /// When each of the given messages expires; unknown ones are left out.
    pub(crate) async fn expiries(
        &self,
        owner: SwarmPubkey,
        hashes: Vec<MessageHash>,
    ) -> Result<Vec<(MessageHash, Timestamp)>, StoreError> {
        self.read(move |conn| messages::expiries(conn, &owner, &hashes))
            .await
    }

    /// Deletes by hash. Returns those that existed, sorted.
    pub(crate) async fn delete(
        &self,
        owner: SwarmPubkey,
        hashes: Vec<MessageHash>,
        at: Timestamp,
        forward: OutgoingCommand,
    ) -> Result<Vec<MessageHash>, StoreError> {
        self.command(forward, move |conn| {
            messages::delete(conn, &owner, &hashes, at)
        })
        .await
    }

    /// Deletes a mailbox, or one namespace of it, up to and including `until` by message time.
    /// Returns what was deleted, sorted by hash.
    pub(crate) async fn delete_range(
        &self,
        owner: SwarmPubkey,
        namespace: Option<Namespace>,
        until: Option<Timestamp>,
        now: Timestamp,
        forward: OutgoingCommand,
    ) -> Result<Vec<(Namespace, MessageHash)>, StoreError> {
        self.command(forward, move |conn| {
            messages::delete_range(conn, &owner, namespace, until, now)
        })
        .await
    }

    /// Shortens every later expiry of a mailbox, or one namespace of it, to `expiry`.
    /// Returns what was changed, sorted by hash.
    pub(crate) async fn expire_range(
        &self,
        owner: SwarmPubkey,
        namespace: Option<Namespace>,
        expiry: Timestamp,
        forward: OutgoingCommand,
    ) -> Result<Vec<(Namespace, MessageHash)>, StoreError> {
        self.command(forward, move |conn| {
            messages::expire_range(conn, &owner, namespace, expiry)
        })
        .await
    }

    /// Changes the expiry of single messages. When nothing is to be changed, nothing is written
    /// and nothing queued for peers: clients repeat this request with every poll.
    pub(crate) async fn expire(
        &self,
        owner: SwarmPubkey,
        changes: Vec<(MessageHash, Timestamp)>,
        mode: ExpireMode,
        now: Timestamp,
        forward: OutgoingCommand,
    ) -> Result<Expired, StoreError> {
        let changes = Arc::new(changes);
        let planned = Arc::clone(&changes);
        let plan = self
            .read(move |conn| messages::plan_expire(conn, &owner, &planned, mode, now))
            .await?;
        if plan.writes.is_empty() {
            return Ok(plan.result);
        }
        self.command(forward, move |conn| {
            messages::expire(conn, &owner, &changes, mode, now)
        })
        .await
    }

    /// Deletes messages whose time has come: at most `step`, and no longer than a write may wait.
    /// Returns how many it deleted; 0 when none is left.
    pub(crate) async fn sweep(&self, now: Timestamp, step: u32) -> Result<usize, StoreError> {
        self.pause().await;
        self.writer
            .write(move |conn| messages::sweep(conn, now, step))
            .await
    }

    /// Forgets revocations, undelivered commands and deletions of more than 30 days ago.
    pub(crate) async fn forget_old(&self, now: Timestamp) -> Result<(), StoreError> {
        let long_ago = now.minus(limits::MAX_TTL_PRIVATE);
        for table in [
            forget::REVOCATIONS,
            forget::COMMANDS,
            forget::DELETED_MESSAGES,
            forget::DELETED_RANGES,
        ] {
            let mut old = forget::Old::start(table, long_ago);
            loop {
                old = self.read(move |conn| old.find(conn)).await?;
                if !old.is_empty() {
                    self.pause().await;
                    old = self.writer.write(move |conn| old.delete(conn)).await?;
                }
                if old.is_last() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// How many messages are stored.
    pub(crate) async fn message_count(&self) -> Result<u64, StoreError> {
        self.read(|conn| messages::count(conn)).await
    }

    // Revocations ----------------------------------------------------------------------------

    /// Records revoked subaccount tokens.
    pub(crate) async fn revoke(
        &self,
        owner: SwarmPubkey,
        tokens: Vec<SubaccountToken>,
        at: Timestamp,
        forward: OutgoingCommand,
    ) -> Result<(), StoreError> {
        self.command(forward, move |conn| {
            revocations::revoke(conn, &owner, &tokens, at)
        })
        .await
    }

    /// Lifts revocations. Returns how many there were.
    pub(crate) async fn unrevoke(
        &self,
        owner: SwarmPubkey,
        tokens: Vec<SubaccountToken>,
        at: Timestamp,
        forward: OutgoingCommand,
    ) -> Result<u64, StoreError> {
        self.command(forward, move |conn| {
            revocations::unrevoke(conn, &owner, &tokens, at)
        })
        .await
    }

    /// The tokens an account has revoked, newest first.
    pub(crate) async fn revoked(
        &self,
        owner: SwarmPubkey,
    ) -> Result<Vec<SubaccountToken>, StoreError> {
        self.read(move |conn| revocations::list(conn, &owner)).await
    }

    /// Whether a token is revoked.
    pub(crate) async fn is_revoked(
        &self,
        owner: SwarmPubkey,
        token: SubaccountToken,
    ) -> Result<bool, StoreError> {
        self.read(move |conn| revocations::contains(conn, &owner, &token))
            .await
    }

    // Commands -------------------------------------------------------------------------------

    /// The oldest commands waiting for a peer.
    pub(crate) async fn waiting_commands(
        &self,
        peer: Ed25519PublicKey,
        max: u32,
    ) -> Result<Vec<PendingCommand>, StoreError> {
        self.read(move |conn| commands::next(conn, &peer, max))
            .await
    }

    /// Strikes a command off a peer's list.
    pub(crate) async fn command_done(&self, id: i64) -> Result<(), StoreError> {
        self.writer
            .write(move |conn| commands::remove(conn, id))
            .await
    }

    /// Strikes the command accepted at `accepted` with these parameters off the lists of `peers`.
    pub(crate) async fn command_forwarded(
        &self,
        command: OutgoingCommand,
        peers: Vec<Ed25519PublicKey>,
    ) -> Result<(), StoreError> {
        self.writer
            .write(move |conn| commands::remove_for(conn, &command, &peers))
            .await
    }

    /// Drops everything that waits for peers other than `keep`.
    pub(crate) async fn forget_peers_except(
        &self,
        keep: Vec<Ed25519PublicKey>,
    ) -> Result<(), StoreError> {
        self.writer
            .write(move |conn| {
                deliveries::retain(conn, &keep)?;
                dumps::retain(conn, &keep)?;
                commands::retain(conn, &keep)
            })
            .await
    }

    // Dumps ----------------------------------------------------------------------------------

    /// Queues every message stored so far whose owner lies in `range` for a peer.
    pub(crate) async fn queue_dump(
        &self,
        peer: Ed25519PublicKey,
        range: SwarmRange,
    ) -> Result<(), StoreError> {
        self.writer
            .write(move |conn| dumps::queue(conn, &peer, range))
            .await
    }

    /// How many dumps are not finished.
    pub(crate) async fn dump_count(&self) -> Result<u64, StoreError> {
        self.read(|conn| dumps::count(conn)).await
    }

    /// The dumps that are not finished.
    pub(crate) async fn dumps(&self) -> Result<Vec<Dump>, StoreError> {
        self.read(|conn| dumps::all(conn)).await
    }

    /// The next messages of a dump, up to about `max_bytes`, and the row id they reach to.
    pub(crate) async fn dump_page(
        &self,
        dump: Dump,
        max_bytes: usize,
    ) -> Result<(Vec<StoredMessage>, i64), StoreError> {
        self.read(move |conn| dumps::page(conn, &dump, max_bytes))
            .await
    }

    /// Moves a dump's cursor behind `reached`; a dump at its end disappears.
    pub(crate) async fn dump_reached(&self, dump: Dump, reached: i64) -> Result<(), StoreError> {
        self.writer
            .write(move |conn| dumps::advance(conn, &dump, reached))
            .await
    }

    /// Changes how large the file may become.
    pub(crate) async fn limit_size(&self, max_bytes: u64) -> Result<(), StoreError> {
        let room = Arc::clone(&self.room);
        self.writer
            .write(move |conn| {
                room.forget();
                schema::limit_size(conn, max_bytes)
            })
            .await
    }

    // Small state ----------------------------------------------------------------------------

    /// A remembered number.
    pub(crate) async fn number(&self, name: &'static str) -> Result<Option<i64>, StoreError> {
        self.read(move |conn| schema::number(conn, name)).await
    }

    /// Remembers a number.
    pub(crate) async fn set_number(
        &self,
        name: &'static str,
        value: i64,
    ) -> Result<(), StoreError> {
        self.writer
            .write(move |conn| schema::set_number(conn, name, value))
            .await
    }
}

#[cfg(test)]
mod tests;
