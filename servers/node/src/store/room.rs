//! How much room messages have left.

use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::Connection;

/// Pages messages leave to everything else: 1/32 of the limit within these bounds.
const SMALLEST_RESERVE: u32 = 8;
const LARGEST_RESERVE: u32 = 16 * 1024;

/// Pages a message takes at most beside those of its data: one in the table and one in every
/// index, each of which may have to be divided.
const PAGES_BESIDE: u32 = 10;

/// No page of a node's database is smaller.
const SMALLEST_PAGE: usize = 4096;

/// The room left for messages. To ask SQLite takes longer than to write a message, so what it
/// said is used up first. It is a part of the reserve at most, should others take the rest.
#[derive(Debug, Default)]
pub(super) struct Room {
    pages: AtomicU32,
}

impl Room {
    /// Refuses when only the reserve is left: deletions, changes of expiry, revocations and what
    /// waits for peers take space too, and must not be held up by messages.
    pub(super) fn require(&self, conn: &Connection, bytes: usize) -> rusqlite::Result<()> {
        let pages = u32::try_from(bytes / SMALLEST_PAGE).unwrap_or(u32::MAX);
        let wanted = pages.saturating_add(PAGES_BESIDE);
        let left = self.pages.load(Ordering::Relaxed);
        let left = match left.checked_sub(wanted) {
            Some(left) => left,
            None => ask(conn)?.saturating_sub(wanted),
        };
        // Nobody but the writer's thread takes any.
        self.pages.store(left, Ordering::Relaxed);
        Ok(())
    }

    /// What SQLite said does not hold any more.
    pub(super) fn forget(&self) {
        self.pages.store(0, Ordering::Relaxed);
    }
}

/// How many pages messages may take before SQLite is asked again; fails when there are none.
fn ask(conn: &Connection) -> rusqlite::Result<u32> {
    let pages = |pragma| -> rusqlite::Result<u32> {
        conn.prepare_cached(pragma)?.query_row([], |row| row.get(0))
    };
    let limit = pages("PRAGMA max_page_count")?;
    let size = pages("PRAGMA page_count")?;
    let reserve = (limit / 32).clamp(SMALLEST_RESERVE, LARGEST_RESERVE);
    let room = limit.saturating_sub(reserve);
    let mut left = room.saturating_sub(size);
    if left == 0 {
        // Most of the time there is no need to count the free pages.
        let used = size.saturating_sub(pages("PRAGMA freelist_count")?);
        left = room.saturating_sub(used);
    }
    if left == 0 {
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL),
            None,
        ));
    }
    Ok(left.min(reserve / 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(limit: u32) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .pragma_update_and_check(None, "max_page_count", limit, |_| Ok(()))
            .unwrap();
        connection
            .execute_batch("CREATE TABLE data (bytes BLOB)")
            .unwrap();
        connection
    }

    #[test]
    fn what_is_left_is_used_up_before_sqlite_is_asked_again() {
        // A reserve of 320 pages, of which a quarter is given out at a time.
        let connection = connection(10_240);
        let room = Room::default();
        for asked in 0..3 {
            for taken in 0..8 {
                let left = room.pages.load(Ordering::Relaxed);
                assert_eq!(
                    left,
                    if taken == 0 { 0 } else { 80 - 10 * taken },
                    "{asked}"
                );
                room.require(&connection, 100).unwrap();
            }
        }
        room.require(&connection, 100).unwrap();
        room.forget();
        connection
            .pragma_update_and_check(None, "max_page_count", 10, |_| Ok(()))
            .unwrap();
        assert!(room.require(&connection, 100).is_err());
    }

    #[test]
    fn messages_stop_before_the_reserve_and_free_pages_count() {
        let connection = connection(1_000);
        let room = Room::default();
        let mut stored = 0;
        while room.require(&connection, 10_000).is_ok() {
            connection
                .execute("INSERT INTO data VALUES (zeroblob(10000))", [])
                .unwrap();
            stored += 1;
        }
        let size: u32 = connection
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .unwrap();
        // The reserve is 31 pages.
        assert!(
            (900..1_000 - 31 + 5).contains(&size),
            "{size} after {stored}"
        );
        connection.execute("DELETE FROM data", []).unwrap();
        room.require(&connection, 10_000).unwrap();
    }
}
