//! Messages from account to account and copies to oneself, namespace 0
//! (docs/protocol/client.md section 4.2).
//!
//! | Step | Bytes |
//! |---|---|
//! | 1 | content, padded to a multiple of 160 |
//! | 2 | signed and sealed to the recipient |
//! | 3 | envelope of type 6 with `proSig` |
//! | 4 | request frame: what is stored |
//!
//! Tested by `session_protocol.json` and the example of docs/protocol/client.md section 4.7.

use rand_core::CryptoRng;
use session_crypto::pro::decoy_signature;
use session_crypto::{AccountKeys, Ed25519Secret, direct};
use session_encoding::padding::{pad, unpad};
use session_types::limits::{MAX_BODY_CHARS, MAX_MESSAGE_SIZE};
use session_types::{AccountId, Ed25519PublicKey, Signature, Timestamp};

use crate::content_decode::{Parsed, parse};
use crate::envelope::{Envelope, frame, unframe};
use crate::error::check_size;
use crate::pro::{ProClaim, ProCredential, ProStatus, evaluate};
use crate::proto::envelope::Type;
use crate::serialise::serialise;
use crate::{Channel, Content, ContentKind, GroupUpdate, MessageError};

/// First byte of messages of the later protocol with changing keys.
const NEWER_PROTOCOL: u8 = 0;

/// A received message that passed every check which needs no database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Who wrote it, proven by signature.
    pub sender: AccountId,
    /// When it was sent, by the sender's word.
    pub sent_at: Timestamp,
    /// What it says.
    pub content: Content,
    /// What it says about the sender's Pro account.
    pub pro: Option<ProClaim>,
}

impl Incoming {
    /// Whose one-to-one conversation the message belongs to: the recipient of an own message,
    /// the sender of any other. Messages from a group belong to the group instead.
    #[must_use]
    pub fn conversation(&self) -> &AccountId {
        self.content.sync_target().unwrap_or(&self.sender)
    }

    /// Judges the Pro claim by the backend's key and cuts the text to 2,000 code points unless
    /// it is valid: the rule after the launch of Pro, before which every text of up to 10,000
    /// is shown.
    pub fn apply_pro_limit(&mut self, backend: &Ed25519PublicKey) -> Option<ProStatus> {
        let status = self.pro.as_ref().map(|claim| claim.status(backend));
        if status != Some(ProStatus::Valid)
            && let ContentKind::Visible(message) = &mut self.content.kind
        {
            message.cut_body(MAX_BODY_CHARS);
        }
        status
    }
}

/// Makes the bytes to store for a message to `recipient`. A message to oneself is a copy when
/// it names a recipient ([`Content::sync_copy`]), else a note to oneself.
///
/// # Errors
/// [`MessageError`] when the kind does not travel this way, when the content does not fit its
/// sender and recipient, when the recipient's key cannot be used or the message is too large.
pub fn encode_direct(
    content: &Content,
    sender: &AccountKeys,
    recipient: &AccountId,
    sent_at: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, MessageError> {
    let content = prepare(content, sender, recipient, sent_at, None)?;
    seal_direct(&content, sender, recipient, sent_at, None, rng)
}

/// [`encode_direct`] for a Pro account.
///
/// # Errors
/// As [`encode_direct`].
pub fn encode_direct_with_pro(
    content: &Content,
    sender: &AccountKeys,
    recipient: &AccountId,
    sent_at: Timestamp,
    pro: &ProCredential,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, MessageError> {
    let content = prepare(content, sender, recipient, sent_at, Some(pro))?;
    seal_direct(
        &content,
        sender,
        recipient,
        sent_at,
        Some(pro.rotating()),
        rng,
    )
}

/// [`encode_direct`] without randomness: the ephemeral key follows from sender, recipient and
/// content, and `proSig` is zeros. For examples and comparisons; it shows observers that there
/// is no signature, and equal messages give equal bytes.
///
/// # Errors
/// As [`encode_direct`].
pub fn encode_direct_deterministic(
    content: &Content,
    sender: &AccountKeys,
    recipient: &AccountId,
    sent_at: Timestamp,
) -> Result<Vec<u8>, MessageError> {
    let content = pad(&prepare(content, sender, recipient, sent_at, None)?);
    let sealed = direct::encrypt_deterministic(sender.ed25519(), recipient.x25519(), &content)?;
    wrap(sealed, sent_at, &Signature::new([0; 64]))
}

/// The last steps of [`encode_direct`], for content that is serialised already. `rotating` is
/// the Pro key that signs; without one a decoy stands in its place. The ephemeral key is drawn
/// first, then the decoy.
///
/// # Errors
/// [`MessageError`] when the recipient's key cannot be used or the message is too large.
pub fn seal_direct(
    content: &[u8],
    sender: &AccountKeys,
    recipient: &AccountId,
    sent_at: Timestamp,
    rotating: Option<&Ed25519Secret>,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, MessageError> {
    let sealed = direct::encrypt(sender.ed25519(), recipient.x25519(), &pad(content), rng)?;
    let signature = match rotating {
        Some(key) => key.sign(&sealed),
        None => decoy_signature(rng),
    };
    wrap(sealed, sent_at, &signature)
}

/// What [`open_direct`] finds.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenedDirect {
    /// Who wrote it.
    pub sender: AccountId,
    /// The envelope's time.
    pub sent_at: Timestamp,
    /// The serialised content, without padding.
    pub content: Vec<u8>,
    /// `proSig`: a signature over [`Self::sealed`], or a decoy.
    pub pro_signature: Option<Signature>,
    /// The sealed content as it stood in the envelope.
    pub sealed: Vec<u8>,
}

impl core::fmt::Debug for OpenedDirect {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("OpenedDirect")
            .field("sent_at", &self.sent_at)
            .finish_non_exhaustive()
    }
}

/// The first steps of [`decode_direct`]: frame, envelope, seal, signature, padding.
///
/// # Errors
/// [`MessageError`] when one of them fails.
pub fn open_direct(data: &[u8], own: &AccountKeys) -> Result<OpenedDirect, MessageError> {
    check_size(data, MAX_MESSAGE_SIZE)?;
    if data.first() == Some(&NEWER_PROTOCOL) {
        return Err(MessageError::NewerProtocol);
    }
    let envelope = Envelope::decode(&unframe(data)?)?;
    let opened = direct::decrypt(own.x25519(), &envelope.content)?;
    Ok(OpenedDirect {
        sender: opened.sender,
        sent_at: envelope.sent_at,
        content: unpad(&opened.plaintext).to_vec(),
        pro_signature: envelope.pro_signature,
        sealed: envelope.content,
    })
}

/// Reads the bytes of a message in namespace 0 of `own` and applies every rule that needs no
/// database (docs/protocol/client.md sections 4.2 and 4.6, rules 4 to 7, 12 and 13; messages.md
/// section 10).
///
/// # Errors
/// [`MessageError`] when the message is to be dropped; [`MessageError::is_quiet`] tells whether
/// that is part of ordinary traffic. Its hash counts as seen in any case.
pub fn decode_direct(data: &[u8], own: &AccountKeys) -> Result<Incoming, MessageError> {
    let OpenedDirect {
        sender,
        sent_at,
        content,
        pro_signature,
        sealed,
    } = open_direct(data, own)?;
    let Parsed {
        mut content, pro, ..
    } = parse(&content, sent_at)?;
    if content.sig_timestamp.is_some_and(|time| time != sent_at) {
        return Err(MessageError::TimestampMismatch);
    }
    let pro = evaluate(pro, pro_signature, sealed, content.sig_timestamp)?;

    let own_id = own.account_id();
    let from_self = sender == own_id;
    let kind = content.kind.name();
    if from_self {
        if !Channel::Sync.carries(&content.kind) {
            return Err(MessageError::FromSelf { kind });
        }
    } else if content.sync_target.is_some() {
        return Err(MessageError::ForeignSyncTarget);
    } else if !Channel::Direct.carries(&content.kind) {
        return Err(MessageError::NotAllowed {
            kind,
            channel: Channel::Direct,
        });
    }
    match &content.kind {
        ContentKind::Unsend(request) if request.author != sender => {
            return Err(MessageError::UnsendByOther);
        }
        ContentKind::GroupUpdate(GroupUpdate::Invite(invite)) => {
            invite.verify(&own_id, sent_at)?;
        }
        _ => {}
    }
    if from_self && content.sync_target.is_none_or(|target| target == own_id) {
        content.expiration = content.expiration.counted_from_sending();
    }
    Ok(Incoming {
        sender,
        sent_at,
        content,
        pro,
    })
}

/// Checks that the content fits sender and recipient, and serialises it.
fn prepare(
    content: &Content,
    sender: &AccountKeys,
    recipient: &AccountId,
    sent_at: Timestamp,
    pro: Option<&ProCredential>,
) -> Result<Vec<u8>, MessageError> {
    let own_id = sender.account_id();
    if let ContentKind::Unsend(request) = &content.kind
        && request.author != own_id
    {
        return Err(MessageError::UnsendByOther);
    }
    if *recipient == own_id {
        let target = content.sync_target.unwrap_or(own_id);
        serialise(content, Channel::Sync, Some(&target), sent_at, pro)
    } else {
        serialise(content, Channel::Direct, None, sent_at, pro)
    }
}

fn wrap(
    sealed: Vec<u8>,
    sent_at: Timestamp,
    pro_signature: &Signature,
) -> Result<Vec<u8>, MessageError> {
    let data = frame(Envelope::encode(
        Type::SessionMessage,
        sent_at,
        sealed,
        Some(pro_signature),
    ));
    check_size(&data, MAX_MESSAGE_SIZE)?;
    Ok(data)
}
