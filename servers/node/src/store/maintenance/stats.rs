//! What is in a database, in numbers.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, params};
use serde::Serialize;
use session_types::{Namespace, NamespaceClass, Timestamp};

use super::{MaintenanceError, existing, file, open_to_read, size};

/// How far ahead [`Stats::expiring_within_a_day`] looks.
const SOON: Duration = Duration::from_secs(24 * 3600);

/// What is in a database. Names no account and no message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Size of `storage.db`, in bytes.
    pub file_bytes: u64,
    /// Size of its log, in bytes.
    pub log_bytes: u64,
    /// Bytes of the file that hold nothing: free for what comes; `compact` gives them back.
    pub free_bytes: u64,
    /// The same in pages.
    pub free_pages: u64,
    /// Size of a page, in bytes.
    pub page_bytes: u64,
    /// Accounts and groups with messages.
    pub owners: u64,
    /// Messages.
    pub messages: u64,
    /// Their data, in bytes.
    pub message_bytes: u64,
    /// Messages anyone may store and only the owner may read.
    pub public_inbox: ClassStats,
    /// Messages anyone may read and only the owner may store, one per namespace.
    pub public_outbox: ClassStats,
    /// Messages only the owner may read and store.
    pub private: ClassStats,
    /// Messages of legacy groups.
    pub legacy_group: ClassStats,
    /// When the oldest message was sent, in milliseconds since 1970.
    pub oldest_ms: Option<u64>,
    /// When the newest message was sent, in milliseconds since 1970.
    pub newest_ms: Option<u64>,
    /// Messages that expire within 24 hours.
    pub expiring_within_a_day: u64,
    /// Messages that have expired and are not deleted yet.
    pub expired: u64,
    /// Messages and commands waiting for other members of the swarm.
    pub deliveries_waiting: u64,
    /// Transfers of whole parts to other nodes that are not finished.
    pub dumps_waiting: u64,
    /// Revoked subaccount tokens, and lifted ones that are remembered.
    pub revocations: u64,
    /// Deletions that are remembered.
    pub deletions: u64,
    /// Damaged databases that were set aside in the folder.
    pub set_aside: u64,
    /// Their size, in bytes.
    pub set_aside_bytes: u64,
}

/// Messages of one class of namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct ClassStats {
    /// How many.
    pub messages: u64,
    /// Their data, in bytes.
    pub bytes: u64,
}

/// Counts what is in the database of the node in `dir`. The node may run.
///
/// # Errors
/// [`MaintenanceError`], when there is no database, or it cannot be read.
pub fn stats(dir: &Path, now: Timestamp) -> Result<Stats, MaintenanceError> {
    let path = existing(dir)?;
    let mut connection = open_to_read(&path)?;
    // All figures are of one moment.
    let connection = connection.transaction()?;
    let count = |sql| number(&connection, sql);
    let page_bytes = count("PRAGMA page_size")?;
    let free_pages = count("PRAGMA freelist_count")?;
    let set_aside = file::set_aside(&path);
    let mut stats = Stats {
        file_bytes: size(&path),
        log_bytes: size(&file::companion(&path, "-wal")),
        free_bytes: free_pages.saturating_mul(page_bytes),
        free_pages,
        page_bytes,
        owners: count("SELECT COUNT(*) FROM owners")?,
        deliveries_waiting: count("SELECT COUNT(*) FROM pending_deliveries")?
            .saturating_add(count("SELECT COUNT(*) FROM pending_commands")?),
        dumps_waiting: count("SELECT COUNT(*) FROM pending_dumps")?,
        revocations: count("SELECT COUNT(*) FROM revocations")?,
        deletions: count("SELECT COUNT(*) FROM deleted_messages")?
            .saturating_add(count("SELECT COUNT(*) FROM deleted_ranges")?),
        set_aside: set_aside.len() as u64,
        set_aside_bytes: set_aside
            .iter()
            .map(|path| size(path).saturating_add(size(&file::companion(path, "-wal"))))
            .sum(),
        ..Stats::default()
    };
    count_messages(&connection, now, &mut stats)?;
    Ok(stats)
}

/// One pass over the messages.
fn count_messages(
    connection: &Connection,
    now: Timestamp,
    stats: &mut Stats,
) -> Result<(), MaintenanceError> {
    let mut statement = connection.prepare(
        "SELECT namespace, COUNT(*), SUM(length(data)), MIN(timestamp), MAX(timestamp),
                SUM(expiry <= ?1), SUM(expiry > ?1 AND expiry <= ?2)
         FROM messages GROUP BY namespace",
    )?;
    let mut rows = statement.query(params![now.as_ms_i64(), now.plus(SOON).as_ms_i64()])?;
    while let Some(row) = rows.next()? {
        let column = |index| -> rusqlite::Result<u64> {
            Ok(u64::try_from(row.get::<_, i64>(index)?).unwrap_or(0))
        };
        let (messages, bytes) = (column(1)?, column(2)?);
        let class = match Namespace::new(row.get(0)?).class() {
            NamespaceClass::LegacyGroup => &mut stats.legacy_group,
            NamespaceClass::Private => &mut stats.private,
            NamespaceClass::PublicInbox => &mut stats.public_inbox,
            NamespaceClass::PublicOutbox => &mut stats.public_outbox,
        };
        class.messages = class.messages.saturating_add(messages);
        class.bytes = class.bytes.saturating_add(bytes);
        stats.messages = stats.messages.saturating_add(messages);
        stats.message_bytes = stats.message_bytes.saturating_add(bytes);
        let (oldest, newest) = (column(3)?, column(4)?);
        stats.oldest_ms = Some(stats.oldest_ms.map_or(oldest, |other| other.min(oldest)));
        stats.newest_ms = stats.newest_ms.max(Some(newest));
        stats.expired = stats.expired.saturating_add(column(5)?);
        stats.expiring_within_a_day = stats.expiring_within_a_day.saturating_add(column(6)?);
    }
    Ok(())
}

/// The only number of an answer.
pub(super) fn number(connection: &Connection, sql: &str) -> Result<u64, MaintenanceError> {
    let number: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(u64::try_from(number).unwrap_or(0))
}
