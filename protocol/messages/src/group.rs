//! Messages in groups, namespace 11 (docs/protocol/client.md section 4.3).
//!
//! | Step | Bytes |
//! |---|---|
//! | 1 | content, not padded |
//! | 2 | envelope of type 7 around the plain content, with `proSig` over it |
//! | 3 | signed, compressed when shorter, padded and encrypted with the group's key: what is stored |
//!
//! Tested by `session_protocol.json` and the example of docs/protocol/client.md section 4.7.

use rand_core::CryptoRng;
use session_crypto::group_message::{self, Framing};
use session_crypto::pro::decoy_signature;
use session_crypto::{AccountKeys, Ed25519Secret};
use session_types::limits::MAX_MESSAGE_SIZE;
use session_types::{AccountId, GroupId, Signature, Timestamp};

use crate::content_decode::{Parsed, parse};
use crate::envelope::Envelope;
use crate::error::check_size;
use crate::pro::{ProCredential, evaluate};
use crate::proto::envelope::Type;
use crate::serialise::serialise;
use crate::{Channel, Content, ContentKind, Incoming, MessageError};

/// Makes the bytes to store for a message in a group; `key` is the group's newest.
///
/// # Errors
/// [`MessageError`] when the kind does not travel this way, the content is a copy, or the message
/// is too large.
pub fn encode_group(
    content: &Content,
    sender: &AccountKeys,
    group: &GroupId,
    key: &[u8; 32],
    sent_at: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, MessageError> {
    let content = serialise(content, Channel::Group, None, sent_at, None)?;
    seal_group(&content, sender, group, key, sent_at, None, rng)
}

/// [`encode_group`] for a Pro account.
///
/// # Errors
/// As [`encode_group`].
pub fn encode_group_with_pro(
    content: &Content,
    sender: &AccountKeys,
    group: &GroupId,
    key: &[u8; 32],
    sent_at: Timestamp,
    pro: &ProCredential,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, MessageError> {
    let content = serialise(content, Channel::Group, None, sent_at, Some(pro))?;
    let rotating = Some(pro.rotating());
    seal_group(&content, sender, group, key, sent_at, rotating, rng)
}

/// The last steps of [`encode_group`], for content that is serialised already. `rotating` is the
/// Pro key that signs; without one a decoy stands in its place. The decoy is drawn first, then
/// the nonce.
///
/// # Errors
/// [`MessageError`] when the message is too large.
pub fn seal_group(
    content: &[u8],
    sender: &AccountKeys,
    group: &GroupId,
    key: &[u8; 32],
    sent_at: Timestamp,
    rotating: Option<&Ed25519Secret>,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, MessageError> {
    check_size(content, group_message::MAX_PLAINTEXT)?;
    let signature = match rotating {
        Some(key) => key.sign(content),
        None => decoy_signature(rng),
    };
    let envelope = Envelope::encode(
        Type::ClosedGroupMessage,
        sent_at,
        content.to_vec(),
        Some(&signature),
    );
    check_size(&envelope, group_message::MAX_PLAINTEXT)?;
    let framing = Framing::default();
    let data = group_message::encrypt(
        sender.ed25519(),
        group.ed25519(),
        key,
        &envelope,
        framing,
        rng,
    )?;
    check_size(&data, MAX_MESSAGE_SIZE)?;
    Ok(data)
}

/// What [`open_group`] finds.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenedGroup {
    /// Who wrote it.
    pub sender: AccountId,
    /// The envelope's time.
    pub sent_at: Timestamp,
    /// The serialised content.
    pub content: Vec<u8>,
    /// `proSig`: a signature over [`Self::content`], or a decoy.
    pub pro_signature: Option<Signature>,
}

impl core::fmt::Debug for OpenedGroup {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("OpenedGroup")
            .field("sent_at", &self.sent_at)
            .finish_non_exhaustive()
    }
}

/// The first steps of [`decode_group`]: encryption, signature, compression, envelope.
///
/// # Errors
/// [`MessageError`] when one of them fails.
pub fn open_group<'k>(
    data: &[u8],
    group: &GroupId,
    keys: impl IntoIterator<Item = &'k [u8; 32]>,
) -> Result<OpenedGroup, MessageError> {
    check_size(data, MAX_MESSAGE_SIZE)?;
    let opened = group_message::decrypt(keys, group.ed25519(), data)?;
    let envelope = Envelope::decode(&opened.plaintext)?;
    Ok(OpenedGroup {
        sender: opened.sender,
        sent_at: envelope.sent_at,
        content: envelope.content,
        pro_signature: envelope.pro_signature,
    })
}

/// Reads the bytes of a message in a group, with any of the group's `keys`, newest first, and
/// applies every rule that needs no database (docs/protocol/client.md sections 4.3, 4.6 and 6.7).
/// What admins do is checked with the group's key; a deletion without an admin's signature is
/// reduced to what the sender may ask for, and its hashes count only for messages of the sender.
///
/// # Errors
/// [`MessageError`] when the message is to be dropped.
pub fn decode_group<'k>(
    data: &[u8],
    group: &GroupId,
    keys: impl IntoIterator<Item = &'k [u8; 32]>,
) -> Result<Incoming, MessageError> {
    let opened = open_group(data, group, keys)?;
    let OpenedGroup {
        sender,
        sent_at,
        content,
        pro_signature,
    } = opened;
    let Parsed {
        content: mut checked,
        pro,
        ..
    } = parse(&content, sent_at)?;
    if checked.sig_timestamp.is_some_and(|time| time != sent_at) {
        return Err(MessageError::TimestampMismatch);
    }
    if checked.sync_target.is_some() {
        return Err(MessageError::ForeignSyncTarget);
    }
    let channel = Channel::Group;
    if !channel.carries(&checked.kind) {
        return Err(MessageError::NotAllowed {
            kind: checked.kind.name(),
            channel,
        });
    }
    if let ContentKind::GroupUpdate(update) = &mut checked.kind {
        update.check_in_group(group, &sender, sent_at)?;
    }
    checked.expiration = checked.expiration.counted_from_sending();
    let pro = evaluate(pro, pro_signature, content, checked.sig_timestamp)?;
    Ok(Incoming {
        sender,
        sent_at,
        content: checked,
        pro,
    })
}
