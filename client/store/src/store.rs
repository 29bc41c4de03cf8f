//! The open database of one account.

use core::fmt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use session_types::AccountId;

use crate::StoreError;

/// SQLCipher's page size, which is not changed.
const PAGE_SIZE: i64 = 4096;

/// The open, unlocked database of one account.
///
/// Methods block: give it a thread of its own. Every method that takes `&mut self` is one
/// transaction, on disk when it returns and undone when it fails; [`atomically`](Self::atomically)
/// makes one of several. Several processes may have the same account open; a writer waits up to
/// 15 seconds for another.
///
/// What there is to do with it is told in four groups: who the account is and what others keep
/// here ([`identity`](Self::identity), [`setting`](Self::setting),
/// [`save_config`](Self::save_config), …), sending ([`queue_outgoing`](Self::queue_outgoing),
/// [`due_jobs`](Self::due_jobs), …), receiving ([`take_in`](Self::take_in),
/// [`apply_effect`](Self::apply_effect), [`last_hash`](Self::last_hash)) and showing
/// ([`history`](Self::history), [`conversations`](Self::conversations),
/// [`search`](Self::search)).
pub struct Store {
    pub(crate) connection: Connection,
    /// Inside [`Self::atomically`].
    in_transaction: bool,
    account_id: AccountId,
    path: PathBuf,
}

impl Store {
    /// Wraps a connection after checking whose database it is.
    pub(crate) fn new(
        connection: Connection,
        account_id: AccountId,
        path: PathBuf,
    ) -> Result<Self, StoreError> {
        connection.set_prepared_statement_cache_capacity(128);
        let store = Self {
            connection,
            in_transaction: false,
            account_id,
            path,
        };
        if store.identity()?.account_id != account_id {
            return Err(StoreError::NotADatabase { path: store.path });
        }
        Ok(store)
    }

    /// Runs `work` as one transaction: on disk when this returns, undone when it fails or panics.
    /// Inside another one, `work` is part of that; an error must then be passed on, which undoes
    /// all.
    ///
    /// # Errors
    /// That of `work`, or when the database cannot be written.
    pub fn atomically<R, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<R, E>,
    ) -> Result<R, E> {
        if self.in_transaction {
            return work(self);
        }
        self.connection
            .execute_batch("BEGIN IMMEDIATE")
            .map_err(StoreError::from)?;
        self.in_transaction = true;
        let transaction = Transaction(self);
        let result = work(transaction.0)?;
        let connection = &transaction.0.connection;
        connection
            .execute_batch("COMMIT")
            .map_err(StoreError::from)?;
        Ok(result)
    }

    /// A number that changes when another process has written to this database.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn foreign_changes(&self) -> Result<i64, StoreError> {
        Ok(self
            .connection
            .pragma_query_value(None, "data_version", |row| row.get(0))?)
    }

    /// Changes how large the file may become while it is open here. A limit below its present
    /// size makes it full.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn limit_size(&self, max_bytes: u64) -> Result<(), StoreError> {
        let pages = i64::try_from(max_bytes).unwrap_or(i64::MAX) / PAGE_SIZE;
        // No limit below the present size is taken; zero pages would only ask for the limit.
        self.connection
            .pragma_update(None, "max_page_count", pages.max(1))?;
        Ok(())
    }

    /// The account this database belongs to.
    #[must_use]
    pub const fn account_id(&self) -> AccountId {
        self.account_id
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("account_id", &self.account_id)
            .finish_non_exhaustive()
    }
}

/// Ends the transaction of a store when it goes, also in a panic: what was not committed is
/// undone.
struct Transaction<'a>(&'a mut Store);

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        self.0.in_transaction = false;
        // Some errors, a full disk for example, have ended it already.
        if !self.0.connection.is_autocommit()
            && let Err(error) = self.0.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a transaction cannot be undone");
        }
    }
}

/// Runs a statement prepared once per connection.
pub(crate) fn run(
    connection: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<usize, StoreError> {
    Ok(connection.prepare_cached(sql)?.execute(params)?)
}

/// The one row a query may have, through a statement prepared once per connection.
pub(crate) fn find<T>(
    connection: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
    read: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, StoreError> {
    use rusqlite::OptionalExtension as _;
    Ok(connection
        .prepare_cached(sql)?
        .query_row(params, read)
        .optional()?)
}

/// All rows of a query, through a statement prepared once per connection.
pub(crate) fn list<T>(
    connection: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
    read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params, read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use session_types::Timestamp;
    use zeroize::Zeroizing;

    use super::*;
    use crate::keyring::Unavailable;
    use crate::{KeyKeeping, NewAccount, NewMessage, NewOutgoing, Profile};

    fn store(data_dir: &Path) -> Store {
        let account = NewAccount {
            seed: Zeroizing::new([0x17; 16]),
            account_id: AccountId::from_x25519([1; 32].into()),
            display_name: String::new(),
            network: String::new(),
            file_server: None,
            created_at: Timestamp::from_ms(1),
        };
        Profile::with_keyring(data_dir, Box::new(Unavailable))
            .create(&account, KeyKeeping::File, None)
            .unwrap()
    }

    #[test]
    fn debug_shows_the_account_only() {
        let folder = tempfile::tempdir().unwrap();
        let id = "01".repeat(32);
        assert_eq!(
            format!("{:?}", store(folder.path())),
            format!("Store {{ account_id: AccountId(05{id}), .. }}")
        );
    }

    #[test]
    fn a_full_disk_is_named_and_undoes_the_whole_step() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store(folder.path());
        let pages: i64 = store
            .connection
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .unwrap();
        store
            .connection
            .pragma_update(None, "max_page_count", pages + 20)
            .unwrap();
        let bob = AccountId::from_x25519([2; 32].into());
        let new = |n: u64| NewOutgoing {
            conversation: bob,
            message: NewMessage::text("x".repeat(10_000)),
            now: Timestamp::from_ms(n),
            time_unsure: false,
        };
        let mut queued = 0;
        let error = loop {
            match store.queue_outgoing(&new(queued + 1)) {
                Ok(_) => queued += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, StoreError::DiskFull), "{error:?}");
        let history = store.history(&bob, 1000, None).unwrap();
        assert!(queued > 0);
        assert_eq!(history.len() as u64, queued);
        // The sent time of the message that did not fit was not used up.
        store
            .connection
            .pragma_update(None, "max_page_count", pages + 100)
            .unwrap();
        let next = Timestamp::from_ms(queued + 1);
        assert_eq!(store.allocate_sent_at(Timestamp::default()).unwrap(), next);
    }

    /// Lets the database grow by so many pages.
    fn room(store: &Store, pages: i64) {
        let now: i64 = store
            .connection
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .unwrap();
        store
            .connection
            .pragma_update(None, "max_page_count", now + pages)
            .unwrap();
    }

    #[test]
    fn a_disk_that_fills_up_in_the_middle_undoes_all_steps() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store(folder.path());
        let bob = AccountId::from_x25519([2; 32].into());
        room(&store, 40);
        let mut steps = 0;
        let failed: Result<(), StoreError> = store.atomically(|store| {
            store.set_setting("first", "step")?;
            loop {
                store.set_draft(&bob, &"x".repeat(steps * 1000))?;
                store.save_node_pool(&"y".repeat(steps * 1000), Timestamp::from_ms(1))?;
                steps += 1;
            }
        });
        assert!(matches!(failed, Err(StoreError::DiskFull)), "{failed:?}");
        assert!(steps > 3, "{steps}");
        assert!(store.connection.is_autocommit() && !store.in_transaction);
        assert_eq!(store.setting("first").unwrap(), None);
        assert_eq!(store.node_pool().unwrap(), None);
        assert!(store.conversations().unwrap().is_empty());
        room(&store, 40);
        store.set_draft(&bob, "there is room again").unwrap();
        assert_eq!(
            store.conversation(&bob).unwrap().unwrap().draft,
            "there is room again"
        );
    }

    #[test]
    fn an_error_at_the_very_end_undoes_all_and_ends_the_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store(folder.path());
        let failed: Result<(), StoreError> = store.atomically(|store| {
            store.set_setting("a", "b")?;
            // A reaction to no message is noticed at the end only.
            store.connection.execute_batch(
                "PRAGMA defer_foreign_keys = ON;
                 INSERT INTO reactions (message, author, emoji) VALUES (999, zeroblob(33), 'x')",
            )?;
            Ok(())
        });
        assert!(matches!(failed, Err(StoreError::Database(_))), "{failed:?}");
        assert!(store.connection.is_autocommit() && !store.in_transaction);
        assert_eq!(store.setting("a").unwrap(), None);
        store.set_setting("a", "c").unwrap();
        assert_eq!(store.setting("a").unwrap().as_deref(), Some("c"));
    }

    #[test]
    fn a_bad_value_in_a_row_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store(folder.path());
        let bob = AccountId::from_x25519([2; 32].into());
        let new = NewOutgoing {
            conversation: bob,
            message: NewMessage::text(""),
            now: Timestamp::default(),
            time_unsure: false,
        };
        let message = store.queue_outgoing(&new).unwrap();
        store
            .connection
            .execute("UPDATE messages SET hash = 'short'", ())
            .unwrap();
        assert!(matches!(
            store.message(message.id),
            Err(StoreError::Damaged(_))
        ));
        store
            .connection
            .execute("UPDATE messages SET hash = '', sent_at = -1", ())
            .unwrap();
        assert!(matches!(
            store.message(message.id),
            Err(StoreError::Damaged(_))
        ));
    }
}
