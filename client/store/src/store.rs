//! The open database of one account.

use core::fmt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use session_types::AccountId;

use crate::StoreError;

/// The open, unlocked database of one account.
///
/// Methods block: give it a thread of its own. Every method that takes `&mut self` is one
/// transaction, on disk when it returns and undone when it fails. Several processes may have
/// the same account open; a writer waits up to 15 seconds for another.
///
/// What there is to do with it is told in four groups: who the account is and what others keep
/// here ([`identity`](Self::identity), [`setting`](Self::setting), …), sending
/// ([`queue_outgoing`](Self::queue_outgoing), [`due_jobs`](Self::due_jobs), …), receiving
/// ([`ingest`](Self::ingest), [`last_hash`](Self::last_hash)) and showing
/// ([`history`](Self::history), [`conversations`](Self::conversations)).
pub struct Store {
    pub(crate) connection: Connection,
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
        connection.set_prepared_statement_cache_capacity(64);
        let store = Self {
            connection,
            account_id,
            path,
        };
        if store.identity()?.account_id != account_id {
            return Err(StoreError::NotADatabase { path: store.path });
        }
        Ok(store)
    }

    /// Begins a transaction that may write.
    pub(crate) fn write(&mut self) -> Result<Transaction<'_>, StoreError> {
        Ok(self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?)
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
    use crate::{KeyKeeping, NewAccount, NewOutgoing, Profile};

    fn store(data_dir: &Path) -> Store {
        let account = NewAccount {
            seed: Zeroizing::new([0x17; 16]),
            account_id: AccountId::from_x25519([1; 32].into()),
            display_name: String::new(),
            network: String::new(),
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
            body: "x".repeat(10_000),
            now: Timestamp::from_ms(n),
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

    #[test]
    fn a_bad_value_in_a_row_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store(folder.path());
        let bob = AccountId::from_x25519([2; 32].into());
        let new = NewOutgoing {
            conversation: bob,
            body: String::new(),
            now: Timestamp::default(),
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
