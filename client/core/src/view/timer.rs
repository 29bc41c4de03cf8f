//! When messages disappear, as it is shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use session_messages::Expiration;

/// When messages disappear.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum Timer {
    /// Never.
    #[default]
    Off,
    /// After they were read.
    AfterRead {
        /// So many seconds.
        seconds: u32,
    },
    /// After they were sent.
    AfterSend {
        /// So many seconds.
        seconds: u32,
    },
}

impl From<Expiration> for Timer {
    fn from(expiration: Expiration) -> Self {
        match expiration {
            Expiration::Off => Self::Off,
            Expiration::AfterRead(seconds) => Self::AfterRead {
                seconds: seconds.get(),
            },
            Expiration::AfterSend(seconds) => Self::AfterSend {
                seconds: seconds.get(),
            },
        }
    }
}

impl From<Timer> for Expiration {
    fn from(timer: Timer) -> Self {
        match timer {
            Timer::Off => Self::Off,
            Timer::AfterRead { seconds } => Self::after_read(seconds),
            Timer::AfterSend { seconds } => Self::after_send(seconds),
        }
    }
}
