//! The writer thread: groups waiting jobs into one transaction, answers after the commit.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::StoreError;
use super::checkpoint::Checkpointer;
use super::database::Database;
use super::file::DatabaseFile;
use super::fingerprints::Fingerprints;
use super::health::means_damage;
use super::in_flight::InFlight;

/// Jobs one transaction takes at most, so that the first of a group does not wait for ever.
const MAX_GROUP: usize = 256;

/// How long after a transaction that failed jobs run alone: what fails for one, be it a large
/// message on a full disk, must not fail for others.
const ALONE: Duration = Duration::from_secs(5);

/// A unit of work. It runs inside a savepoint; what it returns reports the outcome once the group
/// is committed or rolled back.
type Job = Box<dyn FnOnce(&Database) -> Ran + Send>;

/// A job that has run and waits for the commit.
struct Ran {
    keep: bool,
    /// It met damage.
    damaged: bool,
    finish: Box<dyn FnOnce(End) + Send>,
}

/// How the transaction of a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Committed,
    /// There was no space for it.
    Full,
    RolledBack,
}

enum Command {
    Run(Job),
    /// There is something to be done besides jobs.
    Wake,
    Stop(oneshot::Sender<()>),
}

/// Handle to the writer thread.
pub(super) struct Writer {
    commands: mpsc::Sender<Command>,
    killed: Arc<AtomicBool>,
    /// The longest a job took from being queued to being committed, in microseconds, since
    /// somebody last looked.
    longest_wait: AtomicU64,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts the thread that owns `connection`, which is one to `file`.
    pub(super) fn start(
        file: DatabaseFile,
        connection: Database,
        queue: usize,
        fingerprints: Arc<Fingerprints>,
        in_flight: Arc<InFlight>,
    ) -> Result<Self, StoreError> {
        let (commands, receiver) = mpsc::channel(queue.max(1));
        let killed = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&killed);
        let thread = std::thread::Builder::new()
            .name("node-store".to_owned())
            .spawn(move || {
                run(file, connection, receiver, &flag, &fingerprints, &in_flight);
            })
            .map_err(StoreError::Io)?;
        Ok(Self {
            commands,
            killed,
            longest_wait: AtomicU64::new(0),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Runs `work` in a transaction and returns its result after the commit. Waits for a place
    /// when the queue is full.
    ///
    /// Dropping the future does not take the work back once it is queued.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, wait) = oneshot::channel();
        let job: Job = Box::new(move |conn| {
            let result = work(conn);
            Ran {
                keep: result.is_ok(),
                damaged: result.as_ref().is_err_and(means_damage),
                finish: Box::new(move |end| {
                    let outcome = match (result, end) {
                        (Ok(value), End::Committed) => Ok(value),
                        (Ok(_), End::Full) => Err(StoreError::Full),
                        (Ok(_), End::RolledBack) => Err(StoreError::NotCommitted),
                        (Err(error), _) => Err(StoreError::from(error)),
                    };
                    // The caller may have gone away; the change stands.
                    let _ = answer.send(outcome);
                }),
            }
        });
        let queued = Instant::now();
        self.commands
            .send(Command::Run(job))
            .await
            .map_err(|_| StoreError::Closed)?;
        let answer = wait.await.map_err(|_| StoreError::Closed)?;
        let waited = u64::try_from(queued.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.longest_wait.fetch_max(waited, Ordering::Relaxed);
        answer
    }

    /// The longest a job took from being queued to being committed since this was last asked.
    pub(super) fn longest_wait(&self) -> Duration {
        Duration::from_micros(self.longest_wait.swap(0, Ordering::Relaxed))
    }

    /// Makes the thread look whether the file must be repaired.
    pub(super) fn waker(&self) -> impl Fn() + Send + use<> {
        let commands = self.commands.downgrade();
        move || {
            if let Some(commands) = commands.upgrade() {
                // When the queue is full the thread is awake.
                let _ = commands.try_send(Command::Wake);
            }
        }
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

impl Drop for Writer {
    fn drop(&mut self) {
        // Nobody waits for answers any more: the thread does what is queued, closes and ends.
        let (nobody, _) = mpsc::channel(1);
        self.commands = nobody;
        self.join();
    }
}

fn run(
    mut file: DatabaseFile,
    connection: Database,
    mut commands: mpsc::Receiver<Command>,
    killed: &AtomicBool,
    fingerprints: &Fingerprints,
    in_flight: &Arc<InFlight>,
) {
    let mut line = Some(Line::new(&file, connection));
    let mut group = Vec::with_capacity(MAX_GROUP);
    let mut stop = None;
    let mut failed: Option<Instant> = None;
    while stop.is_none() {
        let alone = failed.is_some_and(|failed| failed.elapsed() < ALONE);
        let limit = if alone { 1 } else { MAX_GROUP };
        let listing = line.as_ref().is_some_and(Line::is_listing_due);
        // The steps of entering messages in the lists follow each other while nobody waits.
        if !(listing && commands.is_empty() && !commands.is_closed())
            && commands.blocking_recv_many(&mut group, limit) == 0
        {
            break;
        }
        let mut jobs = Vec::with_capacity(group.len().saturating_add(1));
        if in_flight.is_due() {
            jobs.push(note(in_flight));
        }
        for command in group.drain(..) {
            match command {
                Command::Run(job) => jobs.push(job),
                Command::Stop(done) => stop = Some(done),
                Command::Wake => {}
            }
        }
        if killed.load(Ordering::SeqCst) {
            return;
        }
        if line.is_none() {
            line = Line::again(&file);
        }
        if !run_group(&file, line.as_mut(), jobs, killed, fingerprints) {
            failed = Some(Instant::now());
        }
        if listing && !killed.load(Ordering::SeqCst) {
            list_some(&file, line.as_mut(), killed, fingerprints);
        }
        if killed.load(Ordering::SeqCst) {
            return;
        }
        if let Some(line) = &line {
            line.look_after_log();
        }
        if file.repair_due() {
            line = repair(&mut file, line);
        }
    }
    commands.close();
    while let Some(command) = commands.blocking_recv() {
        if let Command::Run(job) = command {
            run_group(&file, line.as_mut(), vec![job], killed, fingerprints);
        }
    }
    let jobs = vec![note(in_flight)];
    run_group(&file, line.as_mut(), jobs, killed, fingerprints);
    while line.as_ref().is_some_and(Line::lists_lack_some)
        && list_some(&file, line.as_mut(), killed, fingerprints)
    {}
    if let Some(line) = line {
        line.close(file);
    }
    if let Some(done) = stop {
        let _ = done.send(());
    }
}

/// The job that brings up to date what a start after a crash goes by.
fn note(in_flight: &Arc<InFlight>) -> Job {
    let in_flight = Arc::clone(in_flight);
    Box::new(move |conn| {
        let noted = in_flight.note(conn);
        Ran {
            keep: noted.is_ok(),
            damaged: noted.as_ref().is_err_and(means_damage),
            finish: Box::new(|_| ()),
        }
    })
}

/// Enters some messages in the lists, in a transaction of its own. Returns whether it did.
fn list_some(
    file: &DatabaseFile,
    line: Option<&mut Line>,
    killed: &AtomicBool,
    fingerprints: &Fingerprints,
) -> bool {
    let Some(line) = line else {
        return false;
    };
    let recent = line.connection.shared_recent();
    let listed = Arc::new(AtomicBool::new(false));
    let done = Arc::clone(&listed);
    let job: Job = Box::new(move |conn| {
        let step = recent.list_some(conn);
        Ran {
            keep: step.is_ok(),
            damaged: step.as_ref().is_err_and(means_damage),
            finish: Box::new(move |end| match step {
                Ok(step) if end == End::Committed => {
                    recent.note(step);
                    done.store(true, Ordering::SeqCst);
                }
                _ => recent.postpone(),
            }),
        }
    });
    run_group(file, Some(line), vec![job], killed, fingerprints);
    listed.load(Ordering::SeqCst)
}

/// The connection that writes, and the thread that looks after its log.
struct Line {
    connection: Database,
    checkpointer: Option<Checkpointer>,
}

impl Line {
    fn new(file: &DatabaseFile, mut connection: Database) -> Self {
        // Without it SQLite moves the log as part of commits.
        let checkpointer = Checkpointer::start(file.path(), &mut connection, file.health())
            .inspect_err(|error| tracing::warn!(%error, "commits may take longer"))
            .ok();
        Self {
            connection,
            checkpointer,
        }
    }

    fn again(file: &DatabaseFile) -> Option<Self> {
        file.reconnect()
            .inspect_err(|error| tracing::error!(%error, "the database cannot be opened"))
            .ok()
            .map(|connection| Self::new(file, connection))
    }

    fn is_listing_due(&self) -> bool {
        self.connection.recent().is_due()
    }

    fn lists_lack_some(&self) -> bool {
        !self.connection.recent().is_empty()
    }

    fn look_after_log(&self) {
        if let Some(checkpointer) = &self.checkpointer {
            checkpointer.look_after_log(&self.connection);
        }
    }

    /// Everything into the file and the log away, so that the next start finds it in order.
    fn close(self, file: DatabaseFile) {
        let Self {
            connection,
            checkpointer,
        } = self;
        drop(checkpointer);
        let written = connection.execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)");
        let closed = connection.close();
        match written.and(closed) {
            Ok(()) => file.left_in_order(),
            Err(error) => tracing::warn!(%error, "the database was not closed in order"),
        }
    }
}

/// Puts a repaired file in place of the damaged one. Until that is done nothing is written, and
/// readers have what the damaged file still gives them.
fn repair(file: &mut DatabaseFile, line: Option<Line>) -> Option<Line> {
    drop(line);
    if let Err(error) = file.repair() {
        tracing::error!(%error, "the damaged database could not be repaired");
    }
    Line::again(file)
}

/// Runs jobs in one transaction. A job that fails is undone alone. Returns whether the
/// transaction came to its end.
fn run_group(
    file: &DatabaseFile,
    line: Option<&mut Line>,
    jobs: Vec<Job>,
    killed: &AtomicBool,
    fingerprints: &Fingerprints,
) -> bool {
    let Some(Line { connection, .. }) = line.filter(|_| !jobs.is_empty()) else {
        // Dropped jobs drop their answers: the callers see a closed store.
        return true;
    };
    let health = file.health();
    let generation = health.generation();
    let note = |error: &rusqlite::Error| {
        if means_damage(error) {
            health.report(generation);
        }
    };
    let mut ran = Vec::with_capacity(jobs.len());
    let newest = connection.recent().newest();
    let begun = Transaction::new_unchecked(connection, TransactionBehavior::Immediate);
    let end = match begun {
        Ok(transaction) => {
            let ended = run_jobs(
                connection,
                transaction,
                jobs,
                &mut ran,
                killed,
                fingerprints,
            );
            if killed.load(Ordering::SeqCst) {
                return true;
            }
            match ended {
                Ok(true) => End::Committed,
                Ok(false) => End::RolledBack,
                Err(error) => {
                    note(&error);
                    tracing::warn!(%error, "a group of writes did not commit");
                    match error.sqlite_error_code() {
                        Some(rusqlite::ErrorCode::DiskFull) => End::Full,
                        _ => End::RolledBack,
                    }
                }
            }
        }
        Err(error) => {
            note(&error);
            tracing::warn!(%error, "no write transaction");
            // Dropped jobs drop their answers: the callers see a closed store.
            End::RolledBack
        }
    };
    // However it ended: nobody must be told of a change while an old page is still given.
    file.pages().changed(&connection.take_changed());
    match end {
        End::Committed => fingerprints.publish(),
        End::Full | End::RolledBack => {
            fingerprints.undo(0);
            connection.recent().undo(newest);
        }
    }
    for outcome in ran {
        if outcome.damaged {
            health.report(generation);
        }
        (outcome.finish)(end);
    }
    end == End::Committed
}

/// Runs the jobs and commits what is to be kept. `Ok(false)`: something in it was rolled back, and so was all of it.
fn run_jobs(
    database: &Database,
    transaction: Transaction<'_>,
    jobs: Vec<Job>,
    ran: &mut Vec<Ran>,
    killed: &AtomicBool,
    fingerprints: &Fingerprints,
) -> rusqlite::Result<bool> {
    // A savepoint of rusqlite would have each of these lines read by SQLite again every time.
    let run = |sql| transaction.prepare_cached(sql)?.execute([]).map(|_| ());
    // With the only job the whole transaction is undone: SQLite need not keep what was before.
    let alone = jobs.len() == 1;
    let mut problem = None;
    for job in jobs {
        let begun = if alone { Ok(()) } else { run("SAVEPOINT job") };
        match begun {
            Ok(()) => {
                let (mark, newest) = (fingerprints.mark(), database.recent().newest());
                let outcome = job(database);
                let keep = outcome.keep;
                ran.push(outcome);
                if !keep {
                    fingerprints.undo(mark);
                    database.recent().undo(newest);
                }
                let ended = match (alone, keep) {
                    (true, true) => Ok(()),
                    (true, false) => break,
                    (false, true) => run("RELEASE job"),
                    (false, false) => run("ROLLBACK TO job").and_then(|()| run("RELEASE job")),
                };
                problem = problem.or(ended.err());
            }
            // A full disk may have ended the whole transaction.
            Err(error) => {
                problem = problem.or(Some(error));
                break;
            }
        }
    }
    if killed.load(Ordering::SeqCst) {
        return Ok(false);
    }
    match problem {
        // A transaction that SQLite itself has rolled back leaves autocommit on.
        None if transaction.is_autocommit() => Ok(false),
        None if alone && ran.iter().any(|job| !job.keep) => transaction.rollback().map(|()| true),
        None => transaction.commit().map(|()| true),
        Some(problem) => {
            if let Err(error) = transaction.rollback() {
                tracing::debug!(%error, "the rollback of a group of writes");
            }
            Err(problem)
        }
    }
}
