//! What admins and members of a group tell each other.

mod change;
mod deletion;
mod invite;

pub use change::{InfoChange, InfoChangeMessage, MemberChange, MemberChangeMessage};
pub use deletion::DeleteMemberContent;
pub use invite::{GroupInvite, GroupPromotion};

use session_crypto::verify;
use session_types::{AccountId, GroupId, Signature, Timestamp};

use crate::{InvalidContent, MessageError, Name, proto};

/// A change in a group (docs/protocol/messages.md section 5). Invite and promotion travel to
/// one account, everything else in the group.
///
/// | Field | Variant |
/// |---|---|
/// | 1 inviteMessage | [`GroupUpdate::Invite`] |
/// | 2 infoChangeMessage | [`GroupUpdate::InfoChange`] |
/// | 3 memberChangeMessage | [`GroupUpdate::MemberChange`] |
/// | 4 promoteMessage | [`GroupUpdate::Promote`] |
/// | 5 memberLeftMessage | [`GroupUpdate::MemberLeft`] |
/// | 6 inviteResponse | [`GroupUpdate::InviteResponse`] |
/// | 7 deleteMemberContent | [`GroupUpdate::DeleteMemberContent`] |
/// | 8 memberLeftNotificationMessage | [`GroupUpdate::MemberLeftNotification`] |
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupUpdate {
    /// Contents are to be deleted.
    DeleteMemberContent(DeleteMemberContent),
    /// Name, picture or timer changed.
    InfoChange(InfoChangeMessage),
    /// An account is invited.
    Invite(GroupInvite),
    /// The sender joins.
    InviteResponse,
    /// Members were added, removed or promoted.
    MemberChange(MemberChangeMessage),
    /// The sender leaves; for admins.
    MemberLeft,
    /// The sender leaves; for display.
    MemberLeftNotification,
    /// An account becomes admin.
    Promote(GroupPromotion),
}

impl GroupUpdate {
    /// Whether this travels to one account instead of the group.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        matches!(self, Self::Invite(_) | Self::Promote(_))
    }

    /// Whether the timer of the conversation applies to it (docs/protocol/client.md section 2.2).
    #[must_use]
    pub fn expires(&self) -> bool {
        matches!(
            self,
            Self::InfoChange(_) | Self::MemberChange(_) | Self::MemberLeftNotification
        )
    }

    /// Checks the admin's signature of an update inside the group. A wrong one is refused; a
    /// deletion without one is reduced to what the sender may ask for itself.
    pub(crate) fn check_in_group(
        &mut self,
        group: &GroupId,
        sender: &AccountId,
        sent_at: Timestamp,
    ) -> Result<(), MessageError> {
        match self {
            Self::DeleteMemberContent(m) => m.check(group, sender, sent_at),
            Self::InfoChange(m) => {
                let text = InfoChangeMessage::signed_text(&m.change, sent_at);
                check(group, &text, &m.signature)
            }
            Self::MemberChange(m) => {
                let text = MemberChangeMessage::signed_text(m.change, sent_at);
                check(group, &text, &m.signature)
            }
            Self::Invite(_)
            | Self::InviteResponse
            | Self::MemberLeft
            | Self::MemberLeftNotification
            | Self::Promote(_) => Ok(()),
        }
    }

    pub(crate) fn from_wire(update: proto::GroupUpdateMessage) -> Result<Self, InvalidContent> {
        if let Some(m) = update.invite_message {
            GroupInvite::from_wire(m).map(Self::Invite)
        } else if let Some(m) = update.info_change_message {
            InfoChangeMessage::from_wire(m).map(Self::InfoChange)
        } else if let Some(m) = update.member_change_message {
            MemberChangeMessage::from_wire(&m).map(Self::MemberChange)
        } else if let Some(m) = update.promote_message {
            GroupPromotion::from_wire(m).map(Self::Promote)
        } else if update.member_left_message.is_some() {
            Ok(Self::MemberLeft)
        } else if let Some(m) = update.invite_response {
            if m.is_approved == Some(true) {
                Ok(Self::InviteResponse)
            } else {
                Err(InvalidContent::BadValue("inviteResponse.isApproved"))
            }
        } else if let Some(m) = update.delete_member_content {
            DeleteMemberContent::from_wire(&m).map(Self::DeleteMemberContent)
        } else if update.member_left_notification_message.is_some() {
            Ok(Self::MemberLeftNotification)
        } else {
            Err(InvalidContent::NoAction)
        }
    }

    pub(crate) fn to_wire(&self) -> proto::GroupUpdateMessage {
        let mut wire = proto::GroupUpdateMessage::default();
        match self {
            Self::DeleteMemberContent(m) => wire.delete_member_content = Some(m.to_wire()),
            Self::InfoChange(m) => wire.info_change_message = Some(m.to_wire()),
            Self::Invite(m) => wire.invite_message = Some(m.to_wire()),
            Self::InviteResponse => {
                wire.invite_response = Some(proto::GroupUpdateInviteResponseMessage {
                    is_approved: Some(true),
                });
            }
            Self::MemberChange(m) => wire.member_change_message = Some(m.to_wire()),
            Self::MemberLeft => {
                wire.member_left_message = Some(proto::GroupUpdateMemberLeftMessage {});
            }
            Self::MemberLeftNotification => {
                wire.member_left_notification_message =
                    Some(proto::GroupUpdateMemberLeftNotificationMessage {});
            }
            Self::Promote(m) => wire.promote_message = Some(m.to_wire()),
        }
        wire
    }
}

fn check(group: &GroupId, text: &str, by: &Signature) -> Result<(), MessageError> {
    verify(group.ed25519(), text.as_bytes(), by).map_err(|_| MessageError::GroupSignature)
}

fn signature(bytes: Option<&[u8]>) -> Result<Signature, InvalidContent> {
    let bytes = bytes.ok_or(InvalidContent::Missing("adminSignature"))?;
    bytes
        .try_into()
        .map_err(|_| InvalidContent::BadValue("adminSignature"))
}

fn members(ids: &[String]) -> Result<Vec<AccountId>, InvalidContent> {
    ids.iter()
        .map(|id| {
            id.parse()
                .map_err(|_| InvalidContent::BadValue("memberSessionIds"))
        })
        .collect()
}

fn name_text(name: Option<&Name>) -> String {
    name.map(|name| name.as_str().to_owned())
        .unwrap_or_default()
}
