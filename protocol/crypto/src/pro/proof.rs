use core::fmt;

use session_types::{Ed25519PublicKey, Signature, Timestamp};

use crate::hash::blake2b_personal;
use crate::{CryptoError, Ed25519Secret, verify};

const DOMAIN: &[u8; 16] = b"ProProof_v0_____";
const PERSONAL_2025: &[u8; 16] = b"ProProof________";

/// What a proof is worth for one message. Even the worst never makes the message itself invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofStatus {
    /// Not signed by the backend.
    InvalidBackendSignature,
    /// The message is not signed by the key the proof is for.
    InvalidUserSignature,
    /// Proof and message are good.
    Valid,
    /// Good, but the message is of a later time than the proof's last.
    Expired,
}

/// A proof of the newer generation (docs/protocol/pro.md section 3.2). The backend signs, not hashed:
///
/// | Offset | Length | Content |
/// |---|---|---|
/// | 0 | 16 | `ProProof_v0_____` |
/// | 16 | 32 | revocation tag |
/// | 48 | 32 | rotating key |
/// | 80 | rest | expiry, seconds in decimal |
#[derive(Clone, PartialEq, Eq)]
pub struct Proof {
    /// Random name of the subscription period, by which it can be revoked.
    pub revocation_tag: [u8; 32],
    /// The key that signs messages.
    pub rotating: Ed25519PublicKey,
    /// The last Unix second at which the proof is good.
    pub expiry_seconds: u64,
    /// The backend's signature.
    pub signature: Signature,
}

impl Proof {
    /// Makes a proof: the backend's part.
    #[must_use]
    pub fn issue(
        backend: &Ed25519Secret,
        revocation_tag: [u8; 32],
        rotating: Ed25519PublicKey,
        expiry_seconds: u64,
    ) -> Self {
        let message = signed_bytes(&revocation_tag, &rotating, expiry_seconds);
        Self {
            revocation_tag,
            rotating,
            expiry_seconds,
            signature: backend.sign(&message),
        }
    }

    /// The bytes the backend signs.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        signed_bytes(&self.revocation_tag, &self.rotating, self.expiry_seconds)
    }

    /// Checks the backend's signature.
    ///
    /// # Errors
    /// [`CryptoError`] when it does not verify.
    pub fn verify(&self, backend: &Ed25519PublicKey) -> Result<(), CryptoError> {
        verify(backend, &self.signed_bytes(), &self.signature)
    }

    /// What the proof is worth for a message signed by the rotating key at the time `at`, which is
    /// the message's own.
    #[must_use]
    pub fn status(
        &self,
        backend: &Ed25519PublicKey,
        message: &[u8],
        message_signature: &Signature,
        at: Timestamp,
    ) -> ProofStatus {
        if self.verify(backend).is_err() {
            ProofStatus::InvalidBackendSignature
        } else if verify(&self.rotating, message, message_signature).is_err() {
            ProofStatus::InvalidUserSignature
        } else if at.as_secs() > self.expiry_seconds {
            ProofStatus::Expired
        } else {
            ProofStatus::Valid
        }
    }
}

impl fmt::Debug for Proof {
    /// Without tag and keys, which tell one subscriber from another.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proof")
            .field("expiry_seconds", &self.expiry_seconds)
            .finish_non_exhaustive()
    }
}

fn signed_bytes(tag: &[u8; 32], rotating: &Ed25519PublicKey, expiry: u64) -> Vec<u8> {
    [
        DOMAIN,
        tag.as_slice(),
        rotating.as_bytes(),
        expiry.to_string().as_bytes(),
    ]
    .concat()
}

/// A proof of the generation from 2025 to April 2026 (docs/protocol/pro.md section 4). The backend
/// signs B2b-32, with the personalisation `ProProof________`, of:
///
/// | Offset | Length | Content |
/// |---|---|---|
/// | 0 | 1 | version, 0 |
/// | 1 | 32 | generation hash |
/// | 33 | 32 | rotating key |
/// | 65 | 8 | expiry, milliseconds, little-endian |
#[derive(Clone, PartialEq, Eq)]
pub struct Proof2025 {
    /// Always 0.
    pub version: u8,
    /// Hash of the subscription period's number, by which it can be revoked.
    pub generation_hash: [u8; 32],
    /// The key that signs messages.
    pub rotating: Ed25519PublicKey,
    /// The last Unix millisecond at which the proof is good.
    pub expiry: Timestamp,
    /// The backend's signature.
    pub signature: Signature,
}

impl Proof2025 {
    /// The hash the backend signs.
    #[must_use]
    pub fn signed_hash(&self) -> [u8; 32] {
        blake2b_personal(
            PERSONAL_2025,
            &[
                &[self.version],
                &self.generation_hash,
                self.rotating.as_bytes(),
                &self.expiry.as_ms().to_le_bytes(),
            ],
        )
    }

    /// Checks the backend's signature.
    ///
    /// # Errors
    /// [`CryptoError`] when it does not verify.
    pub fn verify(&self, backend: &Ed25519PublicKey) -> Result<(), CryptoError> {
        verify(backend, &self.signed_hash(), &self.signature)
    }

    /// What the proof is worth for a message signed by the rotating key at the time `at`, which is
    /// the message's own.
    #[must_use]
    pub fn status(
        &self,
        backend: &Ed25519PublicKey,
        message: &[u8],
        message_signature: &Signature,
        at: Timestamp,
    ) -> ProofStatus {
        if self.verify(backend).is_err() {
            ProofStatus::InvalidBackendSignature
        } else if verify(&self.rotating, message, message_signature).is_err() {
            ProofStatus::InvalidUserSignature
        } else if at > self.expiry {
            ProofStatus::Expired
        } else {
            ProofStatus::Valid
        }
    }
}

impl fmt::Debug for Proof2025 {
    /// Without hash and keys, which tell one subscriber from another.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proof2025")
            .field("expiry", &self.expiry)
            .finish_non_exhaustive()
    }
}
