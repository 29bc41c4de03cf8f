use session_types::ErrorKind;

/// Why a cryptographic operation gave nothing. Says what failed, never with which bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// Wrong key, or bytes that were changed, cut or never encrypted this way.
    #[error("decryption failed")]
    Decryption,
    /// An argument or input has a length that the operation does not know.
    #[error("input of the wrong length")]
    Length,
    /// Not a point of the curve, or one of a kind that must not be used.
    #[error("not a usable public key")]
    PublicKey,
    /// The signature was not made by this key over this message.
    #[error("signature does not verify")]
    Signature,
}

impl CryptoError {
    /// What the caller should make of it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Decryption | Self::PublicKey => ErrorKind::BadPeer,
            Self::Length => ErrorKind::BadInput,
            Self::Signature => ErrorKind::Unauthorised,
        }
    }
}
