//! Pictures of people as they are kept on this device.

use rusqlite::params;
use session_types::{AccountId, Timestamp};

use crate::blobs::Blob;
use crate::rows::{FileState, PictureRow, Sql};
use crate::store::{find, list, run};
use crate::{Store, StoreError};

/// Of whom there is a picture that is not the one kept. Of people who are neither accepted nor
/// the user nothing is fetched: whoever holds the server would learn when.
pub(crate) const MISSING: &str = "SELECT c.id FROM conversations c
     LEFT JOIN pictures p ON p.owner = c.id
     WHERE c.picture_url <> '' AND c.blocked = 0 AND c.approved = 1
       AND (p.owner IS NULL OR p.url <> c.picture_url OR p.state = 1)
     LIMIT ?1";

impl Store {
    /// The picture kept of somebody, which may be an older one than the one they show now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn picture(&self, owner: &AccountId) -> Result<Option<PictureRow>, StoreError> {
        let sql = format!(
            "SELECT {} FROM pictures p WHERE p.owner = ?1",
            PictureRow::COLUMNS
        );
        find(&self.connection, &sql, [Sql(*owner)], PictureRow::read)
    }

    /// People accepted whose present picture is neither here nor known to be impossible to get.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn missing_pictures(&self, limit: u32) -> Result<Vec<AccountId>, StoreError> {
        list(&self.connection, MISSING, [limit], |row| {
            Ok(row.get::<_, Sql<AccountId>>(0)?.0)
        })
    }

    /// Keeps a picture. Without an address it is the own one, and still to be uploaded.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn keep_picture(
        &mut self,
        owner: &AccountId,
        url: &str,
        mime: &str,
        blob: &Blob,
    ) -> Result<(), StoreError> {
        let state = if url.is_empty() {
            FileState::QUEUED
        } else {
            FileState::HERE
        };
        let sql = "INSERT INTO pictures (owner, url, mime, state, blob, blob_key, blob_size,
                       blob_disk)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                   ON CONFLICT (owner) DO UPDATE SET
                       url = excluded.url, mime = excluded.mime, state = excluded.state,
                       reason = '', attempts = 0, renewed_at = 0, blob = excluded.blob,
                       blob_key = excluded.blob_key, blob_size = excluded.blob_size,
                       blob_disk = excluded.blob_disk";
        let number = |value| i64::try_from(value).unwrap_or(i64::MAX);
        run(
            &self.connection,
            sql,
            params![
                Sql(*owner),
                url,
                mime,
                state,
                blob.name.as_str(),
                blob.key.as_slice(),
                number(blob.size),
                number(blob.on_disk),
            ],
        )?;
        Ok(())
    }

    /// Notes what became of fetching the picture at `url`; one that was kept before stays until
    /// another is here.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_picture_state(
        &mut self,
        owner: &AccountId,
        url: &str,
        state: &FileState,
        attempts: u32,
    ) -> Result<(), StoreError> {
        let (number, reason) = state.columns();
        let sql = "INSERT INTO pictures (owner, url, state, reason, attempts)
                   VALUES (?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT (owner) DO UPDATE SET
                       url = excluded.url, state = excluded.state, reason = excluded.reason,
                       attempts = excluded.attempts";
        let values = params![Sql(*owner), url, number, reason, attempts];
        run(&self.connection, sql, values)?;
        Ok(())
    }

    /// The own picture is at its server under this address since now, or for longer. Tells
    /// whether it is still the own picture: another one may have been chosen meanwhile.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn picture_renewed(
        &mut self,
        blob: &Blob,
        url: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE pictures SET url = ?3, state = ?4, reason = '', attempts = 0,
                          renewed_at = ?5
                   WHERE owner = ?1 AND blob = ?2";
        let own = self.account_id();
        let values = params![Sql(own), blob.name.as_str(), url, FileState::HERE, Sql(now)];
        Ok(run(&self.connection, sql, values)? > 0)
    }

    /// Forgets the picture of somebody.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget_picture(&mut self, owner: &AccountId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM pictures WHERE owner = ?1";
        Ok(run(&self.connection, sql, [Sql(*owner)])? > 0)
    }
}
