//! The database file in its folder: who uses it, whether it was left in order, and how a damaged
//! one is replaced.
//!
//! | file | what it is |
//! |---|---|
//! | `storage.db`, `-wal`, `-shm` | the database in use |
//! | `storage.lock` | locked while a process uses the database; holds a word from the start until an orderly stop |
//! | `storage.db.salvage` | a new database that is being filled from a damaged one |
//! | `storage.db.recovered` | the same when it is complete: takes the place of the damaged one at once, or at the next start |
//! | `storage.db.compacted` | a copy without free pages that is being written |
//! | `storage.db.damaged-<unix time>` | a damaged database, set aside |

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;

use super::database::Database;
use super::health::{Health, means_damage};
use super::page_memory::PageMemory;
use super::recent::Recent;
use super::salvage::{Salvaged, salvage};
use super::{StoreError, messages, schema};

/// A database up to this size is checked before it is used when it was not left in order; a
/// larger one while it is used. Keeps a start within seconds.
const CHECK_AT_ONCE: u64 = if cfg!(test) { 4 } else { 128 } * 1024 * 1024;

/// Damaged files that are kept. A failing disk must not be filled with copies of its failures.
const MAX_SET_ASIDE: usize = 3;

/// Pause between two repairs of a database in use.
const REPAIR_INTERVAL: Duration = Duration::from_secs(60);

/// What is put behind the name of a database that is being written anew.
pub(super) const COMPACTED: &str = ".compacted";

/// How often and after which pause a lock is tried again: who only looks holds it for a moment.
const LOCK_ATTEMPTS: u32 = 5;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// What the lock file holds while the database is in use.
const IN_USE: &[u8] = b"in use\n";

/// The database file. Whoever holds this is the only process that writes to it.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    max_bytes: u64,
    lock: Lock,
    health: Arc<Health>,
    recent: Arc<Recent>,
    pages: Arc<PageMemory>,
    next_repair: Option<Instant>,
}

/// A database that was just opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) connection: Database,
    /// There is no message in it, or some were lost.
    pub(super) lacks_data: bool,
    /// It was not left in order and must be looked through while it is used.
    pub(super) check: bool,
}

impl DatabaseFile {
    /// Locks the database and opens it, makes it when there is none, and repairs it when it is
    /// damaged.
    pub(super) fn open(
        path: &Path,
        max_bytes: u64,
        health: Arc<Health>,
        recent: Arc<Recent>,
        pages: Arc<PageMemory>,
    ) -> Result<(Self, Opened), StoreError> {
        let mut lock = Lock::take(path)?;
        let in_order = lock.left_in_order()?;
        let mut file = Self {
            path: path.to_owned(),
            max_bytes,
            lock,
            health,
            recent,
            pages,
            next_repair: None,
        };
        file.end_interrupted_repair()?;
        let existed = file.path.exists();
        let empty = existed && fs::metadata(&file.path).map_err(StoreError::Io)?.len() == 0;
        let mut lost = false;
        let mut opened = if empty {
            // SQLite would take it for a new database and drop the log beside it.
            tracing::warn!("the database file is empty");
            Err(damage())
        } else {
            file.connect()
        };
        if !opened.as_ref().map_or_else(StoreError::is_damage, |_| true) {
            return Err(opened.err().unwrap_or(StoreError::Closed));
        }
        let mut check = false;
        if existed && !in_order && opened.is_ok() {
            let size = fs::metadata(&file.path).map_err(StoreError::Io)?.len();
            if size > CHECK_AT_ONCE {
                tracing::info!("the node was not stopped in order: checking the database");
                check = true;
            } else if let Ok((connection, _)) = &opened
                && !is_sound(connection)?
            {
                opened = Err(damage());
            }
        }
        let (connection, is_empty) = match opened {
            Ok(opened) => opened,
            Err(_) => {
                lost = file.repair()?.lost() > 0;
                file.connect()?
            }
        };
        file.health.set_checking(check);
        if let Err(error) = file.lock.set_in_use() {
            // On a full disk the node still serves what it has.
            tracing::warn!(%error, "a crash will not be noticed at the next start");
        }
        let opened = Opened {
            connection,
            lacks_data: is_empty || lost,
            check,
        };
        Ok((file, opened))
    }

    /// A connection that writes, and whether there is no message.
    fn connect(&self) -> Result<(Database, bool), StoreError> {
        let mut connection = schema::open_writable(&self.path)?;
        let form = schema::prepare(&mut connection)?;
        // Pages are copied so that a job that fails can be undone alone. They need no file.
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        schema::limit_size(&connection, self.max_bytes)?;
        let is_empty = messages::is_empty(&connection)?;
        self.recent.load(&connection, form)?;
        let database = Database::new(connection, form, Arc::clone(&self.recent));
        Ok((database, is_empty))
    }

    /// A connection in place of one that was closed.
    pub(super) fn reconnect(&self) -> Result<Database, StoreError> {
        self.connect().map(|(database, _)| database)
    }

    /// Whether damage has been met and it is time to do something about it.
    pub(super) fn repair_due(&self) -> bool {
        self.health.is_damaged() && self.next_repair.is_none_or(|due| due <= Instant::now())
    }

    /// Replaces the database by a new one with everything that can be read of it. Whoever calls
    /// this has closed the connection that writes.
    ///
    /// A crash at any point leaves either the damaged file in place or the complete new one
    /// beside it, which the next start puts into place.
    pub(super) fn repair(&mut self) -> Result<Salvaged, StoreError> {
        self.next_repair = Some(Instant::now() + REPAIR_INTERVAL);
        let began = Instant::now();
        tracing::warn!("the database is damaged: saving what can be read of it");
        let partial = self.beside("salvage");
        remove_database(&partial).map_err(StoreError::Io)?;
        self.make_log_readable().map_err(StoreError::Io)?;
        let salvaged = salvage(&self.path, &partial)?;
        let swapped = sync(&partial)
            .and_then(|()| fs::rename(&partial, self.beside("recovered")))
            .and_then(|()| self.put_recovered_in_place());
        let aside = swapped.map_err(StoreError::Io)?;
        self.health.repaired(&salvaged);
        self.pages.forget();
        tracing::warn!(
            messages_saved = salvaged.messages.saved,
            messages_lost = salvaged.messages.lost,
            others_saved = salvaged.others.saved,
            others_lost = salvaged.others.lost,
            seconds = began.elapsed().as_secs(),
            set_aside =
                aside.and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned())),
            "the database is repaired"
        );
        Ok(salvaged)
    }

    /// The database was closed by its last user.
    pub(super) fn left_in_order(mut self) {
        if self.health.is_sound()
            && let Err(error) = self.lock.set_left_in_order()
        {
            tracing::warn!(%error, "the next start will check the database");
        }
    }

    /// Repairs a database nobody uses, whether or not it looks damaged. `allowed` says whether a
    /// file that is a database is one that may be touched.
    pub(super) fn repair_unused<E: From<StoreError>>(
        path: &Path,
        allowed: impl FnOnce(&Connection) -> Result<(), E>,
    ) -> Result<Salvaged, E> {
        let mut file = Self {
            path: path.to_owned(),
            max_bytes: u64::MAX,
            lock: Lock::take(path)?,
            health: Arc::default(),
            recent: Arc::default(),
            pages: Arc::default(),
            next_repair: None,
        };
        file.end_interrupted_repair()?;
        // To SQLite a file without content is a new database.
        if fs::metadata(path).is_ok_and(|file| file.len() > 0)
            && let Ok(connection) = schema::open_readable(path)
            && schema::is_readable(&connection)
        {
            allowed(&connection)?;
        }
        let salvaged = file.repair()?;
        file.left_in_order();
        Ok(salvaged)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn health(&self) -> &Arc<Health> {
        &self.health
    }

    pub(super) fn pages(&self) -> &PageMemory {
        &self.pages
    }

    fn end_interrupted_repair(&self) -> Result<(), StoreError> {
        let ended = if self.beside("recovered").exists() {
            tracing::warn!("a repair of the database was interrupted: ending it");
            self.put_recovered_in_place().map(|_| ())
        } else {
            Ok(())
        };
        ended
            .and_then(|()| remove_database(&self.beside("salvage")))
            .and_then(|()| remove_database(&companion(&self.path, COMPACTED)))
            .map_err(StoreError::Io)
    }

    /// SQLite drops the log of a database file without content. One empty page makes it look.
    fn make_log_readable(&self) -> io::Result<()> {
        let has_log = fs::metadata(companion(&self.path, "-wal")).is_ok_and(|log| log.len() > 0);
        if has_log && fs::metadata(&self.path).is_ok_and(|file| file.len() == 0) {
            OpenOptions::new()
                .write(true)
                .open(&self.path)?
                .set_len(schema::PAGE.into())?;
        }
        Ok(())
    }

    /// Sets the file in use aside, log first: it must never lie beside another database.
    /// Returns where the file is now, if there was one.
    fn put_recovered_in_place(&self) -> io::Result<Option<PathBuf>> {
        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let mut aside = self.beside(&format!("damaged-{seconds}"));
        for number in 1..1000 {
            if !aside.exists() && !companion(&aside, "-wal").exists() {
                break;
            }
            aside = self.beside(&format!("damaged-{seconds}-{number}"));
        }
        let log = companion(&self.path, "-wal");
        if log.exists() {
            fs::rename(&log, companion(&aside, "-wal"))?;
        }
        remove(&companion(&self.path, "-shm"))?;
        let was_there = self.path.exists();
        if was_there {
            fs::rename(&self.path, &aside)?;
        }
        fs::rename(self.beside("recovered"), &self.path)?;
        sync_folder(&self.path)?;
        self.forget_oldest_set_aside();
        Ok(was_there.then_some(aside))
    }

    fn forget_oldest_set_aside(&self) {
        let mut aside = set_aside(&self.path);
        while aside.len() > MAX_SET_ASIDE {
            let oldest = aside.remove(0);
            match remove_database(&oldest) {
                Ok(()) => tracing::warn!("the oldest damaged database was deleted"),
                Err(error) => tracing::warn!(%error, "a damaged database cannot be deleted"),
            }
        }
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        companion(&self.path, &format!(".{suffix}"))
    }
}

/// Whether the structure of the file is in order. Does not compare indexes with tables.
pub(super) fn is_sound(connection: &Connection) -> Result<bool, StoreError> {
    let checked = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    match checked {
        Ok(text) => Ok(text == "ok"),
        Err(error) if means_damage(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Damaged databases that were set aside, oldest first.
pub(super) fn set_aside(path: &Path) -> Vec<PathBuf> {
    let Some(folder) = path.parent() else {
        return Vec::new();
    };
    let prefix = companion(path, ".damaged-");
    let Some(prefix) = prefix.file_name().and_then(|name| name.to_str()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(order) = name.to_str().and_then(|name| name.strip_prefix(prefix)) else {
            continue;
        };
        let mut numbers = order.split('-').map(str::parse::<u64>);
        if let (Some(Ok(seconds)), second @ (None | Some(Ok(_)))) = (numbers.next(), numbers.next())
        {
            found.push((seconds, second.and_then(Result::ok), entry.path()));
        }
    }
    found.sort();
    found.into_iter().map(|(_, _, path)| path).collect()
}

/// Holds the lock of a database as long as it lives.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Locks the database at `path` against other processes.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.with_extension("lock"))
            .map_err(StoreError::Io)?;
        let mut locked = file.try_lock();
        for _ in 0..LOCK_ATTEMPTS {
            if !matches!(locked, Err(TryLockError::WouldBlock)) {
                break;
            }
            std::thread::sleep(LOCK_PAUSE);
            locked = file.try_lock();
        }
        match locked {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                tracing::warn!("this file system knows no locks: start nothing twice");
                Ok(Self(file))
            }
            Err(TryLockError::Error(error)) => Err(StoreError::Io(error)),
        }
    }

    /// Whether the last user closed the database in order, or there was none.
    pub(super) fn left_in_order(&mut self) -> Result<bool, StoreError> {
        let mut content = Vec::new();
        self.0
            .rewind()
            .and_then(|()| (&self.0).take(64).read_to_end(&mut content))
            .map_err(StoreError::Io)?;
        Ok(content.is_empty())
    }

    fn set_in_use(&mut self) -> io::Result<()> {
        self.0.rewind()?;
        self.0.write_all(IN_USE)?;
        self.0.sync_all()
    }

    fn set_left_in_order(&mut self) -> io::Result<()> {
        self.0.set_len(0)?;
        self.0.sync_all()
    }
}

/// The path with something more at its end.
pub(super) fn companion(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Removes a database that nobody uses, with its log.
pub(super) fn remove_database(path: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        remove(&companion(path, suffix))?;
    }
    Ok(())
}

/// Brings a file to the disk.
pub(super) fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Brings the names in the folder of a file to the disk.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        #[cfg(unix)]
        Some(folder) => sync(folder),
        _ => Ok(()),
    }
}

/// Removes a file if it is there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn damage() -> StoreError {
    StoreError::Sqlite(corrupt())
}

/// What SQLite says of a file that is not in order.
pub(super) fn corrupt() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
        None,
    )
}
