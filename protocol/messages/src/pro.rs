//! Session Pro in messages: what a sender adds and what a reader makes of it
//! (docs/protocol/messages.md section 8, crypto.md section 17).

mod claim;
mod proof;

pub(crate) use claim::evaluate;
pub use claim::{ProClaim, ProStatus};
pub use proof::ProProof;
pub use session_crypto::pro::{MessageFeatures, ProfileFeatures, Proof, Proof2025};

use core::fmt;

use session_crypto::Ed25519Secret;

use crate::{BuildError, Content, ContentKind, proto};

/// What a Pro account sends with: its rotating key and the backend's proof for that key.
pub struct ProCredential {
    rotating: Ed25519Secret,
    proof: ProProof,
    features: ProfileFeatures,
}

impl ProCredential {
    /// Joins key and proof.
    ///
    /// # Errors
    /// [`BuildError::Form`] when the proof is for another key.
    pub fn new(
        rotating: Ed25519Secret,
        proof: ProProof,
        features: ProfileFeatures,
    ) -> Result<Self, BuildError> {
        if rotating.public() == proof.rotating() {
            Ok(Self {
                rotating,
                proof,
                features,
            })
        } else {
            Err(BuildError::Form("pro proof"))
        }
    }

    /// The key that signs messages.
    pub(crate) fn rotating(&self) -> &Ed25519Secret {
        &self.rotating
    }

    /// Field 16 of a content.
    pub(crate) fn to_wire(&self, content: &Content) -> proto::ProMessage {
        let body = match content.kind() {
            ContentKind::Visible(message) => message.body(),
            _ => None,
        };
        let features = match body {
            Some(body) if body.is_long() => MessageFeatures::LONG_TEXT,
            _ => MessageFeatures::default(),
        };
        proto::ProMessage {
            proof: Some(self.proof.to_wire()),
            profile_bitset: Some(self.features.bits()),
            message_bitset: Some(features.bits()),
        }
    }
}

impl fmt::Debug for ProCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProCredential").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_need_the_key_of_the_proof() {
        let backend = Ed25519Secret::from_seed([1; 32]);
        let rotating = Ed25519Secret::from_seed([2; 32]);
        let proof = ProProof::Newest(Proof::issue(&backend, [3; 32], *rotating.public(), 5));
        let with = |seed| {
            let key = Ed25519Secret::from_seed(seed);
            ProCredential::new(key, proof.clone(), ProfileFeatures::default())
        };
        assert!(with([3; 32]).is_err());
        assert_eq!(
            format!("{:?}", with([2; 32]).unwrap()),
            "ProCredential { .. }"
        );
    }
}
