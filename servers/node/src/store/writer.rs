//! The writer thread: groups waiting jobs into one transaction, answers after the commit.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::StoreError;

/// Jobs one transaction takes at most, so that the first of a group does not wait for ever.
const MAX_GROUP: usize = 256;

/// A unit of work. It runs inside a savepoint; what it returns reports the outcome once the group
/// is committed or rolled back.
type Job = Box<dyn FnOnce(&Connection) -> Ran + Send>;

/// A job that has run and waits for the commit.
struct Ran {
    keep: bool,
    finish: Box<dyn FnOnce(bool) + Send>,
}

enum Command {
    Run(Job),
    Stop(oneshot::Sender<()>),
}

/// Handle to the writer thread.
pub(super) struct Writer {
    commands: mpsc::Sender<Command>,
    killed: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts the thread that owns `connection`.
    pub(super) fn start(connection: Connection, queue: usize) -> Result<Self, StoreError> {
        let (commands, receiver) = mpsc::channel(queue.max(1));
        let killed = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&killed);
        let thread = std::thread::Builder::new()
            .name("node-store".to_owned())
            .spawn(move || run(connection, receiver, &flag))
            .map_err(StoreError::Io)?;
        Ok(Self {
            commands,
            killed,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Runs `work` in a transaction and returns its result after the commit. Waits for a place
    /// when the queue is full.
    ///
    /// Dropping the future does not take the work back once it is queued.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, wait) = oneshot::channel();
        let job: Job = Box::new(move |conn| {
            let result = work(conn);
            Ran {
                keep: result.is_ok(),
                finish: Box::new(move |committed| {
                    let outcome = match result {
                        Ok(_) if !committed => Err(StoreError::NotCommitted),
                        Ok(value) => Ok(value),
                        Err(error) => Err(StoreError::from(error)),
                    };
                    // The caller may have gone away; the change stands.
                    let _ = answer.send(outcome);
                }),
            }
        });
        self.commands
            .send(Command::Run(job))
            .await
            .map_err(|_| StoreError::Closed)?;
        wait.await.map_err(|_| StoreError::Closed)?
    }

    /// Runs what is queued and ends the thread.
    pub(super) async fn close(&self) {
        let (done, wait) = oneshot::channel();
        if self.commands.send(Command::Stop(done)).await.is_ok() {
            let _ = wait.await;
        }
        self.join();
    }

    /// Ends the thread without committing anything more.
    pub(super) fn kill(&self) {
        self.killed.store(true, Ordering::SeqCst);
        let (done, _) = oneshot::channel();
        // Only to wake it; when the queue is full it is awake.
        let _ = self.commands.try_send(Command::Stop(done));
        self.join();
    }

    fn join(&self) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the store's writer thread panicked");
        }
    }
}

fn run(mut connection: Connection, mut commands: mpsc::Receiver<Command>, killed: &AtomicBool) {
    let mut group = Vec::with_capacity(MAX_GROUP);
    let mut stop = None;
    while stop.is_none() {
        if commands.blocking_recv_many(&mut group, MAX_GROUP) == 0 {
            break;
        }
        let mut jobs = Vec::with_capacity(group.len());
        for command in group.drain(..) {
            match command {
                Command::Run(job) => jobs.push(job),
                Command::Stop(done) => stop = Some(done),
            }
        }
        if killed.load(Ordering::SeqCst) {
            return;
        }
        run_group(&mut connection, jobs, killed);
        if killed.load(Ordering::SeqCst) {
            return;
        }
    }
    commands.close();
    while let Some(command) = commands.blocking_recv() {
        if let Command::Run(job) = command {
            run_group(&mut connection, vec![job], killed);
        }
    }
    if let Err(error) = connection.execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)")
    {
        tracing::debug!(%error, "checkpoint at the end");
    }
    drop(connection);
    if let Some(done) = stop {
        let _ = done.send(());
    }
}

/// Runs jobs in one transaction. A job that fails is undone alone.
fn run_group(connection: &mut Connection, jobs: Vec<Job>, killed: &AtomicBool) {
    if jobs.is_empty() {
        return;
    }
    let mut ran = Vec::with_capacity(jobs.len());
    let committed = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(mut transaction) => {
            let mut whole = true;
            for job in jobs {
                match transaction.savepoint() {
                    Ok(savepoint) => {
                        let outcome = job(&savepoint);
                        let ended = if outcome.keep {
                            savepoint.commit()
                        } else {
                            savepoint.finish()
                        };
                        whole &= ended.is_ok();
                        ran.push(outcome);
                    }
                    // A full disk may have ended the whole transaction.
                    Err(error) => {
                        tracing::warn!(%error, "a group of writes was given up");
                        whole = false;
                        break;
                    }
                }
            }
            // A transaction that SQLite itself has rolled back leaves autocommit on.
            whole &= !transaction.is_autocommit();
            if killed.load(Ordering::SeqCst) {
                return;
            }
            let end = if whole {
                transaction.commit()
            } else {
                transaction.rollback()
            };
            if let Err(error) = &end {
                tracing::warn!(%error, "a group of writes did not commit");
            }
            whole && end.is_ok()
        }
        Err(error) => {
            tracing::warn!(%error, "no write transaction");
            // Dropped jobs drop their answers: the callers see a closed store.
            false
        }
    };
    for outcome in ran {
        (outcome.finish)(committed);
    }
}
