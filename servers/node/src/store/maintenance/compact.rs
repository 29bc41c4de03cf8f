//! Writing a database anew without its free pages.

use std::fs;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use rusqlite::{Connection, params};
use serde::Serialize;

use super::file::{self, Lock, companion};
use super::stats::number;
use super::{MaintenanceError, Progress, existing, require_node_database, schema, size};
use crate::store::salvage::salvage;
use crate::store::schema::Form;

/// How often the size of the new file is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// What compacting has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Compacted {
    /// Size of the database before, with its log, in bytes.
    pub bytes_before: u64,
    /// And now.
    pub bytes_after: u64,
    /// Messages in it.
    pub messages: u64,
}

/// Writes the database of the node in `dir` anew without free pages, in the newest form, and puts
/// it in place of the old one when it is complete. Until then the old one is not touched: an interruption costs
/// nothing. Takes as much space on the disk as the database holds data.
///
/// # Errors
/// [`MaintenanceError`], when there is no database, somebody uses it, it is damaged, or the disk
/// is full. The database is then what it was.
pub fn compact(
    dir: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Compacted, MaintenanceError> {
    let path = existing(dir)?;
    let _lock = Lock::take(&path)?;
    if size(&path) == 0 {
        return Err(MaintenanceError::Damaged);
    }
    let log = companion(&path, "-wal");
    let copy = companion(&path, file::COMPACTED);
    file::remove_database(&copy)?;
    let bytes_before = size(&path).saturating_add(size(&log));
    let connection = schema::open_writable(&path)?;
    require_node_database(&connection)?;
    let form = schema::form(&connection)?;
    // From here on nothing is in the log: nobody else may write.
    let busy = number(&connection, "PRAGMA wal_checkpoint(TRUNCATE)")?;
    if busy != 0 {
        return Err(MaintenanceError::Busy);
    }
    let written = write_copy(connection, &path, form, &copy, progress);
    let messages = match written {
        Ok(messages) => messages,
        Err(error) => {
            file::remove_database(&copy)?;
            return Err(error);
        }
    };
    file::sync(&copy)?;
    if size(&log) > 0 {
        file::remove_database(&copy)?;
        return Err(MaintenanceError::Busy);
    }
    for suffix in ["-wal", "-shm"] {
        file::remove(&companion(&path, suffix))?;
    }
    fs::rename(&copy, &path)?;
    file::sync_folder(&path)?;
    Ok(Compacted {
        bytes_before,
        bytes_after: size(&path),
        messages,
    })
}

/// Writes the copy, compares it with the original and closes both. Returns how many messages
/// there are.
fn write_copy(
    connection: Connection,
    path: &Path,
    form: Form,
    copy: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<u64, MaintenanceError> {
    let used = number(&connection, "PRAGMA page_count")?
        .saturating_sub(number(&connection, "PRAGMA freelist_count")?);
    let total = used.saturating_mul(number(&connection, "PRAGMA page_size")?);
    let (finished, wait) = channel();
    let (source, target) = (path.to_owned(), copy.to_owned());
    let writer = std::thread::spawn(move || {
        let result = match form {
            Form::One => rewrite(&source, &target),
            Form::Two => vacuum(&connection, &target),
        };
        drop(finished);
        (connection, result)
    });
    while wait.recv_timeout(LOOK) == Err::<(), _>(RecvTimeoutError::Timeout) {
        let done = size(copy).min(total);
        progress(Progress::Writing { done, total });
    }
    let Ok((connection, result)) = writer.join() else {
        return Err(MaintenanceError::Incomplete);
    };
    result?;
    let written = schema::open_readable(copy)?;
    // The rows of every table are counted on both sides before the new file takes the place of
    // the old.
    for table in tables(&connection, form)? {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        if number(&connection, &sql)? != number(&written, &sql)? {
            return Err(MaintenanceError::Incomplete);
        }
    }
    let messages = number(&written, "SELECT COUNT(*) FROM messages")?;
    written.close().map_err(|(_, error)| error)?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(messages)
}

/// Leaves the free pages out.
fn vacuum(connection: &Connection, target: &Path) -> Result<(), MaintenanceError> {
    // SQLite takes text only; to a name that is none nothing can be written.
    let target = target.to_string_lossy().into_owned();
    connection.execute("VACUUM INTO ?1", params![target])?;
    Ok(())
}

/// Writes every row into a file of the newest form.
fn rewrite(source: &Path, target: &Path) -> Result<(), MaintenanceError> {
    let salvaged = salvage(source, target)?;
    if salvaged.lost() > 0 {
        return Err(MaintenanceError::Damaged);
    }
    Ok(())
}

/// The tables of a database that its copy must have complete, without those that SQLite keeps for
/// itself.
fn tables(connection: &Connection, form: Form) -> rusqlite::Result<Vec<String>> {
    let mut tables: Vec<String> = connection
        .prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    if form == Form::One {
        // The newest form remembers more.
        tables.retain(|table| table != "numbers");
    }
    Ok(tables)
}
