//! Looking through a data folder: what its operator wants to know.
//!
//! Works beside a running server and changes nothing.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use session_types::Timestamp;

use super::folder::Folder;
use super::{CONTENT_FOLDER, DATABASE_FILE, database};
use crate::id::ContentCheck;
use crate::storage::{Record, StorageError, Usage};

/// Records looked at in one step.
const STEP: usize = 1000;

/// What is in a data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Stats {
    /// Files that have not expired.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that have expired and are about to be deleted.
    pub expired: u64,
    /// Their bytes.
    pub expired_bytes: u64,
    /// Of the files: those named by numbers.
    pub numbered: u64,
    /// When the next one expires, in milliseconds since 1970.
    pub next_expiry_ms: Option<u64>,
}

impl Stats {
    pub(crate) fn add(&mut self, record: &Record, now: Timestamp) {
        if record.expires > now {
            self.files += 1;
            self.bytes += record.size;
            self.numbered += u64::from(!record.id.is_extendable());
            let expires = record.expires.as_ms();
            let next = self.next_expiry_ms;
            self.next_expiry_ms = Some(next.map_or(expires, |next| next.min(expires)));
        } else {
            self.expired += 1;
            self.expired_bytes += record.size;
        }
    }
}

/// What a look at every file has found. All is well when only `files` and `bytes` are not 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Verified {
    /// Files that are as they should be.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files without content.
    pub missing: u64,
    /// Files whose content has another length or another name than it should.
    pub damaged: u64,
    /// Content without a record; the server deletes it by and by.
    pub orphans: u64,
}

impl Verified {
    /// Whether no file is lost.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.missing == 0 && self.damaged == 0
    }
}

/// Whether a server has run in a data folder.
#[must_use]
pub fn has_run(data: &Path) -> bool {
    data.join(DATABASE_FILE).exists() || data.join(crate::shared::RECORDS_FILE).exists()
}

/// Counts. Blocks.
///
/// # Errors
/// [`StorageError`] when there is no database, or it cannot be read.
pub fn stats(data: &Path, now: Timestamp) -> Result<Stats, StorageError> {
    let mut stats = Stats::default();
    for_each_record(data, |record| {
        stats.add(record, now);
        Ok(())
    })?;
    Ok(stats)
}

/// Reads every file; `progress` hears how many were looked at and how many there are. Blocks.
///
/// # Errors
/// [`StorageError`] when there is no database, or something cannot be read.
pub fn verify(data: &Path, mut progress: impl FnMut(u64, u64)) -> Result<Verified, StorageError> {
    let connection = database::open_readable(&data.join(DATABASE_FILE))?;
    let Usage { files, .. } = database::usage(&connection)?;
    let folder = Folder::existing(data.join(CONTENT_FOLDER));
    let mut verified = Verified::default();
    let mut looked_at = 0;
    for_each_record(data, |record| {
        let state = state(&folder, record)?;
        // It may have expired meanwhile.
        if state == State::Sound || database::find(&connection, record.id)?.is_some() {
            match state {
                State::Damaged => verified.damaged += 1,
                State::Missing => verified.missing += 1,
                State::Sound => {
                    verified.files += 1;
                    verified.bytes += record.size;
                }
            }
        }
        looked_at += 1;
        progress(looked_at, files.max(looked_at));
        Ok(())
    })?;
    for prefix in folder.prefixes()? {
        for id in folder.ids(&prefix)? {
            let is_orphan = database::find(&connection, id)?.is_none();
            verified.orphans += u64::from(is_orphan);
        }
    }
    Ok(verified)
}

fn for_each_record(
    data: &Path,
    mut act: impl FnMut(&Record) -> Result<(), StorageError>,
) -> Result<(), StorageError> {
    let connection = database::open_readable(&data.join(DATABASE_FILE))?;
    let mut after = None;
    loop {
        let page = database::page(&connection, after, STEP)?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(last.id);
        page.iter().try_for_each(&mut act)?;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Damaged,
    Missing,
    Sound,
}

fn state(folder: &Folder, record: &Record) -> Result<State, StorageError> {
    let mut file = match File::open(folder.path(record.id)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(State::Missing),
        Err(error) => return Err(error.into()),
    };
    if file.metadata()?.len() != record.size {
        return Ok(State::Damaged);
    }
    let mut check = ContentCheck::new(record.id);
    if check.needs_nothing() {
        return Ok(State::Sound);
    }
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let read = match file.read(&mut buffer)? {
            0 => break,
            read => read,
        };
        check.update(buffer.get(..read).unwrap_or_default());
    }
    Ok(if check.is_right() {
        State::Sound
    } else {
        State::Damaged
    })
}
