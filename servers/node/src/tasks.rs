//! Tasks that belong to a node.

use std::future::Future;

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Spawns tasks that are waited for when the node stops and dropped when it is killed.
#[derive(Debug, Clone)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    killed: CancellationToken,
}

impl Tasks {
    pub(crate) fn new(killed: CancellationToken) -> Self {
        Self { tracker: TaskTracker::new(), killed }
    }

    /// Runs a future to its end even if the caller goes away. `None` when the node was killed
    /// meanwhile, or the future panicked.
    pub(crate) async fn complete<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (answer, wait) = oneshot::channel();
        self.spawn(async move {
            // The caller may have gone.
            let _ = answer.send(future.await);
        });
        wait.await.ok()
    }

    /// Runs a future in the background.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let killed = self.killed.clone();
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
