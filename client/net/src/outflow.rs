//! A long body on its way out, and when it or the answer stands still.

use core::convert::Infallible;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::watch;

use crate::server::{Moved, Progress};
use crate::traffic::count;

/// What is handed over at once: small enough that somebody who waits sees it move.
const PIECE: usize = 32 * 1024;

/// A body that tells how much of it was taken.
#[derive(Debug)]
pub(crate) struct Outflow {
    rest: Bytes,
    progress: Progress,
}

impl Outflow {
    pub(crate) const fn new(body: Bytes, progress: Progress) -> Self {
        Self {
            rest: body,
            progress,
        }
    }
}

impl Body for Outflow {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        self.progress.sent(count(piece.len()));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(count(self.rest.len()))
    }
}

/// How many times as long as it may stand still a request may take in all.
const IN_ALL: u32 = 20;

/// Ends when nothing has moved for as long as this, or when it moves too slowly to be meant.
pub(crate) async fn standstill(mut moved: watch::Receiver<Moved>, patience: Duration) {
    let watching =
        async { while let Ok(Ok(())) = tokio::time::timeout(patience, moved.changed()).await {} };
    // Either way it is over.
    let _ = tokio::time::timeout(patience.saturating_mul(IN_ALL), watching).await;
}
