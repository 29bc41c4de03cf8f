//! Moving the log into the database file, beside the writer.
//!
//! A commit only appends to the log. Left to itself SQLite moves the log into the file as part of
//! a commit, and whoever waits for that commit waits for the disk. Here a thread of its own moves
//! it while the writer goes on. When little is left, or the log has become long, work nobody waits
//! for pauses, so that the thread gets to the end and the log begins anew. Only when that fails
//! for long does the writer help, between commits.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, InterruptHandle};

use super::database::Database;
use super::health::Health;
use super::{StoreError, schema};

/// Pages of the log from which on it is moved.
pub(super) const MOVE_AT: u32 = 4 * 1024;

/// Pages left to move at which others pause.
const NEARLY: i64 = 2 * 1024;

/// Pages of the log from which on the writer helps.
const TOO_LONG: i64 = 16 * 1024;

/// Attempts to get to the end of the log, and the pause between two when it is near.
const MAX_ROUNDS: u32 = 16;
const MOMENT: Duration = Duration::from_millis(5);

/// Pause after an attempt that failed. A reader that has not come to its end may keep the log
/// from beginning anew.
const PAUSE: Duration = Duration::from_millis(100);

/// The thread; ends when dropped.
pub(super) struct Checkpointer {
    health: Arc<Health>,
    wanted: Option<SyncSender<()>>,
    /// The log is too long: the writer's turn.
    help: Arc<AtomicBool>,
    interrupt: InterruptHandle,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts the thread for the database at `path`, which `writer` is a connection to.
    pub(super) fn start(
        path: &Path,
        writer: &mut Database,
        health: &Arc<Health>,
    ) -> Result<Self, StoreError> {
        let connection = schema::open_for_checkpoints(path)?;
        let interrupt = connection.get_interrupt_handle();
        let help = Arc::new(AtomicBool::new(false));
        let (wanted, wishes) = sync_channel(1);
        let need_help = Arc::clone(&help);
        let told = Arc::clone(health);
        let thread = std::thread::Builder::new()
            .name("node-store-log".to_owned())
            .spawn(move || {
                let mut failed: Option<Instant> = None;
                while wishes.recv().is_ok() {
                    let rest = failed.is_some_and(|failed| failed.elapsed() < PAUSE);
                    // Wishes come while the log is being moved, too.
                    if rest || told.log_pages() < MOVE_AT {
                        continue;
                    }
                    let length = move_all(&connection, &told);
                    told.set_ending_log(false);
                    failed = (length > 0).then(Instant::now);
                    need_help.store(length >= TOO_LONG, Ordering::SeqCst);
                }
            })
            .map_err(StoreError::Io)?;
        writer.note_log(Arc::clone(health))?;
        Ok(Self {
            health: Arc::clone(health),
            wanted: Some(wanted),
            help,
            interrupt,
            thread: Some(thread),
        })
    }

    /// The writer has committed something: has the log moved when it has become long.
    pub(super) fn look_after_log(&self, connection: &Connection) {
        if self.help.swap(false, Ordering::SeqCst) {
            let _ = move_log(connection);
        }
        if self.health.log_pages() >= MOVE_AT
            && let Some(wanted) = &self.wanted
        {
            // Full: it is about to begin, or will look again when it is through.
            let _ = wanted.try_send(());
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.wanted = None;
        if let Some(thread) = self.thread.take() {
            while !thread.is_finished() {
                self.interrupt.interrupt();
                std::thread::yield_now();
            }
            if thread.join().is_err() {
                tracing::error!("the thread that moves the log panicked");
            }
        }
    }
}

/// Moves the log until nothing is left and nothing is added: then the next write begins it anew.
/// Returns its length in pages if that did not succeed.
fn move_all(connection: &Connection, health: &Health) -> i64 {
    let mut length = -1;
    for _ in 0..MAX_ROUNDS {
        // Interrupted, or the writer moves pages itself.
        let Some((all, rest)) = move_log(connection) else {
            return 0;
        };
        if rest <= 0 && all == length {
            health.set_log_pages(0);
            return 0;
        }
        length = all;
        if length >= TOO_LONG {
            break;
        }
        if rest <= NEARLY {
            health.set_ending_log(true);
            // A transaction that is open now is committed by then.
            std::thread::sleep(MOMENT);
        }
    }
    length
}

/// Moves what can be moved without waiting for anybody. Returns how many pages the log has and
/// how many of them are left.
fn move_log(connection: &Connection) -> Option<(i64, i64)> {
    connection
        .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
            let (all, moved): (i64, i64) = (row.get(1)?, row.get(2)?);
            Ok((all, all.saturating_sub(moved)))
        })
        .inspect_err(|error| tracing::debug!(%error, "the log was not moved"))
        .ok()
}
