//! When a program that runs for long is told to end.

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ctrl-C, or the polite end other programs ask for. Both count from the moment this exists, so
/// make it before telling anybody that the program runs.
pub(crate) struct End {
    #[cfg(unix)]
    interrupt: Signal,
    #[cfg(unix)]
    terminate: Signal,
}

impl End {
    /// From now on the process is not killed by them.
    #[allow(clippy::unnecessary_wraps, reason = "not everywhere can it fail")]
    pub(crate) fn expect() -> anyhow::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            interrupt: signal(SignalKind::interrupt())?,
            #[cfg(unix)]
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for either.
    #[cfg(unix)]
    pub(crate) async fn wait(mut self) -> anyhow::Result<()> {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        Ok(())
    }

    /// Waits for it.
    #[cfg(not(unix))]
    pub(crate) async fn wait(self) -> anyhow::Result<()> {
        tokio::signal::ctrl_c().await?;
        Ok(())
    }
}
