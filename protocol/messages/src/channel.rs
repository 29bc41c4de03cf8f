//! The ways messages travel, and which kinds may travel them.

use core::fmt;

use crate::ContentKind;

/// A way from sender to reader (docs/protocol/messages.md section 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// A post in a community.
    Community,
    /// From one account to another, namespace 0.
    Direct,
    /// In a group, namespace 11.
    Group,
    /// A message request through a community.
    Inbox,
    /// A copy to oneself, namespace 0.
    Sync,
}

impl Channel {
    /// Whether messages of this kind are sent and accepted this way.
    #[must_use]
    pub fn carries(self, kind: &ContentKind) -> bool {
        match kind {
            ContentKind::Visible(_) => true,
            ContentKind::Reaction(_) => matches!(self, Self::Direct | Self::Group | Self::Sync),
            // Nobody sends copies of invitations, promotions and request responses but some
            // clients; all accept them.
            ContentKind::RequestResponse(_) | ContentKind::TimerUpdate | ContentKind::Unsend(_) => {
                matches!(self, Self::Direct | Self::Sync)
            }
            ContentKind::GroupUpdate(update) if update.is_direct() => {
                matches!(self, Self::Direct | Self::Sync)
            }
            ContentKind::GroupUpdate(_) => self == Self::Group,
            ContentKind::Call(call) => {
                self == Self::Direct || self == Self::Sync && call.is_synced()
            }
            ContentKind::DataExtraction(_) | ContentKind::Receipt(_) | ContentKind::Typing(_) => {
                self == Self::Direct
            }
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Community => "communities",
            Self::Direct => "one-to-one conversations",
            Self::Group => "groups",
            Self::Inbox => "community inboxes",
            Self::Sync => "copies to oneself",
        })
    }
}
