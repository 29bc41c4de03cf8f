//! Several accounts in one process.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use session_core::{Account, AccountOptions};
use session_crypto::AccountKeys;
use session_net::{FileServer, NetworkChoice, NetworkProfile, SystemClock};
use session_store::{AccountEntry, KeyKeeping, NewAccount, Profile, StoreError};
use session_types::{AccountId, Timestamp, limits};
use zeroize::Zeroizing;

use crate::account::OpenAccount;
use crate::connection::{Connection, Inner as ConnectionInner, Reach};
use crate::uploads::Uploads;
use crate::{ApiError, preferences};

/// Where a session keeps its accounts and how they behave.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// The folder with everything about accounts.
    pub data_dir: PathBuf,
    /// The network to use whatever an account remembers: `mainnet`, `testnet` or the URL of a
    /// seed. `None`: the account's own, and `mainnet` for new ones.
    pub network: Option<String>,
    /// Where files and pictures are uploaded, instead of the network's own server; private
    /// networks have none of their own.
    pub file_server: Option<FileServer>,
    /// How opened accounts behave.
    pub account: AccountOptions,
}

impl SessionOptions {
    /// Accounts in a folder, everything else as usual.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            network: None,
            file_server: None,
            account: AccountOptions::default(),
        }
    }
}

/// The accounts of a folder, some of them open, and the connections of front ends to them.
///
/// Cheap to clone; all clones are one session.
#[derive(Debug, Clone)]
pub struct Session(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    profile: Profile,
    options: SessionOptions,
    open: Mutex<BTreeMap<AccountId, Arc<OpenAccount>>>,
    /// Held while an account is opened, closed, made or removed.
    changing: tokio::sync::Mutex<()>,
    connections: Mutex<Vec<Weak<ConnectionInner>>>,
    uploads: Uploads,
}

/// What a new account begins with.
pub(crate) struct Beginning {
    pub(crate) keys: AccountKeys,
    pub(crate) name: String,
    pub(crate) network: Option<String>,
    pub(crate) keeping: KeyKeeping,
    pub(crate) passphrase: Option<Zeroizing<String>>,
}

impl Session {
    /// The accounts of a folder, none of them open yet.
    #[must_use]
    pub fn new(options: SessionOptions) -> Self {
        Self(Arc::new(Inner {
            profile: Profile::new(&options.data_dir),
            options,
            open: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            connections: Mutex::default(),
            uploads: Uploads::default(),
        }))
    }

    /// A connection of its own: calls, and what accounts tell from now on. Must be called within
    /// a tokio runtime.
    #[must_use]
    pub fn connect(&self) -> Connection {
        self.connect_with(Reach::Computer)
    }

    /// The same with a front end that may reach less.
    #[must_use]
    pub fn connect_with(&self, reach: Reach) -> Connection {
        let connection = Connection::new(self.clone(), reach);
        let mut connections = lock(&self.0.connections);
        connections.retain(|known| known.strong_count() > 0);
        connections.push(Arc::downgrade(connection.inner()));
        let open: Vec<_> = lock(&self.0.open).values().cloned().collect();
        drop(connections);
        for account in open {
            connection.inner().follow(&account, false);
        }
        connection
    }

    /// Keeps a content in memory, for an hour, for a call that names it as its `upload` by what
    /// this returns. For front ends that cannot give a path, and whose files are too long for a
    /// call.
    ///
    /// # Errors
    /// [`ApiError`] when it is longer than files may be, or too much waits already.
    pub fn upload(&self, content: Vec<u8>) -> Result<String, ApiError> {
        self.0.uploads.put(content)
    }

    pub(crate) fn take_upload(&self, handle: &str) -> Result<Vec<u8>, ApiError> {
        self.0.uploads.take(handle)
    }

    /// What front ends keep for themselves.
    pub(crate) async fn preferences(&self) -> Result<String, ApiError> {
        self.blocking(|inner| preferences::read(&inner.options.data_dir))
            .await
    }

    pub(crate) async fn set_preferences(&self, value: String) -> Result<(), ApiError> {
        self.blocking(move |inner| preferences::write(&inner.options.data_dir, &value))
            .await
    }

    /// Keeps a key in another way.
    pub(crate) async fn set_key(
        &self,
        id: AccountId,
        passphrase: Option<Zeroizing<String>>,
        keeping: KeyKeeping,
        new: Option<Zeroizing<String>>,
    ) -> Result<(), ApiError> {
        let _changing = self.0.changing.lock().await;
        self.blocking(move |inner| {
            let [old, new] = [&passphrase, &new].map(|secret| secret.as_ref().map(|s| s.as_str()));
            Ok(inner.profile.change_key_keeping(id, old, keeping, new)?)
        })
        .await?;
        if let Some(open) = self.opened(id) {
            open.kept_by(keeping);
        }
        Ok(())
    }

    /// Closes all accounts. When it returns, everything is on disk.
    pub async fn close(&self) {
        let _changing = self.0.changing.lock().await;
        let open = core::mem::take(&mut *lock(&self.0.open));
        for account in open.values() {
            account.close().await;
        }
    }

    /// The best way of keeping a key when the user has chosen none and gave no passphrase.
    pub(crate) async fn preferred_keeping(&self) -> Result<KeyKeeping, ApiError> {
        self.blocking(|inner| Ok(inner.profile.preferred_key_keeping(false)))
            .await
    }

    pub(crate) async fn list(&self) -> Result<Vec<AccountEntry>, ApiError> {
        self.blocking(|inner| Ok(inner.profile.list()?)).await
    }

    pub(crate) fn opened(&self, id: AccountId) -> Option<Arc<OpenAccount>> {
        lock(&self.0.open).get(&id).cloned()
    }

    pub(crate) async fn create(&self, beginning: Beginning) -> Result<Arc<OpenAccount>, ApiError> {
        let _changing = self.0.changing.lock().await;
        let name = beginning.name.trim().to_owned();
        if name.len() > limits::MAX_NAME_BYTES {
            return Err(ApiError::bad_input(
                "api.name_too_long",
                format!(
                    "the name has {} bytes; at most {} fit",
                    name.len(),
                    limits::MAX_NAME_BYTES
                ),
            ));
        }
        let wanted = beginning.network.as_deref();
        let network = self.network(wanted.unwrap_or("mainnet"), None)?;
        let seed = beginning.keys.seed16().ok_or_else(|| {
            ApiError::bad_input(
                "api.long_seed",
                "accounts with 32-byte seeds cannot be kept here",
            )
        })?;
        let account = NewAccount {
            seed: Zeroizing::new(*seed),
            account_id: beginning.keys.account_id(),
            display_name: name,
            network: network.name().to_owned(),
            file_server: self.0.options.file_server.as_ref().map(ToString::to_string),
            created_at: now(),
        };
        let entry = AccountEntry {
            account_id: account.account_id,
            key_keeping: beginning.keeping,
            created: account.created_at,
        };
        let (keeping, passphrase) = (beginning.keeping, beginning.passphrase);
        let store = self
            .blocking(move |inner| {
                let passphrase = passphrase.as_ref().map(|words| words.as_str());
                Ok(inner.profile.create(&account, keeping, passphrase)?)
            })
            .await?;
        self.start(store, network, entry).await
    }

    pub(crate) async fn open(
        &self,
        id: AccountId,
        passphrase: Option<Zeroizing<String>>,
    ) -> Result<Arc<OpenAccount>, ApiError> {
        let _changing = self.0.changing.lock().await;
        if let Some(open) = self.opened(id) {
            return Ok(open);
        }
        let (store, own, entry) = self
            .blocking(move |inner| {
                let passphrase = passphrase.as_ref().map(|words| words.as_str());
                let store = inner.profile.open(id, passphrase)?;
                let own = store.identity()?;
                let entries = inner.profile.list()?;
                let entry = entries.into_iter().find(|entry| entry.account_id == id);
                Ok((store, own, entry.ok_or(StoreError::UnknownAccount)?))
            })
            .await?;
        let network = self.network(&own.network, own.file_server.as_deref())?;
        self.start(store, network, entry).await
    }

    async fn start(
        &self,
        store: session_store::Store,
        network: NetworkProfile,
        entry: AccountEntry,
    ) -> Result<Arc<OpenAccount>, ApiError> {
        let options = self.0.options.account.clone();
        let account = Account::open(store, network, Box::new(SystemClock), options).await?;
        let account = Arc::new(OpenAccount::new(account, entry));
        // In this order: a connection made meanwhile finds the account, or is found here, or both.
        lock(&self.0.open).insert(account.id(), Arc::clone(&account));
        let connections = lock(&self.0.connections).clone();
        for connection in connections.iter().filter_map(Weak::upgrade) {
            connection.follow(&account, true);
        }
        Ok(account)
    }

    /// False when it was not open.
    pub(crate) async fn shut(&self, id: AccountId) -> bool {
        let _changing = self.0.changing.lock().await;
        self.shut_one(id).await
    }

    async fn shut_one(&self, id: AccountId) -> bool {
        let found = lock(&self.0.open).remove(&id);
        match found {
            Some(account) => {
                account.close().await;
                true
            }
            None => false,
        }
    }

    pub(crate) async fn remove(&self, id: AccountId) -> Result<(), ApiError> {
        let _changing = self.0.changing.lock().await;
        self.shut_one(id).await;
        self.blocking(move |inner| Ok(inner.profile.remove(id)?))
            .await
    }

    fn network(&self, own: &str, own_files: Option<&str>) -> Result<NetworkProfile, ApiError> {
        let bad = |error: &dyn std::fmt::Display| {
            ApiError::bad_input("api.bad_network", format!("this names no network: {error}"))
        };
        let own_files: Option<FileServer> = own_files
            .map(str::parse)
            .transpose()
            .map_err(|error| bad(&error))?;
        let options = &self.0.options;
        let asked = NetworkChoice {
            network: options.network.as_deref(),
            file_server: options.file_server.as_ref(),
        };
        let own = NetworkChoice {
            network: Some(own),
            file_server: own_files.as_ref(),
        };
        NetworkProfile::choose(asked, own).map_err(|error| bad(&error))
    }

    /// Work with files and keyrings, on a thread where it may wait.
    async fn blocking<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<R, ApiError> + Send + 'static,
    ) -> Result<R, ApiError> {
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || work(&inner))
            .await
            .map_err(|_| ApiError::internal("a task ended early"))?
    }
}

fn now() -> Timestamp {
    session_net::Clock::now(&SystemClock)
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
