//! Tasks that belong to a node.

use std::future::Future;

use tokio::sync::{Semaphore, oneshot};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Work on so many bytes and more goes to a thread where it may take its time.
const LARGE: usize = 256 * 1024;

/// Such work that runs at a time. In the worst case it takes several times the memory of the
/// data, so the pool of threads is too large a limit.
static LARGE_AT_A_TIME: Semaphore = Semaphore::const_new(8);

/// Computes something about `bytes` bytes of data: at once when they are few, else on a thread
/// of its own so that other requests are not kept waiting. `None` when the computation panicked.
pub(crate) async fn compute<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    if bytes < LARGE {
        Some(work())
    } else {
        // Only a closed semaphore refuses, and nobody closes this one.
        let turn = LARGE_AT_A_TIME.acquire().await;
        let work = move || {
            let _turn = turn;
            work()
        };
        spawn_blocking(work).await.ok()
    }
}

/// Spawns tasks that are waited for when the node stops and dropped when it is killed.
#[derive(Debug, Clone)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    killed: CancellationToken,
}

impl Tasks {
    pub(crate) fn new(killed: CancellationToken) -> Self {
        Self {
            tracker: TaskTracker::new(),
            killed,
        }
    }

    /// Begins a future and runs it to its end even if the caller goes away. `None` when the node
    /// was killed meanwhile, or the future panicked.
    pub(crate) fn complete<T, F>(&self, future: F) -> impl Future<Output = Option<T>> + use<T, F>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (answer, wait) = oneshot::channel();
        // Futures that hold it would contain it twice, and it is moved as a whole.
        let future = Box::pin(future);
        self.spawn(async move {
            // The caller may have gone.
            let _ = answer.send(future.await);
        });
        async move { wait.await.ok() }
    }

    /// Runs a future in the background.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let killed = self.killed.clone();
        let future = Box::pin(future);
        self.tracker.spawn(async move {
            killed.run_until_cancelled(future).await;
        });
    }

    /// Waits until every task has ended.
    pub(crate) async fn finished(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}
