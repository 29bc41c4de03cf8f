//! The accounts of a data folder: listing, making, opening, removing.
//!
//! ```text
//! <data folder>/accounts/.lock                    held while an account is made or removed
//! <data folder>/accounts/<account id>/key.json    how the key is kept
//! <data folder>/accounts/<account id>/account.db  the database
//! ```

use core::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use session_types::{AccountId, Timestamp};
use zeroize::Zeroizing;

use crate::key_file::{KEY_FILE, KeyFile, KeyKeeping};
use crate::keyring::{self, Keyring};
use crate::schema::{self, DATABASE_FILE};
use crate::secret::{DatabaseKey, random};
use crate::state::insert_identity;
use crate::{Store, StoreError, files};

const ACCOUNTS: &str = "accounts";
const LOCK_FILE: &str = ".lock";
/// Folders of accounts being made or removed. One that is there while nobody holds the lock was
/// left by a crash.
const UNFINISHED: &str = ".unfinished-";

/// The accounts kept below one data folder.
#[derive(Debug)]
pub struct Profile {
    accounts: PathBuf,
    keyring: Box<dyn Keyring>,
}

/// One account of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountEntry {
    /// Its id.
    pub account_id: AccountId,
    /// How the key of its database is kept.
    pub key_keeping: KeyKeeping,
    /// When it was made or restored on this device.
    pub created: Timestamp,
}

/// What an account begins with.
pub struct NewAccount {
    /// What all keys are derived from.
    pub seed: Zeroizing<[u8; 16]>,
    /// The account id these keys give.
    pub account_id: AccountId,
    /// The name shown to others; empty when none was chosen.
    pub display_name: String,
    /// The seed URL of the network.
    pub network: String,
    /// Where files are uploaded, as URL, `#` and key; `None`: the network's own server.
    pub file_server: Option<String>,
    /// Now.
    pub created_at: Timestamp,
}

impl fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewAccount")
            .field("account_id", &self.account_id)
            .finish_non_exhaustive()
    }
}

impl Profile {
    /// The accounts below `data_dir`, which need not exist yet, with the keyring of the system.
    #[must_use]
    pub fn new(data_dir: &Path) -> Self {
        Self::with_keyring(data_dir, keyring::system())
    }

    /// The same with another keyring.
    #[must_use]
    pub fn with_keyring(data_dir: &Path, keyring: Box<dyn Keyring>) -> Self {
        Self {
            accounts: data_dir.join(ACCOUNTS),
            keyring,
        }
    }

    /// The best way of keeping a key that works here: the system keyring, else a passphrase if
    /// there is one, else a file. Asks nobody anything.
    #[must_use]
    pub fn preferred_key_keeping(&self, have_passphrase: bool) -> KeyKeeping {
        match self.keyring.probe() {
            Ok(()) => KeyKeeping::Keyring,
            Err(_) if have_passphrase => KeyKeeping::Passphrase,
            Err(_) => KeyKeeping::File,
        }
    }

    /// All accounts, oldest first. No database is opened. A folder whose key file cannot be
    /// understood is left out; [`open`](Self::open) tells what is wrong with it.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the folder cannot be read.
    pub fn list(&self) -> Result<Vec<AccountEntry>, StoreError> {
        let mut entries = Vec::new();
        for account_id in self.ids()? {
            match KeyFile::read(&self.folder(account_id).join(KEY_FILE), account_id) {
                Ok(file) => entries.push(AccountEntry {
                    account_id,
                    key_keeping: file.key_keeping(),
                    created: file.created,
                }),
                Err(error) => tracing::warn!(code = error.code(), "an account is left out"),
            }
        }
        entries.sort_by_key(|entry| (entry.created, entry.account_id));
        Ok(entries)
    }

    /// Makes the database of a new account and opens it. A passphrase is given exactly when the
    /// key is to be kept by passphrase.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`], [`StoreError::KeyringUnavailable`],
    /// [`StoreError::NotWritable`], … After any of them everything is as it was before.
    pub fn create(
        &self,
        account: &NewAccount,
        keeping: KeyKeeping,
        passphrase: Option<&str>,
    ) -> Result<Store, StoreError> {
        files::create_private_dir(&self.accounts)?;
        let _lock = self.lock()?;
        self.sweep();
        let folder = self.folder(account.account_id);
        if folder.exists() {
            return Err(StoreError::AlreadyExists);
        }
        let unfinished = Unfinished::begin(&self.accounts)?;
        let key = DatabaseKey::generate()?;
        let file = KeyFile::create(
            account.account_id,
            account.created_at,
            &key,
            keeping,
            passphrase,
            self.keyring.as_ref(),
        )?;
        let made = self.make(&unfinished, &folder, &file, &key, account);
        if made.is_err() {
            // The entry of an account that does not exist is useless to everybody.
            let _ = file.forget(self.keyring.as_ref());
        }
        made
    }

    /// Opens the database of an account. A passphrase is looked at only when it is needed.
    ///
    /// # Errors
    /// [`StoreError::UnknownAccount`], [`StoreError::WrongKey`],
    /// [`StoreError::PassphraseRequired`], [`StoreError::NotADatabase`],
    /// [`StoreError::NewerSchema`], … After any of them the files are as they were before.
    pub fn open(
        &self,
        account_id: AccountId,
        passphrase: Option<&str>,
    ) -> Result<Store, StoreError> {
        let folder = self.known_folder(account_id)?;
        let key_path = folder.join(KEY_FILE);
        let file = KeyFile::read(&key_path, account_id)?;
        let key = file.unlock(&key_path, passphrase, self.keyring.as_ref())?;
        open_store(&folder, account_id, &key)
    }

    /// Keeps the key of an account in another way, or under another passphrase. The database
    /// itself is not written again.
    ///
    /// # Errors
    /// As [`open`](Self::open) and [`create`](Self::create); then the old way still holds.
    pub fn change_key_keeping(
        &self,
        account_id: AccountId,
        passphrase: Option<&str>,
        keeping: KeyKeeping,
        new_passphrase: Option<&str>,
    ) -> Result<(), StoreError> {
        let folder = self.known_folder(account_id)?;
        let _lock = self.lock()?;
        let key_path = folder.join(KEY_FILE);
        let old = KeyFile::read(&key_path, account_id)?;
        let keyring = self.keyring.as_ref();
        let key = old.unlock(&key_path, passphrase, keyring)?;
        let new = KeyFile::create(
            account_id,
            old.created,
            &key,
            keeping,
            new_passphrase,
            keyring,
        )?;
        if let Err(error) = new.write(&key_path) {
            let _ = new.forget(keyring);
            return Err(error);
        }
        if old.forget(keyring).is_err() {
            tracing::warn!("the old entry stays in the keyring");
        }
        Ok(())
    }

    /// Removes an account from this device: its database, its key file, its keyring entry.
    ///
    /// # Errors
    /// [`StoreError::UnknownAccount`], [`StoreError::NotWritable`], …
    pub fn remove(&self, account_id: AccountId) -> Result<(), StoreError> {
        let folder = self.known_folder(account_id)?;
        let _lock = self.lock()?;
        let file = KeyFile::read(&folder.join(KEY_FILE), account_id);
        let gone = unfinished_name(&self.accounts)?;
        fs::rename(&folder, &gone).map_err(|error| StoreError::io("remove", &folder, error))?;
        files::sync_dir(&self.accounts)?;
        if let Ok(file) = file
            && file.forget(self.keyring.as_ref()).is_err()
        {
            tracing::warn!("the entry of a removed account stays in the keyring");
        }
        fs::remove_dir_all(&gone).map_err(|error| StoreError::io("remove", &gone, error))
    }

    /// Everything of [`create`](Self::create) after the key: writes both files, moves them into
    /// place, opens.
    fn make(
        &self,
        unfinished: &Unfinished,
        folder: &Path,
        file: &KeyFile,
        key: &DatabaseKey,
        account: &NewAccount,
    ) -> Result<Store, StoreError> {
        file.write(&unfinished.path.join(KEY_FILE))?;
        let connection = schema::create(&unfinished.path.join(DATABASE_FILE), key)?;
        insert_identity(&connection, account)?;
        // Closing brings the log into the database, so that one file moves.
        connection.close().map_err(|(_, error)| error)?;
        files::sync_dir(&unfinished.path)?;
        fs::rename(&unfinished.path, folder)
            .map_err(|error| StoreError::io("create", folder, error))?;
        let opened = files::sync_dir(&self.accounts)
            .and_then(|()| open_store(folder, account.account_id, key));
        if opened.is_err() {
            let _ = fs::remove_dir_all(folder);
        }
        opened
    }

    fn folder(&self, account_id: AccountId) -> PathBuf {
        self.accounts.join(account_id.to_hex())
    }

    fn known_folder(&self, account_id: AccountId) -> Result<PathBuf, StoreError> {
        let folder = self.folder(account_id);
        match fs::metadata(&folder) {
            Ok(_) => Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(StoreError::UnknownAccount)
            }
            Err(error) => Err(StoreError::io("read", &folder, error)),
        }
    }

    fn ids(&self) -> Result<Vec<AccountId>, StoreError> {
        let unreadable = |error| StoreError::io("read", &self.accounts, error);
        let folder = match fs::read_dir(&self.accounts) {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(error)),
        };
        let mut ids = Vec::new();
        for entry in folder {
            let name = entry.map_err(unreadable)?.file_name();
            let id = name
                .to_str()
                .and_then(|name| name.parse::<AccountId>().ok());
            // Folders are named in lower case; another spelling is not one of ours.
            ids.extend(id.filter(|id| name.to_str() == Some(id.to_hex().as_str())));
        }
        Ok(ids)
    }

    /// Waits for the right to add and remove folders; it ends when the file is dropped.
    fn lock(&self) -> Result<File, StoreError> {
        let path = self.accounts.join(LOCK_FILE);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options
            .open(&path)
            .map_err(|error| StoreError::io("write", &path, error))?;
        file.lock()
            .map_err(|error| StoreError::io("lock", &path, error))?;
        Ok(file)
    }

    /// Removes what a crash left. Called with the lock held.
    fn sweep(&self) {
        let Ok(folder) = fs::read_dir(&self.accounts) else {
            return;
        };
        for entry in folder.flatten() {
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

fn open_store(
    folder: &Path,
    account_id: AccountId,
    key: &DatabaseKey,
) -> Result<Store, StoreError> {
    let path = folder.join(DATABASE_FILE);
    let connection = schema::open(&path, key)?;
    Store::new(connection, account_id, path)
}

fn unfinished_name(accounts: &Path) -> Result<PathBuf, StoreError> {
    Ok(accounts.join(format!("{UNFINISHED}{}", HEXLOWER.encode(&random::<8>()?))))
}

/// A folder that goes away unless it was moved to its place.
struct Unfinished {
    path: PathBuf,
}

impl Unfinished {
    fn begin(accounts: &Path) -> Result<Self, StoreError> {
        let path = unfinished_name(accounts)?;
        files::create_private_dir(&path)?;
        Ok(Self { path })
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_seed() {
        let account = NewAccount {
            seed: Zeroizing::new([0x5e; 16]),
            account_id: AccountId::from_x25519([1; 32].into()),
            display_name: "Someone".into(),
            network: "https://seed.example".into(),
            file_server: None,
            created_at: Timestamp::from_ms(1),
        };
        let id = "01".repeat(32);
        assert_eq!(
            format!("{account:?}"),
            format!("NewAccount {{ account_id: AccountId(05{id}), .. }}")
        );
    }
}
