//! The shared configs, between runs.

use rusqlite::params;
use session_types::{Namespace, Timestamp};
use zeroize::Zeroizing;

use crate::rows::{SavedConfig, Sql};
use crate::store::{find, run};
use crate::{Store, StoreError};

impl Store {
    /// The config of a namespace as it was saved last.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn config(&self, namespace: Namespace) -> Result<Option<SavedConfig>, StoreError> {
        let sql = "SELECT dump, stored_at FROM configs WHERE namespace = ?1";
        find(&self.connection, sql, [namespace.get()], |row| {
            Ok(SavedConfig {
                dump: Zeroizing::new(row.get(0)?),
                stored_at: row.get::<_, Sql<Timestamp>>(1)?.0,
            })
        })
    }

    /// Saves a config.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn save_config(&mut self, namespace: Namespace, dump: &[u8]) -> Result<(), StoreError> {
        let sql = "INSERT INTO configs (namespace, dump) VALUES (?1, ?2)
                   ON CONFLICT (namespace) DO UPDATE SET dump = excluded.dump";
        run(&self.connection, sql, params![namespace.get(), dump])?;
        Ok(())
    }

    /// Notes when a version of a config was stored in the swarm; an earlier time than the one
    /// known changes nothing.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn config_stored_at(
        &mut self,
        namespace: Namespace,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO configs (namespace, stored_at) VALUES (?1, ?2)
                   ON CONFLICT (namespace) DO UPDATE
                   SET stored_at = max(stored_at, excluded.stored_at)";
        run(&self.connection, sql, params![namespace.get(), Sql(at)])?;
        Ok(())
    }
}
