use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use session_crypto::{CryptoError, Ed25519Secret, X25519Secret, ed25519_to_x25519};
use session_sodium_oracle::sodium;
use session_types::{Ed25519PublicKey, X25519PublicKey};

use crate::inputs::{Inputs, p_plus};

#[test]
fn key_pairs() {
    let mut inputs = Inputs::new("key_pairs");
    for _ in 0..inputs.rounds {
        let seed = inputs.array();
        let (public, secret) = sodium::sign_keypair(&seed);
        let ours = Ed25519Secret::from_seed(seed);
        assert_eq!(*ours.public().as_bytes(), public);
        assert!(Ed25519Secret::from_bytes(&secret).unwrap() == ours);

        let converted = ed25519_to_x25519(ours.public()).unwrap();
        assert_eq!(
            sodium::public_to_x25519(&public),
            Some(*converted.as_bytes())
        );
        let x25519 = ours.to_x25519();
        assert_eq!(*x25519.secret_bytes(), sodium::secret_to_x25519(&secret));
        assert_eq!(*x25519.public(), converted);
        // Any 32 bytes are an X25519 secret, clamped or not.
        let x25519 = X25519Secret::from_bytes(seed);
        assert_eq!(*x25519.public().as_bytes(), sodium::x25519_base(&seed));
    }
}

#[test]
fn shared_secrets() {
    let mut inputs = Inputs::new("shared_secrets");
    for _ in 0..inputs.rounds {
        let (own, other) = (inputs.array(), inputs.array());
        let secret = X25519Secret::from_bytes(own);
        // A real key, and any bytes: half of them are on the twist, half have the top bit set.
        for public in [sodium::x25519_base(&other), other] {
            let ours = secret
                .diffie_hellman(&X25519PublicKey::new(public))
                .unwrap();
            assert_eq!(sodium::x25519(&own, &public), Some(*ours.as_bytes()));
        }
        let back = X25519Secret::from_bytes(other)
            .diffie_hellman(secret.public())
            .unwrap();
        assert_eq!(
            sodium::x25519(&own, &sodium::x25519_base(&other)),
            Some(*back.as_bytes())
        );
    }
}

/// Small order on the curve and on the twist, in every encoding that 32 bytes allow.
fn small_order_u() -> Vec<[u8; 32]> {
    let mut all: Vec<[u8; 32]> = EIGHT_TORSION
        .map(|point| point.to_montgomery().to_bytes())
        .to_vec();
    let mut p_minus_1 = p_plus(0);
    p_minus_1[0] -= 1;
    all.extend([p_minus_1, p_plus(0), p_plus(1)]);
    for n in 0..all.len() {
        let mut with_top_bit = all[n];
        with_top_bit[31] |= 0x80;
        all.push(with_top_bit);
    }
    all.sort_unstable();
    all.dedup();
    all
}

#[test]
fn secrets_of_zeros_are_refused() {
    let mut inputs = Inputs::new("secrets_of_zeros_are_refused");
    let points = small_order_u();
    assert_eq!(points.len(), 14);
    for _ in 0..inputs.rounds {
        let own = inputs.array();
        let secret = X25519Secret::from_bytes(own);
        for public in &points {
            assert_eq!(sodium::x25519(&own, public), None, "{public:02x?}");
            let ours = secret.diffie_hellman(&X25519PublicKey::new(*public));
            assert_eq!(ours.map(drop), Err(CryptoError::PublicKey), "{public:02x?}");
        }
    }
}

#[test]
fn u_coordinates_above_p_are_taken_modulo_p() {
    let mut inputs = Inputs::new("u_coordinates_above_p_are_taken_modulo_p");
    for _ in 0..inputs.rounds {
        let own = inputs.array();
        let secret = X25519Secret::from_bytes(own);
        for n in 2..=18 {
            let mut canonical = [0; 32];
            canonical[0] = n;
            let theirs = sodium::x25519(&own, &canonical);
            assert!(theirs.is_some());
            assert_eq!(sodium::x25519(&own, &p_plus(n)), theirs);
            let ours = secret.diffie_hellman(&X25519PublicKey::new(p_plus(n)));
            assert_eq!(ours.ok().map(|shared| *shared.as_bytes()), theirs);
        }
    }
}

/// Both give the same X25519 key, or both refuse.
fn same_conversion(public: [u8; 32]) -> Option<[u8; 32]> {
    let ours = ed25519_to_x25519(&Ed25519PublicKey::new(public));
    let ours = ours.ok().map(|key| *key.as_bytes());
    assert_eq!(sodium::public_to_x25519(&public), ours, "{public:02x?}");
    ours
}

#[test]
fn odd_keys_are_converted_alike() {
    let mut inputs = Inputs::new("odd_keys_are_converted_alike");
    let mut converted = 0;
    for _ in 0..inputs.rounds {
        // Half of all y belong to a point, an eighth of the points to the prime-order group.
        converted += usize::from(same_conversion(inputs.array()).is_some());
        let point = EdwardsPoint::mul_base(&Scalar::from_bytes_mod_order(inputs.array()));
        for (n, torsion) in EIGHT_TORSION.iter().enumerate() {
            let mixed = (point + torsion).compress().to_bytes();
            assert_eq!(same_conversion(mixed).is_some(), n == 0);
        }
    }
    assert!(converted * 32 > inputs.rounds && converted * 8 < inputs.rounds);
    for torsion in EIGHT_TORSION {
        assert_eq!(same_conversion(torsion.compress().to_bytes()), None);
    }
}

/// Ours takes canonical encodings only, libsodium does not ask here. It makes no difference: no y of
/// 2^255 − 19 or more stands for a point of the prime-order group.
#[test]
fn encodings_above_p_are_refused() {
    for n in 0..=18 {
        for sign in [0, 0x80] {
            let mut key = p_plus(n);
            key[31] |= sign;
            assert_eq!(same_conversion(key), None, "{n} {sign}");
        }
    }
}
