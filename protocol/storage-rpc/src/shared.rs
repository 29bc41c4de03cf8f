//! Parts of answers that are given again and again.

use core::fmt;
use std::sync::Arc;

use crate::Tree;

/// A part of an answer that somebody else holds, too, and who may keep its text.
pub trait SharedPart: fmt::Debug + Send + Sync {
    /// The part itself.
    fn tree(&self) -> Tree;

    /// Appends the JSON text of [`SharedPart::tree`].
    fn write_json(&self, out: &mut Vec<u8>);

    /// About how long that text is; not less.
    fn json_size(&self) -> usize;
}

/// A [`SharedPart`] as part of a [`Tree`]. Two are equal when what they stand for is.
#[derive(Debug, Clone)]
pub struct Shared(Arc<dyn SharedPart>);

impl Shared {
    /// Holds `part`, too.
    #[must_use]
    pub fn new(part: Arc<dyn SharedPart>) -> Self {
        Self(part)
    }
}

impl core::ops::Deref for Shared {
    type Target = dyn SharedPart;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        self.tree() == other.tree()
    }
}
