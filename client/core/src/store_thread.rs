//! The database on a thread of its own, so that no task waits on a disk.

use session_store::{Store, StoreError};
use tokio::sync::{mpsc, oneshot};

use crate::CoreError;

/// Work waiting for the database; a sender waits when this many are queued.
const QUEUE: usize = 256;

type Job = Box<dyn FnOnce(&mut Store) + Send>;

/// A handle to the thread that owns the [`Store`]. The thread ends when the last handle is
/// dropped, after finishing what is queued.
#[derive(Debug, Clone)]
pub(crate) struct StoreThread {
    jobs: mpsc::Sender<Job>,
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

impl StoreThread {
    /// Starts the thread. What is returned with the handle ends when the database is closed.
    pub(crate) fn start(mut store: Store) -> Result<(Self, Closed), CoreError> {
        let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE);
        let (open, closed) = oneshot::channel::<()>();
        std::thread::Builder::new()
            .name("session-store".to_owned())
            .spawn(move || {
                while let Some(job) = queue.blocking_recv() {
                    job(&mut store);
                }
                drop(store);
                drop(open);
            })
            .map_err(|_| CoreError::Stopped)?;
        Ok((Self { jobs }, Closed(closed)))
    }

    /// Runs `work` on the database and returns its result.
    ///
    /// Not undone by dropping the future: the work may already be queued.
    pub(crate) async fn call<R, F>(&self, work: F) -> Result<R, CoreError>
    where
        R: Send + 'static,
        F: FnOnce(&mut Store) -> Result<R, StoreError> + Send + 'static,
    {
        let (answer, wait) = oneshot::channel();
        let job: Job = Box::new(move |store| {
            // A caller that went away does not need its answer.
            let _ = answer.send(work(store));
        });
        self.jobs.send(job).await.map_err(|_| CoreError::Stopped)?;
        wait.await
            .map_err(|_| CoreError::Stopped)?
            .map_err(CoreError::from)
    }

    /// Queues `work` without waiting; dropped when the queue is full. For caches only.
    pub(crate) fn post<F>(&self, work: F)
    where
        F: FnOnce(&mut Store) -> Result<(), StoreError> + Send + 'static,
    {
        let job: Job = Box::new(move |store| {
            if let Err(error) = work(store) {
                tracing::warn!(kind = ?error.kind(), "cached network state was not saved");
            }
        });
        if self.jobs.try_send(job).is_err() {
            tracing::debug!("database busy, cached network state not saved this time");
        }
    }
}
