//! A small pool of read-only connections.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;

use super::StoreError;
use super::database::Database;
use super::health::{Health, means_damage};
use super::recent::Recent;

/// Connections that wait for their next reader.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    health: Arc<Health>,
    recent: Arc<Recent>,
    /// Each with the generation of the file it was opened on.
    idle: Mutex<Vec<(u64, Database)>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// At most `count` readers at a time; connections are opened when first needed.
    pub(super) fn new(path: &Path, count: usize, health: Arc<Health>, recent: Arc<Recent>) -> Self {
        Self {
            path: path.to_owned(),
            health,
            recent,
            idle: Mutex::new(Vec::new()),
            permits: Arc::new(Semaphore::new(count.max(1))),
        }
    }

    /// Runs `query` on a blocking thread; waits while all connections are busy.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        query: impl FnOnce(&Database) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        let readers = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let generation = readers.health.generation();
            let connection = match readers.pooled(generation) {
                Some(connection) => connection,
                None => Database::open_readable(&readers.path, &readers.recent)?,
            };
            let result = query(&connection);
            if result.as_ref().is_err_and(means_damage) {
                readers.health.report(generation);
            }
            readers.idle().push((generation, connection));
            result.map_err(StoreError::from)
        })
        .await
        .map_err(|_| StoreError::Closed)?
    }

    /// A connection on the file of this generation; those on older files are closed.
    fn pooled(&self, generation: u64) -> Option<Database> {
        let mut idle = self.idle();
        idle.retain(|(opened_on, _)| *opened_on == generation);
        idle.pop().map(|(_, connection)| connection)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(u64, Database)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
