use core::cmp::Ordering;
use core::fmt;
use core::ops::Deref;
use std::sync::Arc;

const INLINE: usize = 22;

/// A string of bytes that is cheap to clone: short ones are held in place, long ones shared. Keys of
/// fields are one letter, so most strings of a config never touch the heap.
#[derive(Clone)]
pub(crate) enum Blob {
    Inline { length: u8, bytes: [u8; INLINE] },
    Shared(Arc<[u8]>),
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Inline { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Self::Shared(bytes) => bytes,
        }
    }
}

impl From<&[u8]> for Blob {
    fn from(slice: &[u8]) -> Self {
        let mut bytes = [0; INLINE];
        match (bytes.get_mut(..slice.len()), u8::try_from(slice.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(slice);
                Self::Inline { length, bytes }
            }
            _ => Self::Shared(slice.into()),
        }
    }
}

impl PartialEq for Blob {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Blob {}

impl PartialOrd for Blob {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Blob {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

/// Configs hold names and keys: only the length is shown.
impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.len())
    }
}
