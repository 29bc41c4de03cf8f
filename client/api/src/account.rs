//! An account that is open in a session.

use std::sync::{Arc, Mutex};

use session_core::Account;
use session_core::view::Reader;
use session_net::NetworkStatus;
use session_store::{AccountEntry, KeyKeeping};
use session_types::AccountId;
use tokio::sync::{OwnedRwLockReadGuard, RwLock, broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::ApiError;
use crate::session::lock;

/// An account that is open. Calls hold it while they run; closing ends them first.
#[derive(Debug)]
pub(crate) struct OpenAccount {
    id: AccountId,
    entry: Mutex<AccountEntry>,
    reader: Reader,
    slot: Arc<RwLock<Option<Account>>>,
    closing: CancellationToken,
}

/// An account in use by a call.
pub(crate) type InUse = OwnedRwLockReadGuard<Option<Account>, Account>;

impl OpenAccount {
    pub(crate) fn new(account: Account, entry: AccountEntry) -> Self {
        Self {
            id: account.id(),
            entry: Mutex::new(entry),
            reader: account.reader(),
            slot: Arc::new(RwLock::new(Some(account))),
            closing: CancellationToken::new(),
        }
    }

    pub(crate) fn id(&self) -> AccountId {
        self.id
    }

    pub(crate) fn entry(&self) -> AccountEntry {
        lock(&self.entry).clone()
    }

    /// Its key is kept in another way now.
    pub(crate) fn kept_by(&self, keeping: KeyKeeping) {
        lock(&self.entry).key_keeping = keeping;
    }

    pub(crate) fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// Set when the account is to be closed.
    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    pub(crate) async fn in_use(&self) -> Result<InUse, ApiError> {
        if self.closing.is_cancelled() {
            return Err(ApiError::not_open());
        }
        let slot = Arc::clone(&self.slot).read_owned().await;
        OwnedRwLockReadGuard::try_map(slot, Option::as_ref).map_err(|_| ApiError::not_open())
    }

    /// What the account tells from now on.
    pub(crate) async fn listen(
        &self,
    ) -> Result<
        (
            broadcast::Receiver<session_core::Event>,
            watch::Receiver<NetworkStatus>,
        ),
        ApiError,
    > {
        let account = self.in_use().await?;
        Ok((account.subscribe(), account.network().watch_status()))
    }

    /// Ends all calls and closes the account. When it returns, everything is on disk.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        let account = self.slot.write().await.take();
        if let Some(account) = account {
            account.close().await;
        }
    }
}
