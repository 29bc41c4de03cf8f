//! Reading an account's database for views.

use std::sync::{Arc, Weak};

use session_types::{AccountId, Timestamp};

use crate::CoreError;
use crate::account::Shared;
use crate::model::Model;

/// Reads an account's database for views. Does not keep the account open: once that is closed,
/// reading gives [`CoreError::Stopped`].
#[derive(Debug, Clone)]
pub struct Reader {
    shared: Weak<Shared>,
    own: AccountId,
}

impl Reader {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::downgrade(shared),
            own: shared.id(),
        }
    }

    /// The account's id.
    #[must_use]
    pub fn own(&self) -> AccountId {
        self.own
    }

    pub(super) fn shared(&self) -> Result<Arc<Shared>, CoreError> {
        self.shared.upgrade().ok_or(CoreError::Stopped)
    }

    /// Reads on the model's thread; `work` is told the time.
    pub(crate) async fn read<R, F>(&self, work: F) -> Result<R, CoreError>
    where
        R: Send + 'static,
        F: FnOnce(&Model, Timestamp) -> Result<R, CoreError> + Send + 'static,
    {
        let shared = self.shared()?;
        let now = shared.network.now();
        shared.model.call(move |model| work(model, now)).await
    }
}
