//! Counts what decoders accept, so that a test notices a corpus that no longer gets past them.

use std::cell::Cell;

thread_local! {
    static ACCEPTED: Cell<usize> = const { Cell::new(0) };
}

/// How many inputs a decoder accepted in this thread so far.
#[must_use]
pub fn accepted() -> usize {
    ACCEPTED.get()
}

pub(crate) fn note_accepted() {
    ACCEPTED.set(ACCEPTED.get().wrapping_add(1));
}
