use session_crypto::pro::{Proof, Proof2025, ProofStatus};
use session_types::{Ed25519PublicKey, Signature, Timestamp};

use crate::{MessageError, proto};

/// Expiry values from here on are milliseconds: as seconds they would lie in the year 5138, as
/// milliseconds this is 1973.
const FIRST_MILLISECONDS: u64 = 100_000_000_000;

/// The backend's word that the holder of a key is a Pro account.
///
/// Two generations share the field numbers and are told apart by the size of the expiry.
///
/// | Field | Released 2025 | Newest |
/// |---|---|---|
/// | 1 | version, present and 0 | not used |
/// | 2 | genIndexHash, 32 bytes | revocationTag, 32 bytes |
/// | 3 | rotatingPublicKey, 32 bytes | the same |
/// | 4 | expiry, milliseconds | expiry, seconds |
/// | 5 | signature, 64 bytes | signature, 64 bytes |
///
/// Tested by `session_protocol.json` (newest form).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProProof {
    /// Of clients since July 2026.
    Newest(Proof),
    /// Of clients from 2025 to April 2026.
    Released2025(Proof2025),
}

impl ProProof {
    /// The key that signs the account's messages.
    #[must_use]
    pub fn rotating(&self) -> &Ed25519PublicKey {
        match self {
            Self::Newest(proof) => &proof.rotating,
            Self::Released2025(proof) => &proof.rotating,
        }
    }

    /// What the backend revokes the proof by.
    #[must_use]
    pub fn revocation_tag(&self) -> &[u8; 32] {
        match self {
            Self::Newest(proof) => &proof.revocation_tag,
            Self::Released2025(proof) => &proof.generation_hash,
        }
    }

    pub(super) fn status(
        &self,
        backend: &Ed25519PublicKey,
        message: &[u8],
        signature: &Signature,
        at: Timestamp,
    ) -> ProofStatus {
        match self {
            Self::Newest(proof) => proof.status(backend, message, signature, at),
            Self::Released2025(proof) => proof.status(backend, message, signature, at),
        }
    }

    pub(super) fn from_wire(wire: &proto::ProProof) -> Result<Self, MessageError> {
        let bytes = |field: &Option<Vec<u8>>| {
            let bytes = field
                .as_deref()
                .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            bytes.ok_or(MessageError::ProProof)
        };
        let tag = bytes(&wire.revocation_tag)?;
        let rotating = Ed25519PublicKey::new(bytes(&wire.rotating_public_key)?);
        let expiry = wire.expiry.ok_or(MessageError::ProProof)?;
        let signature = wire
            .sig
            .as_deref()
            .and_then(|bytes| Signature::try_from(bytes).ok())
            .ok_or(MessageError::ProProof)?;
        match (expiry, wire.version) {
            // A version is no part of the newest form, but written for older readers.
            (..FIRST_MILLISECONDS, _) => Ok(Self::Newest(Proof {
                revocation_tag: tag,
                rotating,
                expiry_seconds: expiry,
                signature,
            })),
            (_, Some(0)) => Ok(Self::Released2025(Proof2025 {
                version: 0,
                generation_hash: tag,
                rotating,
                expiry: Timestamp::from_ms(expiry),
                signature,
            })),
            _ => Err(MessageError::ProProof),
        }
    }

    pub(super) fn to_wire(&self) -> proto::ProProof {
        let (version, expiry, signature) = match self {
            Self::Newest(proof) => (None, proof.expiry_seconds, &proof.signature),
            Self::Released2025(proof) => (
                Some(u32::from(proof.version)),
                proof.expiry.as_ms(),
                &proof.signature,
            ),
        };
        proto::ProProof {
            version,
            revocation_tag: Some(self.revocation_tag().to_vec()),
            rotating_public_key: Some(self.rotating().as_bytes().to_vec()),
            expiry: Some(expiry),
            sig: Some(signature.as_bytes().to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECONDS: u64 = 1_700_000_000;

    fn newest() -> ProProof {
        ProProof::Newest(Proof {
            revocation_tag: [2; 32],
            rotating: Ed25519PublicKey::new([3; 32]),
            expiry_seconds: SECONDS,
            signature: Signature::new([4; 64]),
        })
    }

    fn older() -> ProProof {
        ProProof::Released2025(Proof2025 {
            version: 0,
            generation_hash: [2; 32],
            rotating: Ed25519PublicKey::new([3; 32]),
            expiry: Timestamp::from_ms(SECONDS * 1000),
            signature: Signature::new([4; 64]),
        })
    }

    #[test]
    fn both_generations_round_trip() {
        for proof in [newest(), older()] {
            assert_eq!(ProProof::from_wire(&proof.to_wire()).unwrap(), proof);
        }
        let mut with_version = newest().to_wire();
        with_version.version = Some(0);
        assert_eq!(ProProof::from_wire(&with_version).unwrap(), newest());
    }

    #[test]
    fn malformed_proofs_are_refused() {
        for proof in [newest(), older()] {
            let refused = |change: fn(&mut proto::ProProof)| {
                let mut wire = proof.to_wire();
                change(&mut wire);
                ProProof::from_wire(&wire).is_err()
            };
            assert!(refused(|w| w.revocation_tag = None));
            assert!(refused(|w| w.rotating_public_key = Some(vec![0; 31])));
            assert!(refused(|w| w.expiry = None));
            assert!(refused(|w| w.sig = Some(vec![0; 63])));
        }
        for version in [None, Some(1)] {
            let mut wire = older().to_wire();
            wire.version = version;
            assert!(ProProof::from_wire(&wire).is_err());
        }
    }
}
