//! Small choices of a user.

use serde::{Deserialize, Serialize};

/// What a device tells others about its user. Not shared between devices; off at first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Whether writers are told that their messages were read.
    pub read_receipts: bool,
    /// Whether others see that the user is typing.
    pub typing: bool,
}

/// Where a message is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeleteFor {
    /// Here.
    ThisDevice,
    /// On all devices of the account; notes to self only.
    MyDevices,
    /// On all devices of both sides; the user's own messages only.
    Everyone,
}
