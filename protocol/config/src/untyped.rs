//! Versions of configs as such, without what their data mean: for tools that look into stored
//! configs, and for comparing this implementation with others (docs/protocol/config.md sections 2
//! to 5).
//!
//! The types of this crate do all this themselves; a client needs nothing from here.
//!
//! ```
//! use session_config::untyped::{Change, Edit, Scalar, Version};
//!
//! let first = Version::parse(b"d1:#i0e1:&de1:<le1:=dee", None, 5)?;
//! let name = Change { path: vec![b"n".to_vec()], edit: Edit::Put(Scalar::Bytes(b"Ann".to_vec())) };
//! let second = first.next(&[name], 5)?;
//! assert_eq!(second.seqno(), 1);
//! assert_eq!(second.data(), b"d1:n3:Anne");
//! assert_eq!(second.diff(), b"d1:n0:e");
//! # Ok::<(), session_config::ConfigError>(())
//! ```

use core::fmt;
use std::sync::Arc;

use session_types::Ed25519PublicKey;

use crate::data::{self, Dict, Value};
use crate::error::ConfigError;
use crate::merge;
use crate::message::{Draft, Message};

pub use crate::message::LAG;

/// A plain value, or a member of a set.
#[derive(Clone, PartialEq, Eq)]
pub enum Scalar {
    /// An integer.
    Int(i64),
    /// A string of bytes.
    Bytes(Vec<u8>),
}

/// What is done to one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Becomes this.
    Put(Scalar),
    /// Is taken away.
    Erase,
    /// Gets this member; what is no set becomes one.
    Insert(Scalar),
    /// Loses this member; a set that loses its last is taken away.
    Remove(Scalar),
}

/// A change of one value.
#[derive(Clone, PartialEq, Eq)]
pub struct Change {
    /// Keys from the outermost dict to the value. Dicts on the way are made as needed.
    pub path: Vec<Vec<u8>>,
    /// What is done there.
    pub edit: Edit,
}

/// One version of a config, finished.
#[derive(Clone)]
pub struct Version(Message);

/// What several versions come down to.
#[derive(Debug)]
pub enum Resolved {
    /// One of them holds all the others: its index.
    Adopted(usize),
    /// None does: a new version.
    Merged(Version),
}

impl Version {
    /// Reads a version. With a key it must be signed by it; without one a signature is only kept.
    /// Lagged diffs more than `lag` numbers back are skipped; [`LAG`] is what clients use.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`] for what is no version, or not properly signed.
    pub fn parse(
        bytes: &[u8],
        signed_by: Option<&Ed25519PublicKey>,
        lag: i64,
    ) -> Result<Self, ConfigError> {
        Ok(Self(Message::parse(bytes, signed_by, lag)?))
    }

    /// The version after this one with these changes made in order, not signed.
    ///
    /// # Errors
    /// [`ConfigError::SequenceExhausted`] when there is no greater number.
    pub fn next(&self, changes: &[Change], lag: i64) -> Result<Self, ConfigError> {
        let mut draft = Draft::after(&self.0, lag)?;
        let data = Arc::make_mut(&mut draft.data);
        for change in changes {
            change.make(data);
        }
        Ok(Self(draft.finish(None)))
    }

    /// The bytes others are sent, before compression, padding and encryption.
    #[must_use]
    pub fn encoded(&self) -> Vec<u8> {
        self.0.encoded().to_vec()
    }

    /// The sequence number.
    #[must_use]
    pub const fn seqno(&self) -> i64 {
        self.0.seqno
    }

    /// What other versions name this one by.
    #[must_use]
    pub fn hash(&self) -> &[u8; 32] {
        self.0.hash()
    }

    /// All the data, encoded.
    #[must_use]
    pub fn data(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.0.data.encode_into(&mut out);
        out
    }

    /// What this version changed, encoded.
    #[must_use]
    pub fn diff(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.0.diff.encode_into(&mut out);
        out
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(_) => f.write_str("Int(..)"),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
        }
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("edit", &self.edit)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Version")
            .field("seqno", &self.seqno())
            .finish_non_exhaustive()
    }
}

/// Finds the version that these come down to, making a new one where they differ; `None` when
/// there are none. The order of the versions does not matter.
#[must_use]
pub fn resolve(versions: &[&Version], lag: i64) -> Option<Resolved> {
    let messages: Vec<&Message> = versions.iter().map(|version| &version.0).collect();
    Some(match merge::resolve(&messages, true, lag)? {
        merge::Outcome::Adopted(index) => Resolved::Adopted(index),
        merge::Outcome::Merged(draft) => Resolved::Merged(Version(draft.finish(None))),
    })
}

impl Change {
    fn make(&self, data: &mut Dict) {
        let path: Vec<&[u8]> = self.path.iter().map(Vec::as_slice).collect();
        let members = || match data.at(&path) {
            Some(Value::Set(set)) => set.to_vec(),
            _ => Vec::new(),
        };
        let value = match &self.edit {
            Edit::Put(scalar) => Some(Value::from(&data::Scalar::from(scalar))),
            Edit::Erase => None,
            Edit::Insert(member) => {
                let mut members = members();
                members.push(member.into());
                Value::set(members)
            }
            Edit::Remove(member) => {
                let member = member.into();
                Value::set(members().into_iter().filter(|own| *own != member))
            }
        };
        let erase = value.is_none();
        // The reference makes the dicts along the path even to erase.
        data.put_at(&path, value.unwrap_or(Value::Int(0)));
        if erase {
            data.remove_at(&path);
        }
    }
}

impl From<&Scalar> for data::Scalar {
    fn from(scalar: &Scalar) -> Self {
        match scalar {
            Scalar::Int(value) => Self::Int(*value),
            Scalar::Bytes(bytes) => Self::Bytes(bytes.as_slice().into()),
        }
    }
}
