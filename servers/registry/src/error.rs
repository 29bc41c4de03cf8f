//! What can be wrong with a node list or with a question about it.

use session_types::ErrorKind;

/// Why a node list or a request for it was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// A request parameter has the wrong type.
    #[error("parameter {0} has the wrong type")]
    BadParameter(&'static str),
    /// A file holds no usable node list; says what is wrong and where.
    #[error("{0}")]
    File(String),
    /// Two nodes of a list share a key.
    #[error("two nodes of the list have the same {0} key")]
    DuplicateKey(&'static str),
}

impl RegistryError {
    /// What a caller should do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::BadParameter(_) | Self::DuplicateKey(_) | Self::File(_) => ErrorKind::BadInput,
        }
    }
}
