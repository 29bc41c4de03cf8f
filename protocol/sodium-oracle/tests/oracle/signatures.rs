use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use session_crypto::{CryptoError, Ed25519Secret, verify, x25519_to_ed25519, xed25519};
use session_sodium_oracle::sodium;
use session_types::{Ed25519PublicKey, Signature};

use crate::inputs::{Inputs, p_plus};

/// The group order, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// What both say about a signature; it is a failure when they do not say the same.
fn accepted(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let theirs = sodium::verify(key, message, signature);
    let ours = verify(
        &Ed25519PublicKey::new(*key),
        message,
        &Signature::new(*signature),
    );
    assert_eq!(
        ours.is_ok(),
        theirs,
        "key {key:02x?} message {message:02x?} signature {signature:02x?}: {ours:?}"
    );
    theirs
}

fn join(r: &[u8; 32], s: &[u8; 32]) -> [u8; 64] {
    [*r, *s].concat().try_into().unwrap()
}

fn challenge(r: &[u8; 32], key: &[u8; 32], message: &[u8]) -> Scalar {
    let hash = sodium::sha512(&[r, key, message].concat());
    Scalar::from_bytes_mod_order_wide(&hash)
}

/// `s + n · L`, when that still fits 32 bytes.
fn plus_order(s: &[u8; 32], n: u16) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    let mut carry = 0u32;
    for (slot, (s, order)) in out.iter_mut().zip(s.iter().zip(ORDER)) {
        let sum = u32::from(*s) + u32::from(order) * u32::from(n) + carry;
        *slot = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    (carry == 0).then_some(out)
}

#[test]
fn signing_and_verifying() {
    let mut inputs = Inputs::new("signing_and_verifying");
    for _ in 0..inputs.rounds {
        let (seed, message) = (inputs.array(), inputs.bytes(400));
        let (public, secret) = sodium::sign_keypair(&seed);
        let signature = sodium::sign(&secret, &message);
        let ours = Ed25519Secret::from_seed(seed).sign(&message);
        assert_eq!(*ours.as_bytes(), signature);
        assert!(accepted(&public, &message, &signature));

        let flipped = inputs.flip(&signature).try_into().unwrap();
        assert!(!accepted(&public, &message, &flipped));
        let flipped = inputs.flip(&public).try_into().unwrap();
        assert!(!accepted(&flipped, &message, &signature));
        let longer = [message.as_slice(), &[0]].concat();
        assert!(!accepted(&public, &longer, &signature));
        if !message.is_empty() {
            let flipped = inputs.flip(&message);
            assert!(!accepted(&public, &flipped, &signature));
        }
        assert!(!accepted(&public, &message, &inputs.array()));
        assert!(!accepted(&inputs.array(), &message, &signature));
    }
}

/// s and s + L satisfy the same equation: only the smaller may pass.
#[test]
fn s_of_the_order_or_more() {
    let mut inputs = Inputs::new("s_of_the_order_or_more");
    let mut tried = 0;
    for _ in 0..inputs.rounds {
        let message = inputs.bytes(100);
        let (public, secret) = sodium::sign_keypair(&inputs.array());
        let signature = sodium::sign(&secret, &message);
        let (r, s) = (
            signature[..32].try_into().unwrap(),
            signature[32..].try_into().unwrap(),
        );
        assert_eq!(plus_order(&s, 0), Some(s));
        for n in 1..16 {
            if let Some(greater) = plus_order(&s, n) {
                assert!(!accepted(&public, &message, &join(&r, &greater)));
                tried += 1;
            }
        }
        for bit in [0x20, 0x40, 0x80] {
            let mut marked = signature;
            marked[63] |= bit;
            assert!(!accepted(&public, &message, &marked));
        }
        assert!(!accepted(&public, &message, &join(&r, &ORDER)));
    }
    assert!(tried >= inputs.rounds * 14);
}

/// R is the neutral or another point of small order, s made so that the equation holds.
#[test]
fn r_of_small_order() {
    let mut inputs = Inputs::new("r_of_small_order");
    for _ in 0..inputs.rounds {
        let message = inputs.bytes(100);
        let a = Scalar::from_bytes_mod_order(inputs.array());
        let key = EdwardsPoint::mul_base(&a).compress().to_bytes();
        for torsion in EIGHT_TORSION {
            let r = torsion.compress().to_bytes();
            let s = challenge(&r, &key, &message) * a;
            assert!(!accepted(&key, &message, &join(&r, s.as_bytes())));
        }
    }
}

/// With a key A + T, T of small order, the equation holds without cofactor when hT is the neutral
/// point, which both accept; a verifier with cofactor would accept it always.
#[test]
fn keys_of_mixed_order() {
    let mut inputs = Inputs::new("keys_of_mixed_order");
    let (mut passed, mut refused) = (0, 0);
    for _ in 0..inputs.rounds {
        let message = inputs.bytes(100);
        let a = Scalar::from_bytes_mod_order(inputs.array());
        let r = Scalar::from_bytes_mod_order(inputs.array());
        let big_r = EdwardsPoint::mul_base(&r).compress().to_bytes();
        for torsion in &EIGHT_TORSION[1..] {
            let key = (EdwardsPoint::mul_base(&a) + torsion).compress().to_bytes();
            let h = challenge(&big_r, &key, &message);
            let s = r + h * a;
            let holds = torsion * h == EIGHT_TORSION[0];
            let signature = join(&big_r, s.as_bytes());
            assert_eq!(accepted(&key, &message, &signature), holds);
            if holds { passed += 1 } else { refused += 1 }
        }
    }
    assert!(passed > 0 && refused > passed, "{passed} of {refused}");
}

/// R + T instead of R: only a verifier with cofactor accepts it, and neither is one.
#[test]
fn r_of_mixed_order() {
    let mut inputs = Inputs::new("r_of_mixed_order");
    for _ in 0..inputs.rounds {
        let message = inputs.bytes(100);
        let a = Scalar::from_bytes_mod_order(inputs.array());
        let key = EdwardsPoint::mul_base(&a).compress().to_bytes();
        let r = Scalar::from_bytes_mod_order(inputs.array());
        for (n, torsion) in EIGHT_TORSION.iter().enumerate() {
            let big_r = (EdwardsPoint::mul_base(&r) + torsion).compress().to_bytes();
            let s = r + challenge(&big_r, &key, &message) * a;
            let signature = join(&big_r, s.as_bytes());
            assert_eq!(accepted(&key, &message, &signature), n == 0);
        }
    }
}

/// For a key of small order some signature fits every message. All encodings of these points, and
/// all that stand for a y of 2^255 − 19 or more.
#[test]
fn keys_that_must_not_verify_anything() {
    let mut inputs = Inputs::new("keys_that_must_not_verify_anything");
    let mut keys: Vec<[u8; 32]> = EIGHT_TORSION
        .map(|point| point.compress().to_bytes())
        .to_vec();
    keys.extend((0..=18).map(p_plus));
    for n in 0..keys.len() {
        let mut other_sign = keys[n];
        other_sign[31] ^= 0x80;
        keys.push(other_sign);
    }
    for _ in 0..inputs.rounds {
        let message = inputs.bytes(100);
        let s = Scalar::from_bytes_mod_order(inputs.array());
        // sB, which satisfies the equation whenever hA is the neutral point.
        let r = EdwardsPoint::mul_base(&s).compress().to_bytes();
        for key in &keys {
            let signature = join(&r, s.as_bytes());
            assert!(!accepted(key, &message, &signature));
            // It is the key that is refused, before anything is computed with it.
            let ours = verify(
                &Ed25519PublicKey::new(*key),
                &message,
                &Signature::new(signature),
            );
            assert_eq!(ours, Err(CryptoError::PublicKey), "{key:02x?}");
            for torsion in EIGHT_TORSION {
                let r = torsion.compress().to_bytes();
                assert!(!accepted(key, &message, &join(&r, &[0; 32])));
            }
        }
    }
}

#[test]
fn signatures_with_x25519_keys() {
    let mut inputs = Inputs::new("signatures_with_x25519_keys");
    for _ in 0..inputs.rounds {
        let (seed, message) = (inputs.array(), inputs.bytes(400));
        let secret = Ed25519Secret::from_seed(seed).to_x25519();
        let signature = *xed25519::sign(&secret, &message, &mut inputs.rng).as_bytes();
        let key = *x25519_to_ed25519(secret.public()).unwrap().as_bytes();
        assert!(accepted(&key, &message, &signature));
        let flipped = inputs.flip(&signature).try_into().unwrap();
        assert!(!accepted(&key, &message, &flipped));

        // The other way: libsodium's signature, where its key happens to be the positive one.
        let (public, long) = sodium::sign_keypair(&seed);
        let theirs = Signature::new(sodium::sign(&long, &message));
        let fits = xed25519::verify(secret.public(), &message, &theirs).is_ok();
        assert_eq!(fits, public[31] & 0x80 == 0);
    }
}
