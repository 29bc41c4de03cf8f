//! Who the account is, and the small texts other floors keep here between runs.

use rusqlite::{Connection, params};
use session_types::{AccountId, SwarmPubkey, Timestamp};
use zeroize::Zeroizing;

use crate::rows::{Cached, Identity, Sql};
use crate::store::{find, run};
use crate::{NewAccount, Store, StoreError};

/// Names of the texts that have functions of their own.
const NODE_POOL: &str = "state/node_pool";
const PATH_STATE: &str = "state/paths";
const FILE_SERVER: &str = "state/file_server";

impl Store {
    /// Who the account is.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the row is missing.
    pub fn identity(&self) -> Result<Identity, StoreError> {
        let sql = "SELECT account, seed, display_name, network, created_at,
                          (SELECT value FROM settings WHERE key = ?1) FROM identity";
        find(&self.connection, sql, [FILE_SERVER], |row| {
            Ok(Identity {
                account_id: row.get::<_, Sql<AccountId>>(0)?.0,
                seed: Zeroizing::new(row.get(1)?),
                display_name: row.get(2)?,
                network: row.get(3)?,
                file_server: row.get(5)?,
                created_at: row.get::<_, Sql<Timestamp>>(4)?.0,
            })
        })?
        .ok_or(StoreError::Damaged("the identity"))
    }

    /// Changes where files are uploaded, or has them at the network's own server again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_file_server(&mut self, server: Option<&str>) -> Result<(), StoreError> {
        match server {
            Some(server) => self.set_text(FILE_SERVER, server, Timestamp::default()),
            None => run(
                &self.connection,
                "DELETE FROM settings WHERE key = ?1",
                [FILE_SERVER],
            )
            .map(|_| ()),
        }
    }

    /// Changes the name shown to others.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_display_name(&mut self, name: &str) -> Result<(), StoreError> {
        run(
            &self.connection,
            "UPDATE identity SET display_name = ?1",
            [name],
        )?;
        Ok(())
    }

    /// The text set under `key`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        Ok(self.text(&setting_key(key))?.map(|cached| cached.json))
    }

    /// Sets the text under `key`.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_setting(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        self.set_text(&setting_key(key), value, Timestamp::default())
    }

    /// Forgets the text under `key`.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn remove_setting(&mut self, key: &str) -> Result<(), StoreError> {
        run(
            &self.connection,
            "DELETE FROM settings WHERE key = ?1",
            [setting_key(key)],
        )?;
        Ok(())
    }

    /// Keeps the list of nodes.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn save_node_pool(&mut self, json: &str, fetched_at: Timestamp) -> Result<(), StoreError> {
        self.set_text(NODE_POOL, json, fetched_at)
    }

    /// The list of nodes kept last.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn node_pool(&self) -> Result<Option<Cached>, StoreError> {
        self.text(NODE_POOL)
    }

    /// Keeps guards and paths.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn save_path_state(&mut self, json: &str) -> Result<(), StoreError> {
        self.set_text(PATH_STATE, json, Timestamp::default())
    }

    /// The guards and paths kept last.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn path_state(&self) -> Result<Option<String>, StoreError> {
        Ok(self.text(PATH_STATE)?.map(|cached| cached.json))
    }

    /// Keeps the members of an owner's swarm.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn save_swarm(
        &mut self,
        owner: &SwarmPubkey,
        json: &str,
        fetched_at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO swarms (owner, members, saved_at) VALUES (?1, ?2, ?3)
                   ON CONFLICT (owner) DO UPDATE
                   SET members = excluded.members, saved_at = excluded.saved_at";
        run(
            &self.connection,
            sql,
            params![Sql(owner), json, Sql(fetched_at)],
        )?;
        Ok(())
    }

    /// The members of an owner's swarm kept last.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn swarm(&self, owner: &SwarmPubkey) -> Result<Option<Cached>, StoreError> {
        let sql = "SELECT members, saved_at FROM swarms WHERE owner = ?1";
        find(&self.connection, sql, [Sql(owner)], |row| {
            Ok(Cached {
                json: row.get(0)?,
                saved_at: row.get::<_, Sql<Timestamp>>(1)?.0,
            })
        })
    }

    /// Forgets the members of an owner's swarm.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn remove_swarm(&mut self, owner: &SwarmPubkey) -> Result<(), StoreError> {
        run(
            &self.connection,
            "DELETE FROM swarms WHERE owner = ?1",
            [Sql(owner)],
        )?;
        Ok(())
    }

    fn text(&self, key: &str) -> Result<Option<Cached>, StoreError> {
        let sql = "SELECT value, saved_at FROM settings WHERE key = ?1";
        find(&self.connection, sql, [key], |row| {
            Ok(Cached {
                json: row.get(0)?,
                saved_at: row.get::<_, Sql<Timestamp>>(1)?.0,
            })
        })
    }

    fn set_text(&mut self, key: &str, value: &str, at: Timestamp) -> Result<(), StoreError> {
        let sql = "INSERT INTO settings (key, value, saved_at) VALUES (?1, ?2, ?3)
                   ON CONFLICT (key) DO UPDATE
                   SET value = excluded.value, saved_at = excluded.saved_at";
        run(&self.connection, sql, params![key, value, Sql(at)])?;
        Ok(())
    }
}

/// Settings of callers live beside the texts above, under a prefix of their own.
fn setting_key(key: &str) -> String {
    format!("setting/{key}")
}

/// Writes the one row of `identity` into a new database.
pub(crate) fn insert_identity(
    connection: &Connection,
    account: &NewAccount,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO identity (account, seed, display_name, network, created_at)
               VALUES (?1, ?2, ?3, ?4, ?5)";
    run(
        connection,
        sql,
        params![
            Sql(account.account_id),
            account.seed.as_slice(),
            account.display_name,
            account.network,
            Sql(account.created_at)
        ],
    )?;
    if let Some(server) = &account.file_server {
        let sql = "INSERT INTO settings (key, value, saved_at) VALUES (?1, ?2, ?3)";
        let at = Sql(Timestamp::default());
        run(connection, sql, params![FILE_SERVER, server, at])?;
    }
    Ok(())
}
