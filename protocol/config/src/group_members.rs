//! Who is in a group (docs/protocol/config.md section 11.7).

use core::fmt;
use std::collections::BTreeSet;

use session_crypto::Ed25519Secret;
use session_types::{AccountId, GroupId, Namespace};
use zeroize::Zeroizing;

use crate::contacts::account_id;
use crate::data::Dict;
use crate::engine::{Core, Kind};
use crate::error::{ConfigError, Malformed};
use crate::fields::{MAX_NAME, truncated};
use crate::multipart::text;
use crate::picture::Picture;
use crate::shared::shared_config;
use crate::wire::{Reader, put_bytes};

const KIND: Kind = Kind {
    name: "GroupMembers",
    namespace: Namespace::GROUP_MEMBERS,
    domain: "groups::Members",
    wrap: None,
};

/// The members of a group. Admins change them, all members read them.
///
/// Data: `m` is a dict of [`Member`]s by 33-byte account id. A dump also holds
/// `pending_send_ids`: whose invitation or promotion this device is sending.
pub struct GroupMembers {
    pub(crate) core: Core,
    sending: BTreeSet<String>,
}

shared_config!(GroupMembers {
    fn extra(&self) -> Vec<u8> {
        let mut out = b"d".to_vec();
        if !self.sending.is_empty() {
            put_bytes(&mut out, b"pending_send_ids");
            out.push(b'l');
            for id in &self.sending {
                put_bytes(&mut out, id.as_bytes());
            }
            out.push(b'e');
        }
        out.push(b'e');
        out
    }
});

/// A member of a group.
///
/// | Key | Stored | Meaning |
/// |---|---|---|
/// | `n` | always | name |
/// | `p`, `q` | both or none | picture |
/// | `t` | seconds | when name or picture last changed |
/// | `I` | 1, 2, 3 | invitation sent, failed, not sent |
/// | `s` | flag | invited with the messages sent before |
/// | `A` | flag | admin |
/// | `P` | 1, 2, 3 | promotion sent, failed, not sent |
/// | `R` | 1, 2 | to be removed, together with the messages |
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// Who it is.
    pub id: AccountId,
    /// The name the person chose; cut to 100 bytes when stored.
    pub name: String,
    /// The person's picture.
    pub picture: Option<Picture>,
    /// When name and picture were last changed, unix seconds; 0 when not known.
    pub profile_updated_seconds: u64,
    /// The person gets the messages sent before the invitation.
    pub supplement: bool,
    admin: bool,
    invite: u64,
    promotion: u64,
    removal: u64,
}

/// What is known of a member's place in the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum MemberStatus {
    /// Invited, but in a way this version does not know.
    InviteUnknown = 0,
    /// The invitation still has to be sent.
    InviteNotSent = 1,
    /// This device is sending the invitation.
    InviteSending = 2,
    /// The invitation could not be sent.
    InviteFailed = 3,
    /// The invitation was sent and not answered yet.
    InviteSent = 4,
    /// A member.
    InviteAccepted = 5,
    /// Promoted, but in a way this version does not know.
    PromotionUnknown = 6,
    /// The promotion still has to be sent.
    PromotionNotSent = 7,
    /// This device is sending the promotion.
    PromotionSending = 8,
    /// The promotion could not be sent.
    PromotionFailed = 9,
    /// The promotion was sent and not acknowledged yet.
    PromotionSent = 10,
    /// An admin.
    PromotionAccepted = 11,
    /// To be removed, but in a way this version does not know.
    RemovedUnknown = 12,
    /// To be removed.
    Removed = 13,
    /// To be removed together with the messages.
    RemovedWithMessages = 14,
}

const SENT: u64 = 1;
const FAILED: u64 = 2;
const NOT_SENT: u64 = 3;

impl GroupMembers {
    /// A group nothing is known of, for a member or, with its key, for an admin.
    ///
    /// # Errors
    /// [`ConfigError::WrongKey`] when the key is not the group's.
    pub fn new(id: GroupId, admin: Option<&Ed25519Secret>) -> Result<Self, ConfigError> {
        Ok(Self {
            core: Core::of_group(&KIND, *id.ed25519(), admin)?,
            sending: BTreeSet::new(),
        })
    }

    /// Sets the encryption keys, newest first. [`GroupKeys`](crate::GroupKeys) does it whenever
    /// they change.
    pub fn set_encryption_keys(&mut self, keys: &[[u8; 32]]) {
        self.core
            .set_keys(keys.iter().map(|key| Zeroizing::new(*key)).collect());
    }

    /// Makes a member's config that of an admin, who has just got the group's key.
    ///
    /// # Errors
    /// [`ConfigError::WrongKey`] when the key is not the group's.
    pub fn set_admin(&mut self, admin: &Ed25519Secret) -> Result<(), ConfigError> {
        self.core.set_signer(admin)
    }

    /// The state as it was saved.
    ///
    /// # Errors
    /// [`ConfigError`] when the key is not the group's or the bytes are no dump.
    pub fn load(
        id: GroupId,
        admin: Option<&Ed25519Secret>,
        dump: &[u8],
    ) -> Result<Self, ConfigError> {
        let mut config = Self::new(id, admin)?;
        let extra = config.core.load(dump)?;
        config.sending = read_sending(&extra)?;
        Ok(config)
    }

    /// Stores a member. Fields this version does not know stay as they are.
    ///
    /// # Errors
    /// [`ConfigError::ReadOnly`] for members who are not admins.
    pub fn set(&mut self, member: &Member) -> Result<(), ConfigError> {
        let id = member.id.to_bytes();
        self.core.edit(&[b"m", &id], |entry| member.store(entry))?;
        let id = member.id.to_hex();
        let not_sent = member.promotion == NOT_SENT || !member.admin && member.invite == NOT_SENT;
        let changed = if not_sent {
            self.sending.insert(id)
        } else {
            self.sending.remove(&id)
        };
        if changed {
            self.core.mark_for_dump();
        }
        Ok(())
    }

    /// Changes a member, who is made when not known yet: with an invitation to be sent.
    ///
    /// # Errors
    /// [`ConfigError::ReadOnly`] for members who are not admins.
    pub fn modify(
        &mut self,
        id: &AccountId,
        change: impl FnOnce(&mut Member),
    ) -> Result<(), ConfigError> {
        let mut member = self.get_or_new(id);
        change(&mut member);
        member.id = *id;
        self.set(&member)
    }

    /// Takes a member off the list. Whether there was one.
    ///
    /// # Errors
    /// [`ConfigError::ReadOnly`] for members who are not admins.
    pub fn erase(&mut self, id: &AccountId) -> Result<bool, ConfigError> {
        let known = self.core.put(&[b"m", &id.to_bytes()], None)?;
        if self.sending.remove(&id.to_hex()) {
            self.core.mark_for_dump();
        }
        Ok(known)
    }

    /// A member.
    #[must_use]
    pub fn get(&self, id: &AccountId) -> Option<Member> {
        let entry = self.core.at(&[b"m", &id.to_bytes()])?.as_dict()?;
        Some(Member::read(*id, entry))
    }

    /// A member, or a new one whose invitation has to be sent.
    #[must_use]
    pub fn get_or_new(&self, id: &AccountId) -> Member {
        self.get(id).unwrap_or_else(|| Member::new(*id))
    }

    /// All members, by their ids.
    pub fn iter(&self) -> impl Iterator<Item = Member> + '_ {
        self.entries().map(|(id, entry)| Member::read(id, entry))
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries().count()
    }

    /// Whether there are no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries().next().is_none()
    }

    /// What is known of a member's place in the group.
    #[must_use]
    pub fn status(&self, member: &Member) -> MemberStatus {
        member.status_with(self.sending.contains(&member.id.to_hex()))
    }

    /// The ids of all members, ascending.
    pub(crate) fn ids(&self) -> impl Iterator<Item = AccountId> + '_ {
        self.entries().map(|(id, _)| id)
    }

    fn entries(&self) -> impl Iterator<Item = (AccountId, &Dict)> {
        self.core
            .data()
            .dict(b"m")
            .into_iter()
            .flat_map(Dict::iter)
            .filter_map(|(key, value)| Some((account_id(key)?, value.as_dict()?)))
    }
}

impl Member {
    /// A person whose invitation has to be sent.
    #[must_use]
    pub fn new(id: AccountId) -> Self {
        Self {
            id,
            name: String::new(),
            picture: None,
            profile_updated_seconds: 0,
            supplement: false,
            admin: false,
            invite: NOT_SENT,
            promotion: 0,
            removal: 0,
        }
    }

    /// Whether the member is or is to become an admin.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.admin
    }

    /// The stored numbers: invitation, promotion, removal.
    #[must_use]
    pub fn raw_status(&self) -> (u64, u64, u64) {
        (self.invite, self.promotion, self.removal)
    }

    /// The invitation is to be sent (again).
    pub fn set_invite_not_sent(&mut self) {
        self.invite = NOT_SENT;
    }

    /// The invitation was sent.
    pub fn set_invite_sent(&mut self) {
        self.invite = SENT;
    }

    /// The invitation could not be sent.
    pub fn set_invite_failed(&mut self) {
        self.invite = FAILED;
    }

    /// The person is a member now.
    pub fn set_invite_accepted(&mut self) {
        self.invite = 0;
        self.supplement = false;
    }

    /// The member is to become an admin; the promotion is to be sent.
    pub fn set_promoted(&mut self) {
        self.promote(NOT_SENT);
    }

    /// The promotion was sent.
    pub fn set_promotion_sent(&mut self) {
        self.promote(SENT);
    }

    /// The promotion could not be sent.
    pub fn set_promotion_failed(&mut self) {
        self.promote(FAILED);
    }

    /// The member is an admin now.
    pub fn set_promotion_accepted(&mut self) {
        self.promote(0);
    }

    /// The member is to be removed, perhaps with all messages.
    pub fn set_removed(&mut self, messages: bool) {
        self.invite = 0;
        self.promotion = 0;
        self.removal = if messages { 2 } else { 1 };
    }

    fn promote(&mut self, status: u64) {
        self.admin = true;
        self.invite = 0;
        self.promotion = status;
    }

    fn status_with(&self, sending: bool) -> MemberStatus {
        use MemberStatus as S;
        match (self.removal, self.admin, self.promotion, self.invite) {
            (1, ..) => S::Removed,
            (2, ..) => S::RemovedWithMessages,
            (1.., ..) => S::RemovedUnknown,
            (0, true, 0, _) => S::PromotionAccepted,
            (0, true, SENT, _) => S::PromotionSent,
            (0, true, FAILED, _) => S::PromotionFailed,
            (0, true, NOT_SENT, _) if sending => S::PromotionSending,
            (0, true, NOT_SENT, _) => S::PromotionNotSent,
            (0, true, ..) => S::PromotionUnknown,
            (0, false, _, 0) => S::InviteAccepted,
            (0, false, _, SENT) => S::InviteSent,
            (0, false, _, FAILED) => S::InviteFailed,
            (0, false, _, NOT_SENT) if sending => S::InviteSending,
            (0, false, _, NOT_SENT) => S::InviteNotSent,
            (0, false, ..) => S::InviteUnknown,
        }
    }

    fn read(id: AccountId, entry: &Dict) -> Self {
        let admin = entry.flag(b"A");
        let promotion = entry.positive(b"P");
        let invite = if admin { 0 } else { entry.positive(b"I") };
        Self {
            id,
            name: entry.text(b"n"),
            picture: entry.picture(b"p", b"q"),
            profile_updated_seconds: entry.seconds(b"t"),
            supplement: invite > 0 && promotion == 0 && entry.flag(b"s"),
            admin,
            invite,
            promotion,
            removal: entry.positive(b"R"),
        }
    }

    fn store(&self, entry: &mut Dict) {
        entry.put_text_always(b"n", truncated(&self.name, MAX_NAME));
        entry.put_picture(b"p", b"q", self.picture.as_ref());
        entry.put_seconds(b"t", self.profile_updated_seconds);
        entry.put_flag(b"A", self.admin);
        entry.put_positive(b"P", self.promotion);
        entry.put_positive(b"I", if self.admin { 0 } else { self.invite });
        entry.put_flag(b"s", self.supplement);
        entry.put_positive(b"R", self.removal);
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").finish_non_exhaustive()
    }
}

fn read_sending(extra: &[u8]) -> Result<BTreeSet<String>, Malformed> {
    let mut ids = BTreeSet::new();
    let mut reader = Reader::new(extra);
    reader.expect(b'd')?;
    let mut previous = None;
    while let Some(key) = reader.key(previous)? {
        previous = Some(key);
        if key == b"pending_send_ids" {
            reader.expect(b'l')?;
            while !reader.accept(b'e')? {
                ids.insert(text(&mut reader)?);
            }
        } else {
            reader.skip(1)?;
        }
    }
    Ok(ids)
}
