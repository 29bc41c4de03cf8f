//! A small pool of read-only connections, and the threads that use them.
//!
//! The threads are the pool's own: a runtime's pool of blocking threads starts a new one whenever
//! work comes before the last thread has noted that it is free, and each new thread brings an
//! allocator's arena with it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::StoreError;
use super::database::Database;
use super::health::{Health, means_damage};
use super::recent::Recent;

/// At most `count` queries at a time, each on a thread and a connection that are made when first
/// needed. The threads end, when they have done what they do, with this.
#[derive(Debug)]
pub(super) struct Readers {
    pool: Arc<Pool>,
    permits: Arc<Semaphore>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What the threads share.
#[derive(Debug)]
struct Pool {
    path: PathBuf,
    health: Arc<Health>,
    recent: Arc<Recent>,
    /// Connections that wait for their next query, each with the generation of the file it was
    /// opened on.
    connections: Mutex<Vec<(u64, Database)>>,
    /// The way to each thread that waits for work, a busy one's is in its task. `None` when the
    /// threads are to end.
    free: Mutex<Option<Vec<mpsc::Sender<Task>>>>,
}

/// A query for a thread.
struct Task {
    job: Box<dyn FnOnce(&Pool) + Send>,
    way: mpsc::Sender<Self>,
    /// Given back when the thread is free again, so that whoever gets it finds a free thread.
    permit: OwnedSemaphorePermit,
}

impl Readers {
    pub(super) fn new(path: &Path, count: usize, health: Arc<Health>, recent: Arc<Recent>) -> Self {
        Self {
            pool: Arc::new(Pool {
                path: path.to_owned(),
                health,
                recent,
                connections: Mutex::default(),
                free: Mutex::new(Some(Vec::new())),
            }),
            permits: Arc::new(Semaphore::new(count.max(1))),
            threads: Mutex::default(),
        }
    }

    /// Runs `query` on one of the threads; waits while all are busy.
    ///
    /// Dropping the future does not stop a query that has begun.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Database) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        let (answer, wait) = oneshot::channel();
        let job = Box::new(move |pool: &Pool| {
            // The caller may have gone away.
            let _ = answer.send(pool.run(query));
        });
        self.hand(job, permit)?;
        wait.await.map_err(|_| StoreError::Closed)?
    }

    /// Gives a query to a thread that is free, else to a new one.
    fn hand(
        &self,
        job: Box<dyn FnOnce(&Pool) + Send>,
        permit: OwnedSemaphorePermit,
    ) -> Result<(), StoreError> {
        let free = lock(&self.pool.free).as_mut().and_then(Vec::pop);
        let to = free.map_or_else(|| self.start(), Ok)?;
        let way = to.clone();
        to.send(Task { job, way, permit })
            .map_err(|_| StoreError::Closed)
    }

    fn start(&self) -> Result<mpsc::Sender<Task>, StoreError> {
        let (way, tasks) = mpsc::channel::<Task>();
        let pool = Arc::clone(&self.pool);
        let work = move || {
            for Task { job, way, permit } in tasks {
                job(&pool);
                match lock(&pool.free).as_mut() {
                    Some(free) => free.push(way),
                    None => break,
                }
                drop(permit);
            }
        };
        let thread = std::thread::Builder::new()
            .name("node-reader".to_owned())
            .spawn(work)
            .map_err(StoreError::Io)?;
        let mut threads = lock(&self.threads);
        // Those that panicked.
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread);
        Ok(way)
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        *lock(&self.pool.free) = None;
        for thread in lock(&self.threads).drain(..) {
            if thread.join().is_err() {
                tracing::error!("a reader of the store panicked");
            }
        }
    }
}

impl Pool {
    fn run<T>(
        &self,
        query: impl FnOnce(&Database) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let generation = self.health.generation();
        let connection = match self.pooled(generation) {
            Some(connection) => connection,
            None => Database::open_readable(&self.path, &self.recent)?,
        };
        let result = query(&connection);
        if result.as_ref().is_err_and(means_damage) {
            self.health.report(generation);
        }
        lock(&self.connections).push((generation, connection));
        result.map_err(StoreError::from)
    }

    /// A connection on the file of this generation; those on older files are closed.
    fn pooled(&self, generation: u64) -> Option<Database> {
        let mut connections = lock(&self.connections);
        connections.retain(|(opened_on, _)| *opened_on == generation);
        connections.pop().map(|(_, connection)| connection)
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
