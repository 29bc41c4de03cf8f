//! Call signalling.

use core::fmt;

use crate::proto::call_message::Type;
use crate::{BuildError, InvalidContent, proto};

/// One step of a call (docs/protocol/messages.md section 7).
///
/// | Field | Type | Meaning |
/// |---|---|---|
/// | 1 type | enum | required: 6 pre-offer, 1 offer, 2 answer, 4 ICE candidates, 5 end (3 is obsolete) |
/// | 2 sdps | repeated string | offer, answer: one; candidates: one line each |
/// | 3 sdpMLineIndexes | repeated uint32 | candidates only, parallel to 2 |
/// | 4 sdpMids | repeated string | candidates only, parallel to 2 |
/// | 5 uuid | string | required, one per call |
#[derive(Clone, PartialEq, Eq)]
pub enum CallMessage {
    /// The call was accepted.
    Answer {
        /// Which call.
        call: CallId,
        /// Session description.
        sdp: String,
    },
    /// The call has ended or was refused.
    EndCall {
        /// Which call.
        call: CallId,
    },
    /// Addresses under which the sender may be reached.
    IceCandidates {
        /// Which call.
        call: CallId,
        /// The candidates.
        candidates: Vec<IceCandidate>,
    },
    /// The call is offered, or negotiated again.
    Offer {
        /// Which call.
        call: CallId,
        /// Session description.
        sdp: String,
    },
    /// An offer follows.
    PreOffer {
        /// Which call.
        call: CallId,
    },
}

/// One address of a call partner.
#[derive(Clone, PartialEq, Eq)]
pub struct IceCandidate {
    /// The candidate line.
    pub sdp: String,
    /// Index of the media line.
    pub media_line: u32,
    /// Name of the media part.
    pub media_id: String,
}

/// Names a call attempt: the text form of a UUID, kept as it was written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(String);

impl CallId {
    /// Checks the 8-4-4-4-12 form.
    ///
    /// # Errors
    /// [`BuildError::Form`] for any other text.
    pub fn new(uuid: impl Into<String>) -> Result<Self, BuildError> {
        let uuid = uuid.into();
        let right = uuid.len() == 36
            && uuid.bytes().enumerate().all(|(index, byte)| match index {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            });
        if right {
            Ok(Self(uuid))
        } else {
            Err(BuildError::Form("call id"))
        }
    }

    /// A new id (UUID version 4) from 16 random bytes.
    #[must_use]
    pub fn from_random(random: [u8; 16]) -> Self {
        const VERSION: u128 = 0xf << 76;
        const VARIANT: u128 = 0x3 << 62;
        let number = u128::from_be_bytes(random) & !(VERSION | VARIANT) | 0x4 << 76 | 0x2 << 62;
        let part = |shift: u32, digits: u32| (number >> shift) & ((1u128 << (4 * digits)) - 1);
        Self(format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            part(96, 8),
            part(80, 4),
            part(64, 4),
            part(48, 4),
            part(0, 12),
        ))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallId({})", self.0)
    }
}

impl fmt::Debug for IceCandidate {
    /// Candidates hold network addresses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceCandidate").finish_non_exhaustive()
    }
}

impl CallMessage {
    /// Which call this belongs to.
    #[must_use]
    pub fn call(&self) -> &CallId {
        match self {
            Self::Answer { call, .. }
            | Self::EndCall { call }
            | Self::IceCandidates { call, .. }
            | Self::Offer { call, .. }
            | Self::PreOffer { call } => call,
        }
    }

    /// Whether own devices get a copy: the two steps that end the ringing on all of them.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        matches!(self, Self::Answer { .. } | Self::EndCall { .. })
    }

    pub(crate) fn from_wire(message: proto::CallMessage) -> Result<Self, InvalidContent> {
        let kind = message
            .r#type
            .and_then(|kind| Type::try_from(kind).ok())
            .ok_or(InvalidContent::Missing("call.type"))?;
        let uuid = message.uuid.ok_or(InvalidContent::Missing("call.uuid"))?;
        let call = CallId::new(uuid).map_err(|_| InvalidContent::BadValue("call.uuid"))?;
        let one = |sdps: Vec<String>| match <[String; 1]>::try_from(sdps) {
            Ok([sdp]) => Ok(sdp),
            Err(_) => Err(InvalidContent::BadValue("call.sdps")),
        };
        match kind {
            Type::Answer => Ok(Self::Answer {
                call,
                sdp: one(message.sdps)?,
            }),
            Type::EndCall => Ok(Self::EndCall { call }),
            Type::IceCandidates => {
                let count = message.sdps.len();
                if message.sdp_m_line_indexes.len() != count || message.sdp_mids.len() != count {
                    return Err(InvalidContent::BadValue("call.sdps"));
                }
                let candidates = message
                    .sdps
                    .into_iter()
                    .zip(message.sdp_m_line_indexes)
                    .zip(message.sdp_mids)
                    .map(|((sdp, media_line), media_id)| IceCandidate {
                        sdp,
                        media_line,
                        media_id,
                    })
                    .collect();
                Ok(Self::IceCandidates { call, candidates })
            }
            Type::Offer => Ok(Self::Offer {
                call,
                sdp: one(message.sdps)?,
            }),
            Type::PreOffer => Ok(Self::PreOffer { call }),
            Type::ProvisionalAnswer => Err(InvalidContent::Obsolete("provisional answer")),
        }
    }

    pub(crate) fn to_wire(&self) -> proto::CallMessage {
        let mut wire = proto::CallMessage {
            uuid: Some(self.call().as_str().to_owned()),
            ..Default::default()
        };
        let kind = match self {
            Self::Answer { sdp, .. } => {
                wire.sdps.push(sdp.clone());
                Type::Answer
            }
            Self::EndCall { .. } => Type::EndCall,
            Self::IceCandidates { candidates, .. } => {
                for candidate in candidates {
                    wire.sdps.push(candidate.sdp.clone());
                    wire.sdp_m_line_indexes.push(candidate.media_line);
                    wire.sdp_mids.push(candidate.media_id.clone());
                }
                Type::IceCandidates
            }
            Self::Offer { sdp, .. } => {
                wire.sdps.push(sdp.clone());
                Type::Offer
            }
            Self::PreOffer { .. } => Type::PreOffer,
        };
        wire.r#type = Some(kind.into());
        wire
    }
}

impl fmt::Debug for CallMessage {
    /// Descriptions and candidates hold network addresses and keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Answer { .. } => "Answer",
            Self::EndCall { .. } => "EndCall",
            Self::IceCandidates { .. } => "IceCandidates",
            Self::Offer { .. } => "Offer",
            Self::PreOffer { .. } => "PreOffer",
        };
        f.debug_struct(name)
            .field("call", self.call())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "f81d4fae-7dec-41d0-a765-00a0c91e6bf6";

    fn wire(kind: Type, sdps: usize, lines: usize, mids: usize) -> proto::CallMessage {
        proto::CallMessage {
            r#type: Some(kind.into()),
            sdps: vec!["candidate:1".into(); sdps],
            sdp_m_line_indexes: vec![0; lines],
            sdp_mids: vec!["0".into(); mids],
            uuid: Some(UUID.into()),
        }
    }

    #[test]
    fn list_lengths_must_agree() {
        assert!(CallMessage::from_wire(wire(Type::IceCandidates, 2, 2, 2)).is_ok());
        for (sdps, lines, mids) in [(2, 2, 1), (2, 1, 2), (1, 2, 2)] {
            assert_eq!(
                CallMessage::from_wire(wire(Type::IceCandidates, sdps, lines, mids)),
                Err(InvalidContent::BadValue("call.sdps"))
            );
        }
        for kind in [Type::Offer, Type::Answer] {
            assert!(CallMessage::from_wire(wire(kind, 1, 0, 0)).is_ok());
            assert!(CallMessage::from_wire(wire(kind, 0, 0, 0)).is_err());
            assert!(CallMessage::from_wire(wire(kind, 2, 0, 0)).is_err());
        }
        assert!(CallMessage::from_wire(wire(Type::PreOffer, 0, 0, 0)).is_ok());
        assert_eq!(
            CallMessage::from_wire(wire(Type::ProvisionalAnswer, 1, 0, 0)),
            Err(InvalidContent::Obsolete("provisional answer"))
        );
    }

    #[test]
    fn call_ids() {
        assert!(CallId::new(UUID).is_ok());
        assert!(CallId::new(UUID.to_uppercase()).is_ok());
        assert!(CallId::new(UUID.replace('-', "")).is_err());
        assert!(CallId::new(UUID.replace('f', "g")).is_err());
        let id = CallId::from_random([0xff; 16]);
        assert_eq!(id.as_str(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert!(CallId::new(id.as_str()).is_ok());
        assert_eq!(
            CallId::from_random([0; 16]).as_str(),
            "00000000-0000-4000-8000-000000000000"
        );
    }

    #[test]
    fn debug_shows_no_addresses() {
        let call = CallId::new(UUID).unwrap();
        let offer = CallMessage::Offer {
            call,
            sdp: "c=IN IP4 192.0.2.1".into(),
        };
        assert_eq!(
            format!("{offer:?}"),
            format!("Offer {{ call: CallId({UUID}), .. }}")
        );
    }
}
