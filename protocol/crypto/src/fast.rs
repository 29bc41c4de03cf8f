//! The two operations with secret keys that nearly all time goes into, by AWS-LC: about twice as
//! fast as the Rust implementations beside it, and proven to run in constant time. Results are the
//! same bytes.
//!
//! Every function answers `None` where the library refuses. The caller then computes the result
//! itself, so what is accepted and what is an error is decided in one place, whichever
//! implementation is in use.

use aws_lc_rs::agreement::{self, UnparsedPublicKey, X25519};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use zeroize::Zeroizing;

/// A secret X25519 key in the library's own form, which it wipes when dropped.
pub(crate) struct AgreementKey(agreement::PrivateKey);

impl AgreementKey {
    /// The key with these secret bytes, and its public key.
    pub(crate) fn new(secret: &[u8; 32]) -> Option<(Self, [u8; 32])> {
        let key = agreement::PrivateKey::from_private_key(&X25519, secret).ok()?;
        let public = key.compute_public_key().ok()?;
        let public = <[u8; 32]>::try_from(public.as_ref()).ok()?;
        Some((Self(key), public))
    }

    /// The secret shared with the owner of `public`, `None` also when it would be all zero.
    pub(crate) fn agree(&self, public: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
        let public = UnparsedPublicKey::new(&X25519, public);
        agreement::agree(&self.0, public, (), |shared| {
            let mut bytes = Zeroizing::new([0; 32]);
            if shared.len() != bytes.len() {
                return Err(());
            }
            bytes.copy_from_slice(shared);
            Ok(bytes)
        })
        .ok()
    }
}

/// A secret Ed25519 key in the library's own form, which it wipes when dropped.
pub(crate) struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// The key this seed stands for, and its public key.
    pub(crate) fn new(seed: &[u8; 32]) -> Option<(Self, [u8; 32])> {
        let key = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        let public = <[u8; 32]>::try_from(key.public_key().as_ref()).ok()?;
        Some((Self(key), public))
    }

    /// The signature of a message.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<[u8; 64]> {
        let signature = self.0.try_sign(message).ok()?;
        <[u8; 64]>::try_from(signature.as_ref()).ok()
    }
}
