//! Deletion of contents in a group.

use session_crypto::Ed25519Secret;
use session_types::{AccountId, GroupId, MessageHash, Signature, Timestamp};

use super::{check, members, signature};
use crate::{BuildError, InvalidContent, MessageError, proto};

/// A request to delete contents in a group: all of some members, or single messages. Not
/// empty.
///
/// | Field | Type | Meaning |
/// |---|---|---|
/// | 1 memberSessionIds | repeated string | delete everything of these |
/// | 2 messageHashes | repeated string | delete these |
/// | 3 adminSignature | bytes | 64; absent when a member deletes its own |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteMemberContent {
    members: Vec<AccountId>,
    hashes: Vec<MessageHash>,
    signature: Option<Signature>,
}

impl DeleteMemberContent {
    /// Deletion of own messages, without a signature.
    ///
    /// # Errors
    /// [`BuildError::Empty`] without any.
    pub fn own(hashes: Vec<MessageHash>) -> Result<Self, BuildError> {
        Self::new(Vec::new(), hashes, None)
    }

    /// Deletion by an admin at `sent_at`, which must be the time the message is encoded with.
    ///
    /// # Errors
    /// [`BuildError::Empty`] when there is nothing to delete.
    pub fn by_admin(
        group: &Ed25519Secret,
        members: Vec<AccountId>,
        hashes: Vec<MessageHash>,
        sent_at: Timestamp,
    ) -> Result<Self, BuildError> {
        let text = Self::signed_text(&members, &hashes, sent_at);
        Self::new(members, hashes, Some(group.sign(text.as_bytes())))
    }

    fn new(
        members: Vec<AccountId>,
        hashes: Vec<MessageHash>,
        signature: Option<Signature>,
    ) -> Result<Self, BuildError> {
        if members.is_empty() && hashes.is_empty() {
            return Err(BuildError::Empty("deletion"));
        }
        Ok(Self {
            members,
            hashes,
            signature,
        })
    }

    /// What the group's key signs.
    #[must_use]
    pub fn signed_text(
        members: &[AccountId],
        hashes: &[MessageHash],
        sent_at: Timestamp,
    ) -> String {
        let mut text = format!("DELETE_CONTENT{sent_at}");
        text.extend(members.iter().map(AccountId::to_hex));
        text.extend(hashes.iter().map(MessageHash::as_str));
        text
    }

    /// Members whose every message is to be deleted.
    #[must_use]
    pub fn members(&self) -> &[AccountId] {
        &self.members
    }

    /// Single messages to be deleted. Without an admin's signature only those of the sender.
    #[must_use]
    pub fn hashes(&self) -> &[MessageHash] {
        &self.hashes
    }

    /// Whether an admin asks, so that messages of others may be deleted.
    #[must_use]
    pub fn is_by_admin(&self) -> bool {
        self.signature.is_some()
    }

    pub(super) fn check(
        &mut self,
        group: &GroupId,
        sender: &AccountId,
        sent_at: Timestamp,
    ) -> Result<(), MessageError> {
        if let Some(signature) = &self.signature {
            let text = Self::signed_text(&self.members, &self.hashes, sent_at);
            return check(group, &text, signature);
        }
        self.members.retain(|member| member == sender);
        if self.members.is_empty() && self.hashes.is_empty() {
            return Err(InvalidContent::NoAction.into());
        }
        Ok(())
    }

    pub(super) fn from_wire(
        m: &proto::GroupUpdateDeleteMemberContentMessage,
    ) -> Result<Self, InvalidContent> {
        let hashes = m
            .message_hashes
            .iter()
            .map(|hash| hash.parse())
            .collect::<Result<_, _>>();
        let hashes = hashes.map_err(|_| InvalidContent::BadValue("deleteContent.hashes"))?;
        let signature = match m.admin_signature.as_deref() {
            None | Some([]) => None,
            some => Some(signature(some)?),
        };
        Self::new(members(&m.member_session_ids)?, hashes, signature)
            .map_err(|_| InvalidContent::NoAction)
    }

    pub(super) fn to_wire(&self) -> proto::GroupUpdateDeleteMemberContentMessage {
        proto::GroupUpdateDeleteMemberContentMessage {
            member_session_ids: self.members.iter().map(AccountId::to_hex).collect(),
            message_hashes: self
                .hashes
                .iter()
                .map(|hash| hash.as_str().to_owned())
                .collect(),
            admin_signature: self
                .signature
                .map(|signature| signature.as_bytes().to_vec()),
        }
    }
}
