//! Disappearing messages: the setting a message carries.

use core::num::NonZeroU32;
use core::time::Duration;

use crate::proto::content::ExpirationType;

/// When a message disappears (docs/protocol/client.md section 5.6; Content fields 12 and 13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Expiration {
    /// Never.
    #[default]
    Off,
    /// So many seconds after it was read.
    AfterRead(NonZeroU32),
    /// So many seconds after it was sent.
    AfterSend(NonZeroU32),
}

impl Expiration {
    /// After read, or off when `seconds` is 0.
    #[must_use]
    pub fn after_read(seconds: u32) -> Self {
        NonZeroU32::new(seconds).map_or(Self::Off, Self::AfterRead)
    }

    /// After send, or off when `seconds` is 0.
    #[must_use]
    pub fn after_send(seconds: u32) -> Self {
        NonZeroU32::new(seconds).map_or(Self::Off, Self::AfterSend)
    }

    /// The timer; `None` when off.
    #[must_use]
    pub fn timer(self) -> Option<Duration> {
        match self {
            Self::Off => None,
            Self::AfterRead(s) | Self::AfterSend(s) => {
                Some(Duration::from_secs(u64::from(s.get())))
            }
        }
    }

    /// The setting as it applies in notes to oneself and in groups, where every timer counts
    /// from sending.
    #[must_use]
    pub fn counted_from_sending(self) -> Self {
        match self {
            Self::AfterRead(seconds) => Self::AfterSend(seconds),
            other => other,
        }
    }

    /// The setting as calls and extraction notices carry it: every timer counts from reading.
    #[must_use]
    pub fn counted_from_reading(self) -> Self {
        match self {
            Self::AfterSend(seconds) => Self::AfterRead(seconds),
            other => other,
        }
    }

    /// The two fields; an unknown type, like a timer of 0, is off.
    pub(crate) fn from_wire(kind: Option<i32>, seconds: Option<u32>) -> Self {
        let seconds = seconds.unwrap_or_default();
        match kind.and_then(|kind| ExpirationType::try_from(kind).ok()) {
            Some(ExpirationType::DeleteAfterRead) => Self::after_read(seconds),
            Some(ExpirationType::DeleteAfterSend) => Self::after_send(seconds),
            Some(ExpirationType::None) | None => Self::Off,
        }
    }

    pub(crate) fn to_wire(self) -> (ExpirationType, u32) {
        match self {
            Self::Off => (ExpirationType::None, 0),
            Self::AfterRead(s) => (ExpirationType::DeleteAfterRead, s.get()),
            Self::AfterSend(s) => (ExpirationType::DeleteAfterSend, s.get()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zero_in_either_field_is_off() {
        assert_eq!(Expiration::from_wire(Some(1), Some(0)), Expiration::Off);
        assert_eq!(Expiration::from_wire(Some(0), Some(60)), Expiration::Off);
        assert_eq!(Expiration::from_wire(None, Some(60)), Expiration::Off);
        assert_eq!(Expiration::from_wire(Some(9), Some(60)), Expiration::Off);
        assert_eq!(
            Expiration::from_wire(Some(1), Some(60)),
            Expiration::after_read(60)
        );
        assert_eq!(
            Expiration::from_wire(Some(2), Some(60)),
            Expiration::after_send(60)
        );
    }

    #[test]
    fn conversions_keep_the_timer() {
        let read = Expiration::after_read(30);
        let send = Expiration::after_send(30);
        assert_eq!(read.counted_from_sending(), send);
        assert_eq!(send.counted_from_reading(), read);
        assert_eq!(Expiration::Off.counted_from_sending(), Expiration::Off);
        assert_eq!(send.timer(), Some(Duration::from_secs(30)));
    }
}
