//! Where a server reads the time.

use core::fmt::Debug;
use std::time::{SystemTime, UNIX_EPOCH};

use session_types::Timestamp;

/// A source of the time of day. Intervals (timeouts, rates) use the machine's monotonic clock
/// instead.
pub trait Clock: Send + Sync + Debug {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_ms(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }
}
