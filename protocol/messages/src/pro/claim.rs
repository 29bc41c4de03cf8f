use core::fmt;

use session_crypto::pro::{MessageFeatures, ProfileFeatures, ProofStatus};
use session_types::{Ed25519PublicKey, Signature, Timestamp};

use super::ProProof;
use crate::{MessageError, proto};

/// What a received message says about its sender's Pro account. Nothing of it is to be believed
/// before [`ProClaim::status`] says that it is valid.
#[derive(Clone, PartialEq, Eq)]
pub struct ProClaim {
    /// The proof; absent from claims that can only be invalid.
    pub proof: Option<ProProof>,
    /// Features of the profile.
    pub profile_features: ProfileFeatures,
    /// Features of the message.
    pub message_features: MessageFeatures,
    signed: Vec<u8>,
    signature: Signature,
    message_time: Timestamp,
}

/// What a claim is worth (docs/protocol/crypto.md section 17).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProStatus {
    /// Everything holds, but the message was sent after the proof's end.
    Expired,
    /// The backend did not sign the proof.
    InvalidBackendSignature,
    /// There is no proof.
    InvalidProof,
    /// The proof's key did not sign the message.
    InvalidUserSignature,
    /// The sender has Pro.
    Valid,
}

impl ProClaim {
    /// Judges the claim by the backend's key: first the backend's signature, then the sender's,
    /// then the end of the proof, at the time of the message. Revocation is not looked at.
    #[must_use]
    pub fn status(&self, backend: &Ed25519PublicKey) -> ProStatus {
        let Some(proof) = &self.proof else {
            return ProStatus::InvalidProof;
        };
        match proof.status(backend, &self.signed, &self.signature, self.message_time) {
            ProofStatus::InvalidBackendSignature => ProStatus::InvalidBackendSignature,
            ProofStatus::InvalidUserSignature => ProStatus::InvalidUserSignature,
            ProofStatus::Valid => ProStatus::Valid,
            ProofStatus::Expired => ProStatus::Expired,
        }
    }
}

impl fmt::Debug for ProClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProClaim")
            .field("profile_features", &self.profile_features)
            .field("message_features", &self.message_features)
            .finish_non_exhaustive()
    }
}

/// Reads field 16 of a content beside the signature that came with it. Without a signature the
/// field is ignored; with one it needs a time, and its proof must be of the right form.
pub(crate) fn evaluate(
    message: Option<proto::ProMessage>,
    signature: Option<Signature>,
    signed: Vec<u8>,
    sig_timestamp: Option<Timestamp>,
) -> Result<Option<ProClaim>, MessageError> {
    let Some((message, signature)) = message.zip(signature) else {
        return Ok(None);
    };
    let message_time = sig_timestamp
        .filter(|time| time.as_ms() != 0)
        .ok_or(MessageError::ProProof)?;
    let bits = |bits: Option<u64>| bits.unwrap_or_default();
    Ok(Some(ProClaim {
        proof: message
            .proof
            .as_ref()
            .map(ProProof::from_wire)
            .transpose()?,
        profile_features: ProfileFeatures::from_bits(bits(message.profile_bitset)),
        message_features: MessageFeatures::from_bits(bits(message.message_bitset)),
        signed,
        signature,
        message_time,
    }))
}

#[cfg(test)]
mod tests {
    use session_crypto::Ed25519Secret;

    use super::*;

    #[test]
    fn what_is_ignored_and_what_is_dropped() {
        let key = Ed25519Secret::from_seed([1; 32]);
        let signature = Some(key.sign(b"content"));
        let at = Some(Timestamp::from_ms(5));
        let message = || Some(proto::ProMessage::default());
        let read = |message, signature, at| evaluate(message, signature, b"content".to_vec(), at);
        assert_eq!(read(None, signature, at).unwrap(), None);
        assert_eq!(read(message(), None, None).unwrap(), None);
        let claim = read(message(), signature, at).unwrap().unwrap();
        assert_eq!(claim.status(key.public()), ProStatus::InvalidProof);
        assert!(read(message(), signature, None).is_err());
        assert!(read(message(), signature, Some(Timestamp::from_ms(0))).is_err());
        let malformed = proto::ProMessage {
            proof: Some(proto::ProProof::default()),
            ..Default::default()
        };
        assert!(read(Some(malformed), signature, at).is_err());
    }
}
