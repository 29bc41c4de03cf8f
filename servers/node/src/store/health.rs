//! What is known about the state of the file, shared by everybody who uses it.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use super::salvage::Salvaged;

/// Pages of the log above which work nobody waits for pauses until it has been moved.
const LONG_LOG: u32 = 16 * 1024;

/// Damage noticed, and what repairs have done since the store was opened.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// Which file is in use: one more after every repair.
    generation: AtomicU64,
    damaged: AtomicBool,
    /// The check after an unclean stop has not come to its end.
    checking: AtomicBool,
    /// The log is about to be moved into the file completely.
    ending_log: AtomicBool,
    /// Pages in the log, 0 when all of them have been moved.
    log_pages: AtomicU32,
    repairs: AtomicU64,
    saved: AtomicU64,
    lost: AtomicU64,
    full: AtomicU64,
}

/// What the store has been through since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct StoreHealth {
    /// Times a damaged file was replaced.
    pub(crate) repairs: u64,
    /// Rows taken over from damaged files.
    pub(crate) rows_saved: u64,
    /// Rows that are known to have been in damaged files and could not be read.
    pub(crate) rows_lost: u64,
    /// Messages refused because the database or the disk was full.
    pub(crate) refused_full: u64,
}

impl Health {
    /// The file in use; goes with every report about it.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Notes that a statement met damage in the file of that generation. What is said about a
    /// file that has been replaced counts no more.
    pub(super) fn report(&self, generation: u64) {
        if generation == self.generation() {
            self.damaged.store(true, Ordering::SeqCst);
        }
    }

    /// Whether the file in use must be repaired.
    pub(super) fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::SeqCst)
    }

    /// Another file is in use from now on.
    pub(super) fn repaired(&self, salvaged: &Salvaged) {
        self.repairs.fetch_add(1, Ordering::Relaxed);
        self.saved.fetch_add(salvaged.saved(), Ordering::Relaxed);
        self.lost.fetch_add(salvaged.lost(), Ordering::Relaxed);
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.damaged.store(false, Ordering::SeqCst);
        self.checking.store(false, Ordering::SeqCst);
    }

    /// A check runs, or has come to its end.
    pub(super) fn set_checking(&self, checking: bool) {
        self.checking.store(checking, Ordering::SeqCst);
    }

    /// Whether the file is known to be sound, as far as anybody has looked.
    pub(super) fn is_sound(&self) -> bool {
        !self.is_damaged() && !self.checking.load(Ordering::SeqCst)
    }

    /// The log is about to be moved completely, or is no longer.
    pub(super) fn set_ending_log(&self, ending: bool) {
        self.ending_log.store(ending, Ordering::SeqCst);
    }

    /// Notes how many pages the log has; 0 when all of them have been moved.
    pub(super) fn set_log_pages(&self, pages: u32) {
        self.log_pages.store(pages, Ordering::SeqCst);
    }

    /// How many pages the log has, those included that have been moved.
    pub(super) fn log_pages(&self) -> u32 {
        self.log_pages.load(Ordering::SeqCst)
    }

    /// Whether what nobody waits for should pause.
    pub(super) fn is_log_in_the_way(&self) -> bool {
        self.ending_log.load(Ordering::SeqCst) || self.log_pages() > LONG_LOG
    }

    /// A message was refused for want of space.
    pub(super) fn refused_full(&self) {
        self.full.fetch_add(1, Ordering::Relaxed);
    }

    /// The numbers as they are now.
    pub(super) fn snapshot(&self) -> StoreHealth {
        StoreHealth {
            repairs: self.repairs.load(Ordering::Relaxed),
            rows_saved: self.saved.load(Ordering::Relaxed),
            rows_lost: self.lost.load(Ordering::Relaxed),
            refused_full: self.full.load(Ordering::Relaxed),
        }
    }
}

/// Whether SQLite says that the file itself is not in order.
pub(super) fn means_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
    )
}
