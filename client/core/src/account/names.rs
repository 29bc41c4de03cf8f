//! From a registered name to an account.

use session_types::AccountId;

use super::Account;
use crate::CoreError;

impl Account {
    /// The account registered under a name. The name may be written in any case. Three nodes are
    /// asked, which learn a hash of the name, and not who asks. Nothing is kept.
    ///
    /// # Errors
    /// [`CoreError::BadName`] when it cannot be a name, [`CoreError::Name`].
    pub async fn resolve_name(&self, name: &str) -> Result<AccountId, CoreError> {
        let name = name.trim().parse().map_err(|_| CoreError::BadName)?;
        Ok(self.shared.network.resolve_name(&name).await?)
    }
}
