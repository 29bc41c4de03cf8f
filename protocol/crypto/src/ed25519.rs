use core::fmt;
use std::sync::LazyLock;

use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign};
use ed25519_dalek::{Verifier, VerifyingKey};
use rand_core::CryptoRng;
use session_types::{Ed25519PublicKey, Signature, X25519PublicKey};
use sha2::{Digest, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::field::{edwards_y_from_montgomery_u, is_canonical_y};
use crate::{CryptoError, X25519Secret};

/// An Ed25519 secret key: signs requests, answers and messages. Holds the expanded key, so that
/// signing costs one hash pass and one multiplication.
pub struct Ed25519Secret(Box<Inner>);

struct Inner {
    seed: Zeroizing<[u8; 32]>,
    /// The clamped scalar as bytes, which is the X25519 secret.
    clamped: Zeroizing<[u8; 32]>,
    expanded: ExpandedSecretKey,
    verifying: VerifyingKey,
    public: Ed25519PublicKey,
    #[cfg(feature = "aws-lc")]
    fast: Option<crate::fast::SigningKey>,
}

impl Ed25519Secret {
    /// The key that this seed stands for (RFC 8032).
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let seed = Zeroizing::new(seed);
        let hash = Zeroizing::new(<[u8; 64]>::from(Sha512::digest(seed.as_slice())));
        let mut clamped = Zeroizing::new([0; 32]);
        if let Some(half) = hash.first_chunk::<32>() {
            *clamped = curve25519_dalek::scalar::clamp_integer(*half);
        }
        let expanded = ExpandedSecretKey::from_bytes(&hash);
        #[cfg(feature = "aws-lc")]
        if let Some((fast, public)) = crate::fast::SigningKey::new(&seed)
            && let Ok(verifying) = VerifyingKey::from_bytes(&public)
        {
            return Self(Box::new(Inner {
                seed,
                clamped,
                expanded,
                verifying,
                public: Ed25519PublicKey::new(public),
                fast: Some(fast),
            }));
        }
        let verifying = VerifyingKey::from(&expanded);
        let public = Ed25519PublicKey::new(verifying.to_bytes());
        Self(Box::new(Inner {
            seed,
            clamped,
            expanded,
            verifying,
            public,
            #[cfg(feature = "aws-lc")]
            fast: None,
        }))
    }

    /// The key in either of its stored forms, with or without the second half:
    ///
    /// | Offset | Length | Content |
    /// |---|---|---|
    /// | 0 | 32 | seed |
    /// | 32 | 32 | public key |
    ///
    /// # Errors
    /// [`CryptoError::Length`] for other lengths, [`CryptoError::PublicKey`] when the second half
    /// is not the public key of the first.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CryptoError> {
        let (seed, public) = bytes.split_first_chunk::<32>().ok_or(CryptoError::Length)?;
        if !matches!(public.len(), 0 | 32) {
            return Err(CryptoError::Length);
        }
        let key = Self::from_seed(*seed);
        if public.is_empty() || public == key.public().as_bytes() {
            Ok(key)
        } else {
            Err(CryptoError::PublicKey)
        }
    }

    /// A new key.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(seed.as_mut_slice());
        Self::from_seed(*seed)
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> &Ed25519PublicKey {
        &self.0.public
    }

    /// The 32 bytes to keep: everything else follows from them.
    #[must_use]
    pub fn seed(&self) -> &[u8; 32] {
        &self.0.seed
    }

    /// Signs a message.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        #[cfg(feature = "aws-lc")]
        if let Some(signature) = self.0.fast.as_ref().and_then(|key| key.sign(message)) {
            return Signature::new(signature);
        }
        let signature = raw_sign::<Sha512>(&self.0.expanded, message, &self.0.verifying);
        Signature::new(signature.to_bytes())
    }

    /// The X25519 key of the same account: its secret is this key's clamped scalar.
    #[must_use]
    pub fn to_x25519(&self) -> X25519Secret {
        X25519Secret::from_bytes(*self.0.clamped)
    }

    /// The secret scalar, reduced.
    pub(crate) fn scalar(&self) -> &Scalar {
        &self.0.expanded.scalar
    }
}

impl ConstantTimeEq for Ed25519Secret {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        self.0.seed.ct_eq(other.0.seed.as_slice())
    }
}

impl PartialEq for Ed25519Secret {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Ed25519Secret {}

impl fmt::Debug for Ed25519Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ed25519Secret").finish_non_exhaustive()
    }
}

/// The eight points of small order.
static SMALL_ORDER: LazyLock<[CompressedEdwardsY; 8]> =
    LazyLock::new(|| EIGHT_TORSION.map(|point| point.compress()));

/// A public key that has been decoded and found good, ready to check signatures.
///
/// To decode it costs an eighth of checking one; who sees signatures of the same key again and
/// again keeps this.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Ed25519Verifier(VerifyingKey);

impl Ed25519Verifier {
    /// Decodes a key.
    ///
    /// # Errors
    /// [`CryptoError::PublicKey`] when it is not canonical, no point, or of small order.
    pub fn new(key: &Ed25519PublicKey) -> Result<Self, CryptoError> {
        VerifyingKey::from_bytes(key.as_bytes())
            .ok()
            .filter(|verifying| is_canonical_y(key.as_bytes()) && !verifying.is_weak())
            .map(Self)
            .ok_or(CryptoError::PublicKey)
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> Ed25519PublicKey {
        Ed25519PublicKey::new(self.0.to_bytes())
    }

    /// The key as a point.
    pub(crate) fn point(&self) -> EdwardsPoint {
        self.0.to_edwards()
    }

    /// Checks a signature, as strictly as [`verify`].
    ///
    /// # Errors
    /// [`CryptoError::Signature`].
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), CryptoError> {
        // The library compares R with the encoding it computes itself: an R that passes is
        // canonical, hence found in this list if it is of small order.
        let small = signature
            .as_bytes()
            .first_chunk::<32>()
            .is_none_or(|r| SMALL_ORDER.iter().any(|point| point.as_bytes() == r));
        if small {
            return Err(CryptoError::Signature);
        }
        let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
        self.0
            .verify(message, &signature)
            .map_err(|_| CryptoError::Signature)
    }
}

impl fmt::Debug for Ed25519Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ed25519Verifier").field(&self.key()).finish()
    }
}

/// Checks an Ed25519 signature, as strictly as the reference library: S below the group order, the
/// key canonical, neither R nor the key of small order, and the equation without cofactor compared
/// by bytes (docs/protocol/crypto.md section 3).
///
/// # Errors
/// [`CryptoError::PublicKey`] when the key is none, [`CryptoError::Signature`] otherwise.
pub fn verify(
    key: &Ed25519PublicKey,
    message: &[u8],
    signature: &Signature,
) -> Result<(), CryptoError> {
    Ed25519Verifier::new(key)?.verify(message, signature)
}

/// The X25519 form of an Ed25519 public key: u = (1 + y) / (1 − y).
///
/// # Errors
/// [`CryptoError::PublicKey`] for bytes that are no point, and for points of small order or outside
/// the prime-order group.
pub fn ed25519_to_x25519(key: &Ed25519PublicKey) -> Result<X25519PublicKey, CryptoError> {
    let point = prime_order_point(key.as_bytes())?;
    Ok(X25519PublicKey::new(point.to_montgomery().to_bytes()))
}

/// The Ed25519 form of an X25519 public key that has sign bit 0: y = (u − 1) / (u + 1). Bit 255 of
/// the input is ignored. Any 32 bytes are converted; whether the result is a point is not checked.
///
/// # Errors
/// [`CryptoError::PublicKey`] for u = −1, which has no counterpart.
pub fn x25519_to_ed25519(key: &X25519PublicKey) -> Result<Ed25519PublicKey, CryptoError> {
    edwards_y_from_montgomery_u(key.as_bytes())
        .map(Ed25519PublicKey::new)
        .ok_or(CryptoError::PublicKey)
}

/// Decodes a point that generates the prime-order group.
pub(crate) fn prime_order_point(bytes: &[u8; 32]) -> Result<EdwardsPoint, CryptoError> {
    let point = CompressedEdwardsY(*bytes)
        .decompress()
        .filter(|_| is_canonical_y(bytes))
        .ok_or(CryptoError::PublicKey)?;
    if point.is_small_order() || !point.is_torsion_free() {
        return Err(CryptoError::PublicKey);
    }
    Ok(point)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever computes it: keys and signatures are those of RFC 8032.
    #[test]
    fn every_implementation_agrees() {
        for round in 0..200u8 {
            let seed = [round; 32];
            let key = Ed25519Secret::from_seed(seed);
            let expected = ed25519_dalek::SigningKey::from_bytes(&seed);
            assert_eq!(key.public().as_bytes(), expected.verifying_key().as_bytes());
            let message = vec![round; usize::from(round) * 3];
            let signature = ed25519_dalek::Signer::sign(&expected, &message);
            assert_eq!(key.sign(&message).as_bytes(), &signature.to_bytes());
        }
    }

    #[test]
    fn stored_forms() {
        let key = Ed25519Secret::from_seed([7; 32]);
        let mut long = key.seed().to_vec();
        assert!(Ed25519Secret::from_bytes(&long).unwrap() == key);
        long.extend_from_slice(key.public().as_bytes());
        assert!(Ed25519Secret::from_bytes(&long).unwrap() == key);
        assert_eq!(
            Ed25519Secret::from_bytes(&long[..63]),
            Err(CryptoError::Length)
        );
        assert_eq!(
            Ed25519Secret::from_bytes(&long[..31]),
            Err(CryptoError::Length)
        );
        long[63] ^= 1;
        assert_eq!(
            Ed25519Secret::from_bytes(&long),
            Err(CryptoError::PublicKey)
        );
    }

    /// With a key of small order some signature fits every message.
    #[test]
    fn small_order_keys_and_points_verify_nothing() {
        for point in SMALL_ORDER.iter() {
            let key = Ed25519PublicKey::new(point.to_bytes());
            for r in SMALL_ORDER.iter() {
                let mut bytes = [0; 64];
                bytes[..32].copy_from_slice(r.as_bytes());
                assert!(verify(&key, b"anything", &Signature::new(bytes)).is_err());
            }
        }
    }

    /// R of small order with an honest key: r = 0 gives R = identity, S = h·a, which satisfies the
    /// equation and must be refused all the same.
    #[test]
    fn small_order_r_is_refused() {
        let key = Ed25519Secret::from_seed([9; 32]);
        let identity = CompressedEdwardsY(SMALL_ORDER[0].to_bytes());
        assert_eq!(identity.to_bytes()[0], 1);
        let hash = Sha512::new()
            .chain_update(identity.as_bytes())
            .chain_update(key.public().as_bytes())
            .chain_update(b"message")
            .finalize();
        let s = Scalar::from_bytes_mod_order_wide(&hash.into()) * key.scalar();
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(identity.as_bytes());
        bytes[32..].copy_from_slice(s.as_bytes());
        let lax = VerifyingKey::from_bytes(key.public().as_bytes()).unwrap();
        assert!(
            lax.verify(b"message", &ed25519_dalek::Signature::from_bytes(&bytes))
                .is_ok()
        );
        assert_eq!(
            verify(key.public(), b"message", &Signature::new(bytes)),
            Err(CryptoError::Signature)
        );
    }
}
