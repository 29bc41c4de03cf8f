//! Opening the encrypted file, and bringing its tables to the newest form.

mod adopting;

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use zeroize::Zeroizing;

use crate::secret::DatabaseKey;
use crate::{StoreError, engine, files};

/// Name of the database inside the folder of its account.
pub(crate) const DATABASE_FILE: &str = "account.db";

/// How long a command waits for another process that is writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);

/// Every change of the tables, in order. Number n leads from schema n − 1 to schema n. Published
/// ones are never edited.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_initial.sql"),
    include_str!("../migrations/0002_messenger.sql"),
    include_str!("../migrations/0003_files.sql"),
    include_str!("../migrations/0004_drafts.sql"),
    include_str!("../migrations/0005_heard.sql"),
    include_str!("../migrations/0006_twins.sql"),
];

/// The schema this version writes.
pub(crate) fn newest_schema() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// Makes a new encrypted database with empty tables of the newest schema.
pub(crate) fn create(path: &Path, key: &DatabaseKey) -> Result<Connection, StoreError> {
    drop(files::create_private_file(path)?);
    let mut connection = connect(path, key)?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// Opens the database at `path`, which is left as it is when `key` is not its key.
pub(crate) fn open(path: &Path, key: &DatabaseKey) -> Result<Connection, StoreError> {
    probe(path, key)?;
    let mut connection = connect(path, key)?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// Reads the first page without locks and without looking at the log beside the file, so that
/// nothing is written whatever comes out.
///
/// A log that is not empty means that a process crashed or is at work. The first page in the
/// file may then be older than the one in the log, or half replaced; the ordinary opening,
/// which reads the log, decides.
fn probe(path: &Path, key: &DatabaseKey) -> Result<(), StoreError> {
    engine::start();
    let length = path
        .metadata()
        .map_err(|error| StoreError::io("read", path, error))?
        .len();
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if Path::new(&log).metadata().is_ok_and(|log| log.len() > 0) {
        return Ok(());
    }
    let not_a_database = || StoreError::NotADatabase {
        path: path.to_owned(),
    };
    if length == 0 {
        return Err(not_a_database());
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(immutable_uri(path), flags)
        .map_err(|error| access_error(path, error))?;
    unlock(&connection, key)?;
    match connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0)) {
        Ok(0) | Err(_) => Err(not_a_database()),
        Ok(1i64..) => Ok(()),
        Ok(_) => Err(StoreError::Damaged("a count")),
    }
}

/// `file:` address of a path whose file is promised not to change.
fn immutable_uri(path: &Path) -> String {
    use core::fmt::Write as _;
    #[cfg(unix)]
    let bytes = std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).to_vec();
    #[cfg(not(unix))]
    let bytes = format!("/{}", path.to_string_lossy().replace('\\', "/")).into_bytes();
    let mut uri = String::from("file:");
    for byte in bytes {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b':' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(byte));
            }
            // Writing to a string cannot fail.
            _ => drop(write!(uri, "%{byte:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    uri
}

/// A connection as every caller wants it: unlocked, in WAL mode, durable.
fn connect(path: &Path, key: &DatabaseKey) -> Result<Connection, StoreError> {
    engine::start();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(path, flags).map_err(|error| access_error(path, error))?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Until a page was read, closing must not bring a log into a file that may not be its own.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    unlock(&connection, key)?;
    connection
        .execute_batch(
            "PRAGMA foreign_keys = ON;
             PRAGMA trusted_schema = OFF;
             PRAGMA secure_delete = ON;
             PRAGMA temp_store = MEMORY;
             PRAGMA cache_size = -16384;
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;",
        )
        .map_err(|error| access_error(path, error))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(connection)
}

/// Gives the connection its key. No page is read yet.
fn unlock(connection: &Connection, key: &DatabaseKey) -> Result<(), StoreError> {
    // A refused page is an error code here; SQLCipher would print it to the standard error too.
    connection.execute_batch("PRAGMA cipher_log_level = NONE;")?;
    let statement = Zeroizing::new(format!("PRAGMA key = \"x'{}'\";", key.to_hex().as_str()));
    // The engine's own error may quote the statement, and with it the key.
    connection
        .execute_batch(&statement)
        .map_err(|_| StoreError::Damaged("the key"))
}

/// What a refusal of the engine at opening means for the file at `path`.
fn access_error(path: &Path, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::NotADatabase {
            path: path.to_owned(),
        },
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            StoreError::NotWritable {
                path: path.to_owned(),
            }
        }
        _ => error.into(),
    }
}

/// Applies what is missing, each step in a transaction of its own.
fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    while version(connection)? < newest_schema() {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have been quicker while this one waited for the lock.
        let current = version(&transaction)?;
        let step = usize::try_from(current)
            .ok()
            .and_then(|index| MIGRATIONS.get(index));
        if let Some(step) = step {
            transaction.execute_batch(step)?;
            if current + 1 == adopting::FILES {
                adopting::adopt_files(&transaction)?;
            }
            transaction.pragma_update(None, "user_version", current + 1)?;
        }
        transaction.commit()?;
    }
    Ok(())
}

/// The schema of the database; refused when newer than this version knows.
fn version(connection: &Connection) -> Result<u32, StoreError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let found = u32::try_from(found).map_err(|_| StoreError::Damaged("the schema number"))?;
    let supported = newest_schema();
    if found > supported {
        return Err(StoreError::NewerSchema { found, supported });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_escaped() {
        assert_eq!(
            immutable_uri(Path::new("/a b/c?d#e%f/ü.db")),
            "file:/a%20b/c%3Fd%23e%25f/%C3%BC.db?immutable=1"
        );
    }

    #[test]
    fn every_table_is_strict_and_every_column_not_null() {
        let folder = tempfile::tempdir().unwrap();
        let connection = create(
            &folder.path().join("a.db"),
            &DatabaseKey::generate().unwrap(),
        )
        .unwrap();
        // The tables of the search engine are its own business; it calls them shadows.
        let loose: Vec<String> = connection
            .prepare("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'")
            .unwrap()
            .query_map((), |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(loose, Vec::<String>::new());
        let nullable: Vec<String> = connection
            .prepare("SELECT t.name || '.' || c.name FROM pragma_table_list t, pragma_table_info(t.name) c WHERE t.schema = 'main' AND t.type = 'table' AND c.\"notnull\" = 0 AND t.name NOT LIKE 'sqlite_%'")
            .unwrap()
            .query_map((), |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(nullable, Vec::<String>::new());
        let tables: i64 = connection
            .query_row(
                "SELECT count(*) FROM pragma_table_list WHERE strict = 1",
                (),
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(tables, 17);
        let shadows: i64 = connection
            .query_row(
                "SELECT count(*) FROM pragma_table_list WHERE type = 'shadow' AND name NOT LIKE 'message_words_%'",
                (),
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(shadows, 0);
    }

    #[test]
    fn pages_are_encrypted_and_settings_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let connection = create(&path, &DatabaseKey::generate().unwrap()).unwrap();
        let text = |pragma: &str| -> String {
            connection
                .pragma_query_value(None, pragma, |row| row.get(0))
                .unwrap()
        };
        let number = |pragma: &str| -> i64 {
            connection
                .pragma_query_value(None, pragma, |row| row.get(0))
                .unwrap()
        };
        assert!(
            text("cipher_version").starts_with("4."),
            "{}",
            text("cipher_version")
        );
        assert_eq!(text("journal_mode"), "wal");
        assert_eq!(number("foreign_keys"), 1);
        assert_eq!(number("synchronous"), 2);
        assert_eq!(number("busy_timeout"), 15_000);
        assert_eq!(number("secure_delete"), 1);
        assert_eq!(number("cache_size"), -16_384);
        drop(connection);
        let bytes = std::fs::read(&path).unwrap();
        assert!(bytes.len() > 4096);
        for plain in [&b"SQLite format 3"[..], b"identity", b"messages", b"CREATE"] {
            assert!(!bytes.windows(plain.len()).any(|window| window == plain));
        }
    }

    #[test]
    fn a_newer_schema_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let key = DatabaseKey::generate().unwrap();
        let connection = create(&path, &key).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(
            open(&path, &key),
            Err(StoreError::NewerSchema { found: 99, supported }) if supported == newest_schema()
        ));
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_half_done_second_migration_leaves_schema_1() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let key = DatabaseKey::generate().unwrap();
        drop(files::create_private_file(&path).unwrap());
        let mut connection = connect(&path, &key).unwrap();
        connection.execute_batch(MIGRATIONS[0]).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        // The step fails at its last trigger, because that one is there already.
        connection
            .execute_batch(
                "CREATE TRIGGER messages_words_changed AFTER UPDATE OF body ON messages
                 BEGIN SELECT 1; END",
            )
            .unwrap();
        let schema = |connection: &Connection| -> Vec<String> {
            let sql = "SELECT name || coalesce(sql, '') FROM sqlite_schema ORDER BY name";
            let mut statement = connection.prepare(sql).unwrap();
            let rows = statement.query_map((), |row| row.get(0)).unwrap();
            rows.collect::<Result<_, _>>().unwrap()
        };
        let before = schema(&connection);
        assert!(matches!(
            migrate(&mut connection),
            Err(StoreError::Database(_))
        ));
        assert_eq!(version(&connection).unwrap(), 1);
        assert_eq!(schema(&connection), before);
        connection
            .execute_batch("DROP TRIGGER messages_words_changed")
            .unwrap();
        migrate(&mut connection).unwrap();
        assert_eq!(version(&connection).unwrap(), newest_schema());
    }

    #[test]
    fn a_half_done_migration_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let key = DatabaseKey::generate().unwrap();
        drop(files::create_private_file(&path).unwrap());
        let mut connection = connect(&path, &key).unwrap();
        // The step fails at its last table, because that one is there already.
        connection
            .execute_batch("CREATE TABLE last_hashes (x INTEGER) STRICT")
            .unwrap();
        assert!(matches!(
            migrate(&mut connection),
            Err(StoreError::Database(_))
        ));
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))
            .unwrap();
        assert_eq!((tables, version(&connection).unwrap()), (1, 0));
        connection.execute_batch("DROP TABLE last_hashes").unwrap();
        migrate(&mut connection).unwrap();
        assert_eq!(version(&connection).unwrap(), newest_schema());
    }
}
