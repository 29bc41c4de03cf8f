//! The thread that writes records: changes that wait share a commit, and each caller hears after
//! it.

use core::fmt;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::lock::DataLock;
use crate::storage::StorageError;

/// Changes in one transaction at most.
const MAX_GROUP: usize = 256;

/// Changes that may wait; further ones wait for a place.
const QUEUE: usize = 1024;

/// Handle to the thread.
pub(crate) struct Writer {
    /// Nothing once it was closed.
    changes: Mutex<Option<mpsc::Sender<Box<dyn Change>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread that owns `connection` and keeps `lock` until it ends.
    pub(crate) fn start(connection: Connection, lock: DataLock) -> Result<Self, StorageError> {
        let (changes, waiting) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("files-records".to_owned())
            .spawn(move || {
                run(connection, waiting);
                drop(lock);
            })?;
        Ok(Self {
            changes: Mutex::new(Some(changes)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Makes a change and returns its result after the commit. `change` may run more than once,
    /// but only one run of it lasts. Dropping the future does not take back what waits already.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        change: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StorageError> {
        let (answer, answered) = oneshot::channel();
        let sender = self.sender().clone();
        let change = Box::new(Waiting {
            change,
            result: None,
            answer,
        });
        sender
            .ok_or(StorageError::Closed)?
            .send(change)
            .await
            .map_err(|_| StorageError::Closed)?;
        answered.await.map_err(|_| StorageError::Closed)?
    }

    /// Makes the changes that wait and ends the thread.
    pub(crate) async fn close(&self) {
        drop(self.sender().take());
        if let Some(thread) = self.take_thread() {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }

    fn sender(&self) -> std::sync::MutexGuard<'_, Option<mpsc::Sender<Box<dyn Change>>>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_thread(&self) -> Option<JoinHandle<()>> {
        self.thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.sender().take());
        if let Some(thread) = self.take_thread()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes records panicked");
        }
    }
}

/// A change that waits, and who waits for it.
trait Change: Send {
    /// Makes the change; whether it succeeded.
    fn make(&mut self, connection: &Connection) -> bool;

    /// Tells the result, `Ok` when it was committed.
    fn finish(self: Box<Self>, end: Result<(), StorageError>);
}

struct Waiting<T, F> {
    change: F,
    result: Option<rusqlite::Result<T>>,
    answer: oneshot::Sender<Result<T, StorageError>>,
}

impl<T: Send, F: Fn(&Connection) -> rusqlite::Result<T> + Send> Change for Waiting<T, F> {
    fn make(&mut self, connection: &Connection) -> bool {
        let result = (self.change)(connection);
        self.result.insert(result).is_ok()
    }

    fn finish(self: Box<Self>, end: Result<(), StorageError>) {
        let outcome = match (self.result, end) {
            (Some(Ok(value)), Ok(())) => Ok(value),
            (Some(Err(error)), _) => Err(error.into()),
            (_, Err(error)) => Err(error),
            (None, Ok(())) => Err(StorageError::NotCommitted),
        };
        // Who asked may have gone; the change stands.
        let _ = self.answer.send(outcome);
    }
}

fn run(mut connection: Connection, mut waiting: mpsc::Receiver<Box<dyn Change>>) {
    let mut group = Vec::with_capacity(MAX_GROUP);
    while waiting.blocking_recv_many(&mut group, MAX_GROUP) > 0 {
        settle(&mut connection, &mut group);
    }
    let ended = connection.execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)");
    let closed = connection.close().map_err(|(_, error)| error);
    if let Err(error) = ended.and(closed) {
        tracing::warn!(%error, "the records were not closed in order");
    }
}

/// Makes the changes and tells everybody. When one fails, all are made again one by one, so that
/// what fails for one does not fail for others.
fn settle(connection: &mut Connection, group: &mut Vec<Box<dyn Change>>) {
    let end = match commit(connection, group) {
        Ok(true) => {
            group.drain(..).for_each(|change| change.finish(Ok(())));
            return;
        }
        Ok(false) => StorageError::NotCommitted,
        Err(error) => error.into(),
    };
    if group.len() > 1 {
        for change in group.drain(..) {
            settle(connection, &mut vec![change]);
        }
    } else if let Some(change) = group.pop() {
        change.finish(Err(end));
    }
}

/// Makes the changes in one transaction. `Ok(false)`: one of them failed and all were undone.
fn commit(connection: &mut Connection, group: &mut [Box<dyn Change>]) -> rusqlite::Result<bool> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for change in group {
        if !change.make(&transaction) {
            transaction.rollback()?;
            return Ok(false);
        }
    }
    transaction.commit()?;
    Ok(true)
}
