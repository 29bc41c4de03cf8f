use core::fmt;

use curve25519_dalek::montgomery::MontgomeryPoint;
use rand_core::CryptoRng;
use session_types::X25519PublicKey;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::CryptoError;

/// An X25519 secret key: opens what is sealed to its public key.
pub struct X25519Secret {
    /// As given; clamped whenever it is used.
    secret: Box<Zeroizing<[u8; 32]>>,
    public: X25519PublicKey,
    #[cfg(feature = "aws-lc")]
    fast: Option<crate::fast::AgreementKey>,
}

impl X25519Secret {
    /// The key with these secret bytes. They need not be clamped.
    #[must_use]
    pub fn from_bytes(secret: [u8; 32]) -> Self {
        let secret = Box::new(Zeroizing::new(secret));
        #[cfg(feature = "aws-lc")]
        if let Some((fast, public)) = crate::fast::AgreementKey::new(&secret) {
            return Self {
                secret,
                public: X25519PublicKey::new(public),
                fast: Some(fast),
            };
        }
        let public = MontgomeryPoint::mul_base_clamped(**secret).to_bytes();
        Self {
            secret,
            public: X25519PublicKey::new(public),
            #[cfg(feature = "aws-lc")]
            fast: None,
        }
    }

    /// A new key.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        rng.fill_bytes(secret.as_mut_slice());
        Self::from_bytes(*secret)
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> &X25519PublicKey {
        &self.public
    }

    /// The secret bytes as they were given, for a key file.
    #[must_use]
    pub fn secret_bytes(&self) -> &[u8; 32] {
        &self.secret
    }

    /// The shared secret with the owner of `other`.
    ///
    /// # Errors
    /// [`CryptoError::PublicKey`] when `other` is of small order, so that everyone would arrive at
    /// the same all-zero secret.
    pub fn diffie_hellman(&self, other: &X25519PublicKey) -> Result<SharedSecret, CryptoError> {
        #[cfg(feature = "aws-lc")]
        if let Some(shared) = self
            .fast
            .as_ref()
            .and_then(|key| key.agree(other.as_bytes()))
        {
            return Ok(SharedSecret(shared));
        }
        let point = MontgomeryPoint(*other.as_bytes()).mul_clamped(**self.secret);
        let shared = SharedSecret(Zeroizing::new(point.to_bytes()));
        if bool::from(shared.0.ct_eq([0; 32].as_slice())) {
            return Err(CryptoError::PublicKey);
        }
        Ok(shared)
    }

    /// The secret as the number it is used as.
    pub(crate) fn clamped(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(curve25519_dalek::scalar::clamp_integer(**self.secret))
    }
}

impl ConstantTimeEq for X25519Secret {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        self.secret.ct_eq(other.secret.as_slice())
    }
}

impl PartialEq for X25519Secret {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for X25519Secret {}

impl fmt::Debug for X25519Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("X25519Secret").finish_non_exhaustive()
    }
}

/// What two X25519 keys share. Never a key by itself: hash it first.
pub struct SharedSecret(Zeroizing<[u8; 32]>);

impl SharedSecret {
    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSecret").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::{Rng as _, SeedableRng as _};

    use super::*;

    #[test]
    fn small_order_points_are_refused() {
        let key = X25519Secret::from_bytes([7; 32]);
        for point in curve25519_dalek::constants::EIGHT_TORSION {
            let public = X25519PublicKey::new(point.to_montgomery().to_bytes());
            assert!(key.diffie_hellman(&public).is_err());
        }
    }

    /// Whatever computes it: public keys and shared secrets are those of RFC 7748, also for points
    /// of the twist, with a torsion component, not reduced, or with the top bit set.
    #[test]
    fn every_implementation_agrees() {
        let mut rng = ChaCha20Rng::seed_from_u64(0x7748);
        for round in 0..500 {
            let mut secret = [0; 32];
            let mut point = [0; 32];
            rng.fill_bytes(&mut secret);
            rng.fill_bytes(&mut point);
            if round % 5 == 0 {
                point[1..31].fill(0xff);
                point[31] |= 0x7f;
            }
            let key = X25519Secret::from_bytes(secret);
            let public = MontgomeryPoint::mul_base_clamped(secret).to_bytes();
            assert_eq!(key.public().as_bytes(), &public);
            let expected = MontgomeryPoint(point).mul_clamped(secret).to_bytes();
            match key.diffie_hellman(&X25519PublicKey::new(point)) {
                Ok(shared) => assert_eq!(shared.as_bytes(), &expected),
                Err(_) => assert_eq!(expected, [0; 32]),
            }
        }
    }
}
