//! Message requests through a community, between blinded ids (docs/protocol/client.md
//! section 4.5): the bytes of a post, encrypted for one reader.
//!
//! Tested by `session_protocol.json`.

use rand_core::CryptoRng;
use session_crypto::blinded_message;
use session_crypto::{AccountKeys, BlindedId};
use session_types::{Timestamp, X25519PublicKey};

use crate::community::{self, Post, pad_post};
use crate::error::{MAX_CONTENT_SIZE, check_size};
use crate::pro::ProCredential;
use crate::serialise::serialise;
use crate::{Channel, Content, Incoming, MessageError};

/// Makes the `message` for the inbox of `recipient` in the community with the key `server`. The
/// sender appears under the blinded id of the same form.
///
/// # Errors
/// [`MessageError`] when the kind does not travel this way, the content is a copy, or the
/// recipient's id is no usable key.
pub fn encode_inbox(
    content: &Content,
    sender: &AccountKeys,
    recipient: &BlindedId,
    server: &X25519PublicKey,
    sent_at: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, MessageError> {
    let padded = pad_post(
        &serialise(content, Channel::Inbox, None, sent_at, None)?,
        None,
    );
    let account = sender.ed25519();
    Ok(blinded_message::encrypt(
        account, recipient, server, &padded, rng,
    )?)
}

/// [`encode_inbox`] for a Pro account.
///
/// # Errors
/// As [`encode_inbox`].
pub fn encode_inbox_with_pro(
    content: &Content,
    sender: &AccountKeys,
    recipient: &BlindedId,
    server: &X25519PublicKey,
    sent_at: Timestamp,
    pro: &ProCredential,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, MessageError> {
    let padded = pad_post(
        &serialise(content, Channel::Inbox, None, sent_at, Some(pro))?,
        Some(pro.rotating()),
    );
    let account = sender.ed25519();
    Ok(blinded_message::encrypt(
        account, recipient, server, &padded, rng,
    )?)
}

/// Reads a message from the inbox, or one of the own from the outbox. The ids must be given
/// exactly as the community delivers them; `posted_at` is its time and that of the result. The
/// sender of the result is the account behind the blinded id.
///
/// # Errors
/// [`MessageError`] when the message is to be dropped.
pub fn decode_inbox(
    data: &[u8],
    own: &AccountKeys,
    server: &X25519PublicKey,
    sender: &BlindedId,
    recipient: &BlindedId,
    posted_at: Timestamp,
) -> Result<Incoming, MessageError> {
    check_size(data, MAX_CONTENT_SIZE)?;
    let opened = blinded_message::decrypt(own.ed25519(), server, sender, recipient, data)?;
    let Post { content, pro } = community::decode(&opened.plaintext, posted_at, Channel::Inbox)?;
    Ok(Incoming {
        sender: opened.sender,
        sent_at: posted_at,
        content,
        pro,
    })
}
