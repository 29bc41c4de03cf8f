use core::fmt;

use session_types::{AccountId, Ed25519PublicKey};

/// What was inside an encrypted message, and who wrote it.
///
/// The sender is what the signing key inside the message converts to: compare it with any sender
/// claimed elsewhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// The message.
    pub plaintext: Vec<u8>,
    /// Who wrote it: the account that [`Self::sender_ed25519`] belongs to.
    pub sender: AccountId,
    /// The sender's signing key.
    pub sender_ed25519: Ed25519PublicKey,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("len", &self.plaintext.len())
            .finish_non_exhaustive()
    }
}
