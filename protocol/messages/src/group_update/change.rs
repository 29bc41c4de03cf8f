//! Changes of a group's properties and members.

use session_crypto::Ed25519Secret;
use session_types::{AccountId, Signature, Timestamp};

use super::{members, signature};
use crate::proto::{group_update_info_change_message, group_update_member_change_message};
use crate::{InvalidContent, Name, proto};

/// What changed about a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InfoChange {
    /// The picture.
    Avatar,
    /// The timer, in seconds; 0 is off.
    DisappearingMessages(u32),
    /// The name.
    Name(Name),
}

impl InfoChange {
    fn number(&self) -> i32 {
        use group_update_info_change_message::Type;
        match self {
            Self::Avatar => Type::Avatar.into(),
            Self::DisappearingMessages(_) => Type::DisappearingMessages.into(),
            Self::Name(_) => Type::Name.into(),
        }
    }
}

/// A change with its signature.
///
/// | Field | Type | Meaning |
/// |---|---|---|
/// | 1 type | enum | required, 1 name, 2 picture, 3 timer |
/// | 2 updatedName | string | with 1 |
/// | 3 updatedExpiration | uint32 | with 3, seconds |
/// | 4 adminSignature | bytes | required, 64 |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InfoChangeMessage {
    /// The change.
    pub change: InfoChange,
    /// Group key over [`InfoChangeMessage::signed_text`].
    pub signature: Signature,
}

impl InfoChangeMessage {
    /// A change made at `sent_at`, which must be the time the message is encoded with.
    #[must_use]
    pub fn signed(group: &Ed25519Secret, change: InfoChange, sent_at: Timestamp) -> Self {
        let signature = group.sign(Self::signed_text(&change, sent_at).as_bytes());
        Self { change, signature }
    }

    /// What the group's key signs.
    #[must_use]
    pub fn signed_text(change: &InfoChange, sent_at: Timestamp) -> String {
        format!("INFO_CHANGE{}{sent_at}", change.number())
    }

    pub(super) fn from_wire(
        m: proto::GroupUpdateInfoChangeMessage,
    ) -> Result<Self, InvalidContent> {
        use group_update_info_change_message::Type;
        let change = match m.r#type.and_then(|kind| kind.try_into().ok()) {
            Some(Type::Avatar) => InfoChange::Avatar,
            Some(Type::DisappearingMessages) => {
                InfoChange::DisappearingMessages(m.updated_expiration.unwrap_or_default())
            }
            Some(Type::Name) => InfoChange::Name(
                m.updated_name
                    .and_then(Name::received)
                    .ok_or(InvalidContent::BadValue("infoChange.updatedName"))?,
            ),
            None => return Err(InvalidContent::Missing("infoChange.type")),
        };
        Ok(Self {
            change,
            signature: signature(m.admin_signature.as_deref())?,
        })
    }

    pub(super) fn to_wire(&self) -> proto::GroupUpdateInfoChangeMessage {
        let (updated_name, updated_expiration) = match &self.change {
            InfoChange::Avatar => (None, None),
            InfoChange::DisappearingMessages(seconds) => (None, Some(*seconds)),
            InfoChange::Name(name) => (Some(name.as_str().to_owned()), None),
        };
        proto::GroupUpdateInfoChangeMessage {
            r#type: Some(self.change.number()),
            updated_name,
            updated_expiration,
            admin_signature: Some(self.signature.as_bytes().to_vec()),
        }
    }
}

/// What happened to members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberChange {
    /// They were added.
    Added {
        /// Whether they can read what was written before.
        history_shared: bool,
    },
    /// They became admins.
    Promoted,
    /// They were removed.
    Removed,
}

impl MemberChange {
    fn number(self) -> i32 {
        use group_update_member_change_message::Type;
        match self {
            Self::Added { .. } => Type::Added.into(),
            Self::Promoted => Type::Promoted.into(),
            Self::Removed => Type::Removed.into(),
        }
    }
}

/// A change of members with its signature.
///
/// | Field | Type | Meaning |
/// |---|---|---|
/// | 1 type | enum | required, 1 added, 2 removed, 3 promoted |
/// | 2 memberSessionIds | repeated string | account ids |
/// | 3 historyShared | bool | with 1 |
/// | 4 adminSignature | bytes | required, 64 |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberChangeMessage {
    /// The change.
    pub change: MemberChange,
    /// Whom it concerns.
    pub members: Vec<AccountId>,
    /// Group key over [`MemberChangeMessage::signed_text`].
    pub signature: Signature,
}

impl MemberChangeMessage {
    /// A change made at `sent_at`, which must be the time the message is encoded with.
    #[must_use]
    pub fn signed(
        group: &Ed25519Secret,
        change: MemberChange,
        members: Vec<AccountId>,
        sent_at: Timestamp,
    ) -> Self {
        let signature = group.sign(Self::signed_text(change, sent_at).as_bytes());
        Self {
            change,
            members,
            signature,
        }
    }

    /// What the group's key signs.
    #[must_use]
    pub fn signed_text(change: MemberChange, sent_at: Timestamp) -> String {
        format!("MEMBER_CHANGE{}{sent_at}", change.number())
    }

    pub(super) fn from_wire(
        m: &proto::GroupUpdateMemberChangeMessage,
    ) -> Result<Self, InvalidContent> {
        use group_update_member_change_message::Type;
        let change = match m.r#type.and_then(|kind| kind.try_into().ok()) {
            Some(Type::Added) => MemberChange::Added {
                history_shared: m.history_shared.unwrap_or_default(),
            },
            Some(Type::Promoted) => MemberChange::Promoted,
            Some(Type::Removed) => MemberChange::Removed,
            None => return Err(InvalidContent::Missing("memberChange.type")),
        };
        let signature = signature(m.admin_signature.as_deref())?;
        Ok(Self {
            change,
            members: members(&m.member_session_ids)?,
            signature,
        })
    }

    pub(super) fn to_wire(&self) -> proto::GroupUpdateMemberChangeMessage {
        proto::GroupUpdateMemberChangeMessage {
            r#type: Some(self.change.number()),
            member_session_ids: self.members.iter().map(AccountId::to_hex).collect(),
            history_shared: match self.change {
                MemberChange::Added { history_shared } => Some(history_shared),
                MemberChange::Promoted | MemberChange::Removed => None,
            },
            admin_signature: Some(self.signature.as_bytes().to_vec()),
        }
    }
}
