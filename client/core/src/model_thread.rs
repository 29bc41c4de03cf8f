//! The model on a thread of its own, so that no task waits on a disk.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use session_store::{Store, StoreError};
use session_types::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::CoreError;
use crate::hub::Hub;
use crate::model::{Model, Tx};

/// Work waiting for the database; a sender waits when this many are queued.
const QUEUE: usize = 256;

type Job = Box<dyn FnOnce(&mut Model) + Send>;

/// Threads with an open database, in the whole process.
static LIVING: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();
/// All of them that may not have ended entirely.
static THREADS: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

/// Waits until the databases of all accounts of this process are closed, and tells whether they
/// are. For a program that ends, also after a failure: while it does, the database engine tidies
/// itself up and must not be at work. Dropping an [`Account`](crate::Account) is what closes its
/// database, some moments later. The threads of the runtime opened databases too: let it end first
/// (`shutdown_timeout`, or a plain drop), not in the background.
pub fn until_all_closed(patience: Duration) -> bool {
    let living = LIVING.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = ENDED.wait_timeout_while(living, patience, |living| *living > 0);
    let (living, _) = waited.unwrap_or_else(PoisonError::into_inner);
    let closed = *living == 0;
    drop(living);
    if closed {
        // The engine has something of each thread's own, which goes last.
        let threads = std::mem::take(&mut *threads());
        for thread in threads {
            let _ = thread.join();
        }
    }
    closed
}

fn threads() -> MutexGuard<'static, Vec<JoinHandle<()>>> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counted as long as it exists.
struct Living;

impl Living {
    fn begin() -> Self {
        *LIVING.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Self
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        *LIVING.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        ENDED.notify_all();
    }
}

/// A handle to the thread that owns the [`Model`]. The thread ends when the last handle is
/// dropped, after finishing what is queued.
#[derive(Debug, Clone)]
pub(crate) struct ModelThread {
    jobs: mpsc::Sender<Job>,
    hub: Arc<Hub>,
}

/// Says when the thread is done.
#[derive(Debug)]
pub(crate) struct Closed(oneshot::Receiver<()>);

impl Closed {
    /// Waits until everything queued is written and the database is closed. That happens after
    /// the last handle is dropped.
    pub(crate) async fn wait(self) {
        // The other end is dropped, never used: that is the message.
        let _ = self.0.await;
    }
}

impl ModelThread {
    /// Starts the thread. What is returned with the handle ends when the database is closed.
    pub(crate) fn start(mut model: Model, hub: Arc<Hub>) -> Result<(Self, Closed), CoreError> {
        let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE);
        let (open, closed) = oneshot::channel::<()>();
        let living = Living::begin();
        let thread = std::thread::Builder::new()
            .name("session-model".to_owned())
            .spawn(move || {
                while let Some(job) = queue.blocking_recv() {
                    if let Err(error) = model.follow() {
                        tracing::debug!(kind = ?error.kind(), "the configs cannot be read");
                    }
                    job(&mut model);
                }
                drop(model);
                drop(open);
                drop(living);
            })
            .map_err(|_| CoreError::Stopped)?;
        let mut threads = threads();
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread);
        drop(threads);
        Ok((Self { jobs, hub }, Closed(closed)))
    }

    /// Runs `work` on the model and returns its result.
    ///
    /// Not undone by dropping the future: the work may already be queued.
    pub(crate) async fn call<R, F>(&self, work: F) -> Result<R, CoreError>
    where
        R: Send + 'static,
        F: FnOnce(&mut Model) -> Result<R, CoreError> + Send + 'static,
    {
        let (answer, wait) = oneshot::channel();
        let job: Job = Box::new(move |model| {
            // A caller that went away does not need its answer.
            let _ = answer.send(work(model));
        });
        self.jobs.send(job).await.map_err(|_| CoreError::Stopped)?;
        let done = wait.await.map_err(|_| CoreError::Stopped)?;
        if let Err(error) = &done {
            self.hub.note_storage(error);
        }
        done
    }

    /// Reads from the database.
    pub(crate) async fn read<R, F>(&self, work: F) -> Result<R, CoreError>
    where
        R: Send + 'static,
        F: FnOnce(&Store) -> Result<R, StoreError> + Send + 'static,
    {
        self.call(move |model| Ok(work(model.store())?)).await
    }

    /// Runs one transaction; what it changes is told to everybody.
    pub(crate) async fn write<R, F>(&self, now: Timestamp, work: F) -> Result<R, CoreError>
    where
        R: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<R, CoreError> + Send + 'static,
    {
        let hub = Arc::clone(&self.hub);
        self.call(move |model| {
            let (result, changes) = model.write(now, work)?;
            hub.tell(changes, None);
            Ok(result)
        })
        .await
    }

    /// Queues `work` without waiting; dropped when the queue is full. For caches only.
    pub(crate) fn post<F>(&self, work: F)
    where
        F: FnOnce(&mut Store) -> Result<(), StoreError> + Send + 'static,
    {
        let job: Job = Box::new(move |model| {
            if let Err(error) = work(model.store_mut()) {
                tracing::warn!(kind = ?error.kind(), "cached network state was not saved");
            }
        });
        if self.jobs.try_send(job).is_err() {
            tracing::debug!("database busy, cached network state not saved this time");
        }
    }
}
