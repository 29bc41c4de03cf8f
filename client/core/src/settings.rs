//! Small choices of a user.

use serde::{Deserialize, Serialize};

/// What a device tells others about its user, and whom it asks. Not shared between devices; off at first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Whether writers are told that their messages were read.
    pub read_receipts: bool,
    /// Whether others see that the user is typing.
    pub typing: bool,
    /// Whether pages behind links may be looked at for previews: their servers then see this
    /// computer's address, or that of the proxy.
    pub link_previews: bool,
    /// Whether files go straight to and from the own file server where that is possible: it then
    /// sees this computer's address. Through nodes otherwise.
    pub direct_files: bool,
    /// Whether the user has the Recovery Password elsewhere: wrote it down, or restored with it.
    pub recovery_saved: bool,
    /// Whether the Recovery Password is shown on this device no more.
    pub recovery_hidden: bool,
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
