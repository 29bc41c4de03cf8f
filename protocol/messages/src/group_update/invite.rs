//! What travels to one account: invitation and promotion.

use core::fmt;

use session_crypto::Ed25519Secret;
use session_types::{AccountId, GroupId, Signature, Timestamp};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{check, name_text, signature};
use crate::{InvalidContent, MessageError, Name, proto};

/// An invitation to a group, for one account.
///
/// | Field | Type | Meaning |
/// |---|---|---|
/// | 1 groupSessionId | string | required, group id |
/// | 2 name | string | required, group name |
/// | 3 memberAuthData | bytes | required, 100: lets the member read and write |
/// | 4 adminSignature | bytes | required, 64 |
#[derive(Clone)]
pub struct GroupInvite {
    /// The group.
    pub group: GroupId,
    /// Its name; absent when the sender wrote an empty one.
    pub name: Option<Name>,
    /// What lets the member read and write the group's mailbox; secret.
    pub auth_data: Zeroizing<[u8; 100]>,
    /// Group key over [`GroupInvite::signed_text`].
    pub signature: Signature,
}

impl GroupInvite {
    /// Invites `member` at `sent_at`, which must be the time the message is encoded with.
    #[must_use]
    pub fn signed(
        group: &Ed25519Secret,
        name: Name,
        auth_data: Zeroizing<[u8; 100]>,
        member: &AccountId,
        sent_at: Timestamp,
    ) -> Self {
        Self {
            group: GroupId::from_ed25519(*group.public()),
            name: Some(name),
            auth_data,
            signature: group.sign(Self::signed_text(member, sent_at).as_bytes()),
        }
    }

    /// What the group's key signs.
    #[must_use]
    pub fn signed_text(member: &AccountId, sent_at: Timestamp) -> String {
        format!("INVITE{member}{sent_at}")
    }

    /// Checks that an admin of the group invited `member`.
    ///
    /// # Errors
    /// [`MessageError::GroupSignature`] when not.
    pub fn verify(&self, member: &AccountId, sent_at: Timestamp) -> Result<(), MessageError> {
        check(
            &self.group,
            &Self::signed_text(member, sent_at),
            &self.signature,
        )
    }

    pub(super) fn from_wire(m: proto::GroupUpdateInviteMessage) -> Result<Self, InvalidContent> {
        let group = m
            .group_session_id
            .ok_or(InvalidContent::Missing("invite.groupSessionId"))?;
        let auth = m
            .member_auth_data
            .map(Zeroizing::new)
            .ok_or(InvalidContent::Missing("invite.memberAuthData"))?;
        Ok(Self {
            group: group
                .parse()
                .map_err(|_| InvalidContent::BadValue("invite.groupSessionId"))?,
            name: Name::received(m.name.ok_or(InvalidContent::Missing("invite.name"))?),
            auth_data: Zeroizing::new(
                auth.as_slice()
                    .try_into()
                    .map_err(|_| InvalidContent::BadValue("invite.memberAuthData"))?,
            ),
            signature: signature(m.admin_signature.as_deref())?,
        })
    }

    pub(super) fn to_wire(&self) -> proto::GroupUpdateInviteMessage {
        proto::GroupUpdateInviteMessage {
            group_session_id: Some(self.group.to_hex()),
            name: Some(name_text(self.name.as_ref())),
            member_auth_data: Some(self.auth_data.to_vec()),
            admin_signature: Some(self.signature.as_bytes().to_vec()),
        }
    }
}

impl PartialEq for GroupInvite {
    fn eq(&self, other: &Self) -> bool {
        bool::from(self.auth_data.ct_eq(other.auth_data.as_slice()))
            && self.group == other.group
            && self.name == other.name
            && self.signature == other.signature
    }
}

impl Eq for GroupInvite {}

impl fmt::Debug for GroupInvite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupInvite")
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}

/// Makes an account an admin.
///
/// | Field | Type | Meaning |
/// |---|---|---|
/// | 1 groupIdentitySeed | bytes | required, 32: seed of the group's key |
/// | 2 name | string | required, group name |
#[derive(Clone)]
pub struct GroupPromotion {
    /// Seed of the group's key; secret.
    pub seed: Zeroizing<[u8; 32]>,
    /// The group's name; absent when the sender wrote an empty one.
    pub name: Option<Name>,
}

impl GroupPromotion {
    pub(super) fn from_wire(m: proto::GroupUpdatePromoteMessage) -> Result<Self, InvalidContent> {
        let seed = m
            .group_identity_seed
            .map(Zeroizing::new)
            .ok_or(InvalidContent::Missing("promote.groupIdentitySeed"))?;
        Ok(Self {
            seed: Zeroizing::new(
                seed.as_slice()
                    .try_into()
                    .map_err(|_| InvalidContent::BadValue("promote.groupIdentitySeed"))?,
            ),
            name: Name::received(m.name.ok_or(InvalidContent::Missing("promote.name"))?),
        })
    }

    pub(super) fn to_wire(&self) -> proto::GroupUpdatePromoteMessage {
        proto::GroupUpdatePromoteMessage {
            group_identity_seed: Some(self.seed.to_vec()),
            name: Some(name_text(self.name.as_ref())),
        }
    }
}

impl PartialEq for GroupPromotion {
    fn eq(&self, other: &Self) -> bool {
        bool::from(self.seed.ct_eq(other.seed.as_slice())) && self.name == other.name
    }
}

impl Eq for GroupPromotion {}

impl fmt::Debug for GroupPromotion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupPromotion").finish_non_exhaustive()
    }
}
