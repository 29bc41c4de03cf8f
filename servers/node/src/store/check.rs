//! The check of a large database that was not left in order, beside its use.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use rusqlite::InterruptHandle;

use super::health::Health;
use super::{StoreError, file, schema};

/// A running check; ends when dropped.
///
/// It reads one state of the database, so until it ends the log grows with what is written.
pub(super) struct Check {
    interrupt: InterruptHandle,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Check").finish_non_exhaustive()
    }
}

impl Check {
    /// Starts the check. Damage is noted in `health`, and `damaged` called.
    pub(super) fn start(
        path: &Path,
        health: Arc<Health>,
        damaged: impl FnOnce() + Send + 'static,
    ) -> Result<Self, StoreError> {
        let connection = schema::open_readable(path)?;
        let interrupt = connection.get_interrupt_handle();
        let generation = health.generation();
        let thread = std::thread::Builder::new()
            .name("node-store-check".to_owned())
            .spawn(move || {
                let began = Instant::now();
                let checked = file::is_sound(&connection);
                drop(connection);
                let seconds = began.elapsed().as_secs();
                match checked {
                    Ok(true) => {
                        tracing::info!(seconds, "the database is in order");
                        health.set_checking(false);
                    }
                    Ok(false) => {
                        tracing::warn!(seconds, "the check has found damage");
                        health.report(generation);
                        damaged();
                    }
                    // Stopped, or the disk does not answer: the next start checks again.
                    Err(error) => tracing::debug!(%error, "the check came to no end"),
                }
            })
            .map_err(StoreError::Io)?;
        Ok(Self {
            interrupt,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Breaks the check off.
    pub(super) fn stop(&self) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            while !thread.is_finished() {
                // Has no effect between two statements, hence again.
                self.interrupt.interrupt();
                std::thread::yield_now();
            }
            if thread.join().is_err() {
                tracing::error!("the check of the database panicked");
            }
        }
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        self.stop();
    }
}
