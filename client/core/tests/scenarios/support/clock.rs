//! Clocks that are wrong.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use session_net::SystemClock;
use session_types::Timestamp;

/// The machine's clock moved by so many milliseconds. Clones are the same clock.
#[derive(Debug, Clone, Default)]
pub(crate) struct ShiftedClock(Arc<AtomicI64>);

impl ShiftedClock {
    /// Ahead of the right time.
    pub(crate) fn fast(by: Duration) -> Self {
        let clock = Self::default();
        clock.set(i64::try_from(by.as_millis()).unwrap());
        clock
    }

    /// Behind the right time.
    pub(crate) fn slow(by: Duration) -> Self {
        let clock = Self::default();
        clock.set(-i64::try_from(by.as_millis()).unwrap());
        clock
    }

    /// Sets how wrong it is from now on.
    pub(crate) fn set(&self, ms: i64) {
        self.0.store(ms, Ordering::SeqCst);
    }

    fn read(&self) -> Timestamp {
        let shifted = real_time()
            .as_ms_i64()
            .saturating_add(self.0.load(Ordering::SeqCst));
        Timestamp::from_ms(u64::try_from(shifted).unwrap())
    }
}

impl session_net::Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        self.read()
    }
}

impl session_node::clock::Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        self.read()
    }
}

/// What time it is.
pub(crate) fn real_time() -> Timestamp {
    session_net::Clock::now(&SystemClock)
}
