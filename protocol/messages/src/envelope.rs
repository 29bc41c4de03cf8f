//! Request frame and envelope.

use prost::Message;
use session_types::{Signature, Timestamp};

use crate::proto::envelope::Type;
use crate::{MessageError, proto};

/// Length of an envelope's `source` when there is one.
const SOURCE_LEN: usize = 66;

/// What is known of a message before its content is opened (docs/protocol/messages.md
/// section 2).
///
/// | Field | Type | Meaning |
/// |---|---|---|
/// | 1 type | enum | 6: sealed content; 7: plain content, inside a group |
/// | 2 source | string | not sent; empty or 66 characters |
/// | 5 timestamp | uint64 | sending time in ms |
/// | 7 sourceDevice | uint32 | written as 1 |
/// | 8 content | bytes | |
/// | 11 proSig | bytes | 64: signature of the rotating Pro key, or a decoy |
pub(crate) struct Envelope {
    pub(crate) sent_at: Timestamp,
    pub(crate) content: Vec<u8>,
    pub(crate) pro_signature: Option<Signature>,
}

impl Envelope {
    /// An envelope of the given form, serialised.
    pub(crate) fn encode(
        kind: Type,
        sent_at: Timestamp,
        content: Vec<u8>,
        pro_signature: Option<&Signature>,
    ) -> Vec<u8> {
        proto::Envelope {
            r#type: Some(kind.into()),
            source: None,
            timestamp: Some(sent_at.as_ms()),
            source_device: Some(1),
            content: Some(content),
            server_timestamp: None,
            pro_sig: pro_signature.map(|signature| signature.as_bytes().to_vec()),
        }
        .encode_to_vec()
    }

    /// Reads an envelope. Its type says nothing that the namespace does not, but must be known.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        let wire = proto::Envelope::decode(bytes).map_err(|source| MessageError::Frame {
            part: "envelope",
            source,
        })?;
        if wire.r#type.is_none_or(|kind| Type::try_from(kind).is_err()) {
            return Err(MessageError::Missing("envelope type"));
        }
        if wire
            .source
            .is_some_and(|source| !source.is_empty() && source.len() != SOURCE_LEN)
        {
            return Err(MessageError::Missing("envelope source"));
        }
        let pro_signature = wire
            .pro_sig
            .map(|signature| Signature::try_from(signature.as_slice()))
            .transpose()
            .map_err(|_| MessageError::Missing("envelope signature"))?;
        Ok(Self {
            sent_at: wire
                .timestamp
                .map(Timestamp::from_ms)
                .ok_or(MessageError::Missing("envelope timestamp"))?,
            content: wire
                .content
                .ok_or(MessageError::Missing("envelope content"))?,
            pro_signature,
        })
    }
}

/// Puts an envelope into the outer frame (docs/protocol/messages.md section 1):
/// `08 01 12 len 0a 00 12 00 1a len envelope 20 00`.
///
/// | Field | Type | Meaning |
/// |---|---|---|
/// | 1 type | enum | 1, request |
/// | 2 request | message | below |
///
/// | Field of request | Type | Meaning |
/// |---|---|---|
/// | 1 verb | string | empty |
/// | 2 path | string | empty |
/// | 3 body | bytes | the envelope |
/// | 4 id | uint64 | 0 |
pub(crate) fn frame(envelope: Vec<u8>) -> Vec<u8> {
    proto::WebSocketMessage {
        r#type: Some(proto::web_socket_message::Type::Request.into()),
        request: Some(proto::WebSocketRequestMessage {
            verb: Some(String::new()),
            path: Some(String::new()),
            body: Some(envelope),
            request_id: Some(0),
            headers: Vec::new(),
        }),
        response: None,
    }
    .encode_to_vec()
}

/// The envelope inside the outer frame; nothing else of the frame is looked at.
pub(crate) fn unframe(data: &[u8]) -> Result<Vec<u8>, MessageError> {
    let wire = proto::WebSocketMessage::decode(data).map_err(|source| MessageError::Frame {
        part: "request frame",
        source,
    })?;
    wire.request
        .and_then(|request| request.body)
        .ok_or(MessageError::Missing("request body"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(change: impl FnOnce(&mut proto::Envelope)) -> Result<Envelope, MessageError> {
        let mut wire = proto::Envelope {
            r#type: Some(6),
            timestamp: Some(5),
            content: Some(vec![1]),
            ..Default::default()
        };
        change(&mut wire);
        Envelope::decode(&wire.encode_to_vec())
    }

    #[test]
    fn canonical_bytes() {
        let signature = Signature::new([7; 64]);
        let envelope = Envelope::encode(
            Type::SessionMessage,
            Timestamp::from_ms(5),
            vec![9, 9],
            Some(&signature),
        );
        let mut expected = vec![8, 6, 0x28, 5, 0x38, 1, 0x42, 2, 9, 9, 0x5a, 64];
        expected.extend([7; 64]);
        assert_eq!(envelope, expected);
        let framed = frame(vec![1, 2, 3]);
        assert_eq!(
            framed,
            [8, 1, 0x12, 11, 0x0a, 0, 0x12, 0, 0x1a, 3, 1, 2, 3, 0x20, 0]
        );
        assert_eq!(unframe(&framed).unwrap(), [1, 2, 3]);
    }

    #[test]
    fn what_an_envelope_needs() {
        assert!(wire(|_| ()).is_ok());
        assert!(wire(|e| e.r#type = Some(7)).is_ok());
        assert!(wire(|e| e.r#type = Some(1)).is_err());
        assert!(wire(|e| e.r#type = None).is_err());
        assert!(wire(|e| e.timestamp = None).is_err());
        assert!(wire(|e| e.content = None).is_err());
        assert!(wire(|e| e.source = Some(String::new())).is_ok());
        assert!(wire(|e| e.source = Some("0".repeat(66))).is_ok());
        assert!(wire(|e| e.source = Some("0".repeat(65))).is_err());
        assert!(wire(|e| e.pro_sig = Some(vec![0; 64])).is_ok());
        assert!(wire(|e| e.pro_sig = Some(vec![0; 63])).is_err());
        assert!(wire(|e| e.pro_sig = Some(vec![])).is_err());
    }

    #[test]
    fn a_frame_needs_a_body() {
        assert!(unframe(&[8, 1, 0x12, 4, 0x0a, 0, 0x12, 0]).is_err());
        assert!(unframe(&[8, 1]).is_err());
        // The type is not looked at.
        assert_eq!(unframe(&[0x12, 3, 0x1a, 1, 7]).unwrap(), [7]);
    }
}
