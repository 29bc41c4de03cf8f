//! Posts in communities (docs/protocol/client.md section 4.4): content that is padded but not
//! encrypted. The signature the server asks for is made over these bytes elsewhere.
//!
//! | Stage of clients | Sends | Reads |
//! |---|---|---|
//! | before 2026 | content | content |
//! | 2026 | content with field 17 | content, envelope |
//! | later | envelope | envelope, then content |
//!
//! Sent here: content. Read: both. Tested by `session_protocol.json`.

use core::time::Duration;

use prost::Message;
use session_crypto::Ed25519Secret;
use session_encoding::padding::{pad, unpad};
use session_types::{Signature, Timestamp};

use crate::content_decode::{Parsed, parse};
use crate::envelope::Envelope;
use crate::error::{MAX_CONTENT_SIZE, check_size};
use crate::pro::{ProClaim, ProCredential, evaluate};
use crate::proto::{self, without_field};
use crate::serialise::serialise;
use crate::{Channel, Content, MessageError};

/// How far the time in a post may be from the server's.
const TIME_TOLERANCE: Duration = Duration::from_secs(6 * 3600);

const PRO_SIGNATURE_FIELD: u32 = 17;

/// A post that passed every check which needs no database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// What it says.
    pub content: Content,
    /// What it says about the sender's Pro account.
    pub pro: Option<ProClaim>,
}

/// Makes the `data` of a post.
///
/// # Errors
/// [`MessageError`] when the kind does not travel this way or the content is a copy.
pub fn encode_post(content: &Content, sent_at: Timestamp) -> Result<Vec<u8>, MessageError> {
    Ok(pad_post(
        &serialise(content, Channel::Community, None, sent_at, None)?,
        None,
    ))
}

/// [`encode_post`] for a Pro account.
///
/// # Errors
/// As [`encode_post`].
pub fn encode_post_with_pro(
    content: &Content,
    sent_at: Timestamp,
    pro: &ProCredential,
) -> Result<Vec<u8>, MessageError> {
    let content = serialise(content, Channel::Community, None, sent_at, Some(pro))?;
    Ok(pad_post(&content, Some(pro.rotating())))
}

/// The last steps of [`encode_post`], for content that is serialised already. `rotating` signs
/// the padded content; the signature goes into field 17, which must not be there yet, and the
/// whole is padded again.
#[must_use]
pub fn pad_post(content: &[u8], rotating: Option<&Ed25519Secret>) -> Vec<u8> {
    match rotating {
        Some(key) => {
            let signature = key.sign(&pad(content));
            let field = proto::Content {
                pro_sig_for_community_message_only: Some(signature.as_bytes().to_vec()),
                ..Default::default()
            };
            pad(&[content, &field.encode_to_vec()].concat())
        }
        None => pad(content),
    }
}

/// Reads the `data` of a post that the server received at `posted_at`.
///
/// # Errors
/// [`MessageError`] when the post is to be dropped.
pub fn decode_post(data: &[u8], posted_at: Timestamp) -> Result<Post, MessageError> {
    decode(data, posted_at, Channel::Community)
}

pub(crate) fn decode(
    data: &[u8],
    posted_at: Timestamp,
    channel: Channel,
) -> Result<Post, MessageError> {
    check_size(data, MAX_CONTENT_SIZE)?;
    let envelope = Envelope::decode(data).ok();
    let padded = envelope.as_ref().map_or(data, |envelope| &envelope.content);
    let serialised = unpad(padded);
    let Parsed {
        content,
        pro,
        community_signature,
    } = parse(serialised, posted_at)?;
    if content
        .sig_timestamp
        .is_some_and(|time| time.distance(posted_at) > TIME_TOLERANCE)
    {
        return Err(MessageError::TimestampMismatch);
    }
    if content.sync_target.is_some() {
        return Err(MessageError::ForeignSyncTarget);
    }
    if !channel.carries(&content.kind) {
        return Err(MessageError::NotAllowed {
            kind: content.kind.name(),
            channel,
        });
    }
    let inside = community_signature
        .map(|bytes| Signature::try_from(bytes.as_slice()))
        .transpose()
        .map_err(|_| MessageError::Missing("pro signature"))?;
    let time = Some(content.sig_timestamp.unwrap_or(posted_at));
    let pro = match (
        envelope
            .as_ref()
            .and_then(|envelope| envelope.pro_signature),
        inside,
    ) {
        (Some(_), Some(_)) => return Err(MessageError::ProProof),
        (Some(signature), None) => evaluate(pro, Some(signature), padded.to_vec(), time)?,
        (None, Some(signature)) => {
            let signed = pad(&without_field(serialised, PRO_SIGNATURE_FIELD)?);
            evaluate(pro, Some(signature), signed, time)?
        }
        (None, None) => None,
    };
    Ok(Post { content, pro })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Typing;
    use crate::proto::envelope::Type;

    const SENT_AT: Timestamp = Timestamp::from_ms(1_700_000_000_000);

    #[test]
    fn six_hours_either_way() {
        let data = encode_post(&Content::text("hello").unwrap(), SENT_AT).unwrap();
        assert_eq!(data.len(), 160);
        for (posted_at, good) in [
            (SENT_AT.plus(TIME_TOLERANCE), true),
            (SENT_AT.minus(TIME_TOLERANCE), true),
            (
                SENT_AT.plus(TIME_TOLERANCE).plus(Duration::from_millis(1)),
                false,
            ),
            (
                SENT_AT
                    .minus(TIME_TOLERANCE)
                    .minus(Duration::from_millis(1)),
                false,
            ),
        ] {
            assert_eq!(decode_post(&data, posted_at).is_ok(), good);
        }
    }

    #[test]
    fn the_envelope_form_is_read_too() {
        let content = Content::text("hello").unwrap();
        let padded = encode_post(&content, SENT_AT).unwrap();
        let enveloped = Envelope::encode(Type::SessionMessage, SENT_AT, padded.clone(), None);
        assert_eq!(
            decode_post(&enveloped, SENT_AT).unwrap(),
            decode_post(&padded, SENT_AT).unwrap()
        );
    }

    #[test]
    fn what_does_not_belong_into_a_community() {
        let typing = Content::from(Typing::Started);
        assert!(encode_post(&typing, SENT_AT).is_err());
        assert!(decode_post(&pad(&typing.encode(SENT_AT)), SENT_AT).is_err());
    }
}
