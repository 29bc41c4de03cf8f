//! Several signatures of one key, checked in one go (docs/protocol/crypto.md section 3).

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{IsIdentity, VartimeMultiscalarMul};
use session_types::Signature;
use sha2::{Digest, Sha512};

use crate::field::is_canonical_y;
use crate::{CryptoError, Ed25519Verifier};

/// One signature, read.
struct Part {
    r: EdwardsPoint,
    s: Scalar,
    /// SHA-512 of R, the key and the message, reduced.
    k: Scalar,
}

impl Ed25519Verifier {
    /// Checks signatures of this key, each with its message: five of them cost as much as two
    /// and a half checked one by one.
    ///
    /// With z an odd number of 128 bits for each signature, hashed from all of them:
    ///
    /// ```text
    /// Σ z·R + (Σ z·k)·A − (Σ z·s)·B = 0
    /// ```
    ///
    /// Whatever [`verify`](Self::verify) accepts is accepted. Nobody without the secret key can
    /// make anything else that is; who has it can make signatures whose errors lie in the eight
    /// points of small order and cancel each other out, which [`verify`](Self::verify) refuses
    /// and this lets pass. So it is for questions that only concern who asks, and not for what
    /// others must judge alike (docs/decisions/0013).
    ///
    /// # Errors
    /// [`CryptoError::Signature`] when any of them is wrong; it is not said which.
    pub fn verify_together(&self, signed: &[(&[u8], &Signature)]) -> Result<(), CryptoError> {
        if let [(message, signature)] = signed {
            return self.verify(message, signature);
        }
        let parts = signed
            .iter()
            .map(|(message, signature)| self.part(message, signature))
            .collect::<Option<Vec<Part>>>()
            .ok_or(CryptoError::Signature)?;
        let factors = factors(&parts);
        let (mut of_key, mut of_base) = (Scalar::ZERO, Scalar::ZERO);
        for (z, part) in factors.iter().zip(&parts) {
            of_key += z * part.k;
            of_base -= z * part.s;
        }
        let sum = EdwardsPoint::vartime_multiscalar_mul(
            factors.iter().chain([&of_key, &of_base]),
            parts
                .iter()
                .map(|part| &part.r)
                .chain([&self.point(), &ED25519_BASEPOINT_POINT]),
        );
        if sum.is_identity() {
            Ok(())
        } else {
            Err(CryptoError::Signature)
        }
    }

    /// Reads a signature; the same are refused at once as by [`verify`](Self::verify).
    fn part(&self, message: &[u8], signature: &Signature) -> Option<Part> {
        let (r, s) = signature.as_bytes().split_first_chunk::<32>()?;
        let point = CompressedEdwardsY(*r)
            .decompress()
            .filter(|point| is_canonical_y(r) && !point.is_small_order())?;
        let hash = Sha512::new()
            .chain_update(r)
            .chain_update(self.key().as_bytes())
            .chain_update(message)
            .finalize();
        Some(Part {
            r: point,
            s: Option::from(Scalar::from_canonical_bytes(*s.first_chunk()?))?,
            k: Scalar::from_bytes_mod_order_wide(&hash.into()),
        })
    }
}

/// An odd number of 128 bits for each signature. All of them depend on every bit of all, so none
/// can be chosen to suit the numbers: k is a hash of R, the key and the message.
fn factors(parts: &[Part]) -> Vec<Scalar> {
    let mut all = Sha512::new();
    for part in parts {
        all.update(part.k.as_bytes());
        all.update(part.s.as_bytes());
    }
    let all = all.finalize();
    let blocks = (0u64..).map(|number| {
        let block = Sha512::new()
            .chain_update(all)
            .chain_update(number.to_le_bytes());
        <[u8; 64]>::from(block.finalize())
    });
    blocks
        .take(parts.len().div_ceil(4))
        .flat_map(|block| block.as_chunks::<16>().0.to_vec())
        .map(|number| Scalar::from(u128::from_le_bytes(number) | 1))
        .take(parts.len())
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use curve25519_dalek::constants::EIGHT_TORSION;
    use rand_chacha::ChaCha20Rng;
    use rand_core::{Rng as _, SeedableRng as _};

    use super::*;
    use crate::Ed25519Secret;

    struct Signed {
        key: Ed25519Verifier,
        texts: Vec<(Vec<u8>, Signature)>,
    }

    impl Signed {
        fn new(count: u8) -> Self {
            let secret = Ed25519Secret::from_seed([7; 32]);
            let texts = (0..count).map(|number| {
                let text = vec![number; usize::from(number)];
                let signature = secret.sign(&text);
                (text, signature)
            });
            Self {
                key: Ed25519Verifier::new(secret.public()).unwrap(),
                texts: texts.collect(),
            }
        }

        fn together(&self) -> bool {
            let texts: Vec<_> = self.texts.iter().map(|(text, s)| (&text[..], s)).collect();
            self.key.verify_together(&texts).is_ok()
        }

        fn one_by_one(&self) -> bool {
            self.texts
                .iter()
                .all(|(text, signature)| self.key.verify(text, signature).is_ok())
        }
    }

    #[test]
    fn good_ones_of_any_number_are_good() {
        for count in 0..=20 {
            assert!(Signed::new(count).together(), "{count}");
        }
    }

    #[test]
    fn what_one_by_one_is_refused_is_refused_together() {
        let mut rng = ChaCha20Rng::seed_from_u64(4);
        for count in 1..=6 {
            for _ in 0..100 {
                let mut signed = Signed::new(count);
                let mut below = |limit: usize| rng.next_u32() as usize % limit;
                let place = below(signed.texts.len());
                let (text, signature) = &mut signed.texts[place];
                if text.is_empty() || below(2) == 0 {
                    let mut bytes = *signature.as_bytes();
                    let bit = below(512);
                    bytes[bit / 8] ^= 1 << (bit % 8);
                    *signature = Signature::new(bytes);
                } else {
                    let bit = below(text.len() * 8);
                    text[bit / 8] ^= 1 << (bit % 8);
                }
                assert!(!signed.one_by_one());
                assert!(!signed.together());
            }
        }
    }

    #[test]
    fn two_signatures_cannot_change_places_or_halves() {
        let mut signed = Signed::new(3);
        let (one, two) = (signed.texts[1].1, signed.texts[2].1);
        (signed.texts[1].1, signed.texts[2].1) = (two, one);
        assert!(!signed.together());
        let halves = |r: Signature, s: Signature| {
            Signature::new(
                [&r.as_bytes()[..32], &s.as_bytes()[32..]]
                    .concat()
                    .try_into()
                    .unwrap(),
            )
        };
        (signed.texts[1].1, signed.texts[2].1) = (halves(one, two), halves(two, one));
        assert!(!signed.together());
    }

    #[test]
    fn numbers_written_otherwise_are_refused() {
        const ORDER: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9,
            0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        // S plus the group order is the same number.
        let mut signed = Signed::new(2);
        let mut bytes = *signed.texts[1].1.as_bytes();
        let mut carry = 0u16;
        for (byte, more) in bytes[32..].iter_mut().zip(ORDER) {
            carry += u16::from(*byte) + u16::from(more);
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        signed.texts[1].1 = Signature::new(bytes);
        assert!(!signed.together());
        // R of small order, which somebody with the secret key can make a signature with.
        for point in EIGHT_TORSION {
            let secret = Ed25519Secret::from_seed([7; 32]);
            let mut signed = Signed::new(2);
            signed.texts[1].1 = forged(&secret, Scalar::ZERO, &point, &signed.texts[1].0);
            assert!(!signed.together());
        }
    }

    /// A signature with R = r·B + `error`, and S as if there was no error.
    fn forged(secret: &Ed25519Secret, r: Scalar, error: &EdwardsPoint, text: &[u8]) -> Signature {
        let point = (EdwardsPoint::mul_base(&r) + error).compress();
        let hash = Sha512::new()
            .chain_update(point.as_bytes())
            .chain_update(secret.public().as_bytes())
            .chain_update(text)
            .finalize();
        let k = Scalar::from_bytes_mod_order_wide(&hash.into());
        let s = r + k * secret.scalar();
        Signature::new(
            [*point.as_bytes(), *s.as_bytes()]
                .concat()
                .try_into()
                .unwrap(),
        )
    }

    /// The difference the documentation speaks of.
    #[test]
    fn errors_of_small_order_pass_in_pairs_only_and_need_the_secret_key() {
        let secret = Ed25519Secret::from_seed([7; 32]);
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let mut number = || {
            let mut bytes = [0; 64];
            rng.fill_bytes(&mut bytes);
            Scalar::from_bytes_mod_order_wide(&bytes)
        };
        let half = EIGHT_TORSION[4];
        let mut signed = Signed::new(3);
        assert!(signed.together());
        signed.texts[1].1 = forged(&secret, number(), &half, &signed.texts[1].0);
        assert!(!signed.together());
        signed.texts[2].1 = forged(&secret, number(), &half, &signed.texts[2].0);
        assert!(signed.together());
        assert!(!signed.one_by_one());
    }
}
