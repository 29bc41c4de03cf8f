//! Files and pictures on their way, for one command.

use session_core::Event;
use session_store::{FileState, MessageId};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout_at};

use super::{Work, why_not};
use crate::output::Progress;

/// What became of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Transfer {
    /// All of it has moved.
    Done,
    /// Given up.
    Failed(String),
    /// Not done in time; it goes on whenever the account is at work.
    Waiting(String),
}

/// `Fetching: 45 % of 1.2 MB`.
pub(super) fn progress_text(verb: &str, done: u64, total: u64) -> String {
    let percent = done.saturating_mul(100).checked_div(total).unwrap_or(0);
    format!("{verb}: {} % of {}", percent.min(100), size_text(total))
}

/// A number of bytes for people.
#[allow(
    clippy::cast_precision_loss,
    reason = "one digit behind the point is shown"
)]
pub(crate) fn size_text(bytes: u64) -> String {
    match bytes {
        0..1000 => format!("{bytes} bytes"),
        1000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

impl Work {
    /// Fetches a file of a message that is not on this device.
    pub(crate) async fn fetch(
        &mut self,
        message: MessageId,
        index: u32,
        deadline: Instant,
        progress: &Progress,
    ) -> anyhow::Result<Transfer> {
        self.account.download(message, index).await?;
        let mut why = None;
        loop {
            // Looked at after each event, since one may have been missed.
            let files = self.account.files(message).await?;
            match files.into_iter().find(|file| file.index == index) {
                Some(file) if file.state == FileState::Here => return Ok(Transfer::Done),
                Some(file) => {
                    if let FileState::Failed { reason } | FileState::Gone { reason } = file.state {
                        return Ok(Transfer::Failed(reason));
                    }
                }
                None => return Ok(Transfer::Failed("the message is gone".to_owned())),
            }
            match timeout_at(deadline, self.events.recv()).await {
                Ok(Ok(Event::FileProgress { done, total, .. })) => {
                    progress.say(&progress_text("Fetching", done, total));
                }
                Ok(Ok(Event::FileFailed { reason, .. })) => {
                    progress.say(&format!("Not here yet: {reason}; trying again …"));
                    why = Some(reason);
                }
                Ok(Ok(_) | Err(RecvError::Lagged(_))) => {}
                Ok(Err(RecvError::Closed)) | Err(_) => {
                    return Ok(Transfer::Waiting(why_not(&self.account, why)));
                }
            }
        }
    }

    /// Waits until the own picture is at its server.
    pub(crate) async fn picture_uploaded(
        &mut self,
        deadline: Instant,
        progress: &Progress,
    ) -> anyhow::Result<Transfer> {
        let own = self.account.id();
        let mut why = None;
        loop {
            match self.account.picture(own).await?.map(|row| row.state) {
                Some(FileState::Here) => return Ok(Transfer::Done),
                Some(FileState::Failed { reason } | FileState::Gone { reason }) => {
                    return Ok(Transfer::Failed(reason));
                }
                Some(FileState::Queued | FileState::Remote) | None => {}
            }
            match timeout_at(deadline, self.events.recv()).await {
                Ok(Ok(Event::PictureFailed { owner, reason, .. })) if owner == own => {
                    progress.say(&format!("Not there yet: {reason}; trying again …"));
                    why = Some(reason);
                }
                Ok(Ok(_) | Err(RecvError::Lagged(_))) => {}
                Ok(Err(RecvError::Closed)) | Err(_) => {
                    return Ok(Transfer::Waiting(why_not(&self.account, why)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_readable() {
        assert_eq!(size_text(999), "999 bytes");
        assert_eq!(size_text(1500), "1.5 kB");
        assert_eq!(size_text(10_000_000), "10.0 MB");
        assert_eq!(
            progress_text("Fetching", 450, 1000),
            "Fetching: 45 % of 1.0 kB"
        );
        assert_eq!(progress_text("Fetching", 1, 0), "Fetching: 0 % of 0 bytes");
    }
}
