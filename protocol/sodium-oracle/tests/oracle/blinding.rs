use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use session_crypto::blinding::{self, BlindedId, BlindedKeys, Blinding};
use session_crypto::{AccountKeys, blinded_message};
use session_sodium_oracle::sodium;
use session_types::{Ed25519PublicKey, X25519PublicKey};

use crate::inputs::{Inputs, p_plus};

/// An account in one community, with libsodium's functions alone.
struct Theirs {
    public: [u8; 32],
    /// The clamped scalar of the account.
    scalar: [u8; 32],
    /// The scalar that the blinded key belongs to.
    blinded_scalar: [u8; 32],
    id: BlindedId,
}

impl Theirs {
    fn new(blinding: Blinding, seed: &[u8; 32], server: &[u8; 32]) -> Self {
        let (public, secret) = sodium::sign_keypair(seed);
        let scalar = sodium::secret_to_x25519(&secret);
        let x25519 = sodium::public_to_x25519(&public).unwrap();
        let hashed = match blinding {
            Blinding::V15 => server.to_vec(),
            Blinding::V25 => [&[5], x25519.as_slice(), server].concat(),
        };
        let hash = sodium::blake2b(64, &[], &hashed).unwrap();
        let factor = sodium::scalar_reduce(&hash.try_into().unwrap());
        let mut base = public;
        let mut signed_factor = factor;
        if blinding == Blinding::V25 {
            if public[31] & 0x80 != 0 {
                signed_factor = sodium::scalar_negate(&factor);
            }
            base[31] &= 0x7f;
        }
        let point = sodium::point_mul(&factor, &base).unwrap();
        Self {
            public,
            scalar,
            blinded_scalar: sodium::scalar_mul(&signed_factor, &scalar),
            id: BlindedId::new(blinding, Ed25519PublicKey::new(point)),
        }
    }

    /// The key between this account and another in one direction.
    fn message_key(&self, other: &BlindedId, from: &BlindedId, to: &BlindedId) -> [u8; 32] {
        let scalar = match self.id.blinding() {
            Blinding::V15 => self.scalar,
            Blinding::V25 => self.blinded_scalar,
        };
        let point = sodium::point_mul(&scalar, other.key().as_bytes()).unwrap();
        let parts = [point, *from.key().as_bytes(), *to.key().as_bytes()];
        sodium::blake2b(32, &[], &parts.concat())
            .unwrap()
            .try_into()
            .unwrap()
    }
}

#[test]
fn ids_and_signatures() {
    let mut inputs = Inputs::new("ids_and_signatures");
    for _ in 0..inputs.rounds {
        let (seed, server) = (inputs.array(), inputs.array());
        let account = AccountKeys::from_seed32(seed);
        let message = inputs.bytes(300);
        for blinding in [Blinding::V15, Blinding::V25] {
            let theirs = Theirs::new(blinding, &seed, &server);
            let server = X25519PublicKey::new(server);
            let ours = BlindedKeys::new(blinding, account.ed25519(), &server).unwrap();
            assert_eq!(*ours.id(), theirs.id);
            let from_id = match blinding {
                Blinding::V15 => blinding::id_15(account.ed25519().public(), &server),
                Blinding::V25 => blinding::id_25(&account.account_id(), &server),
            };
            assert_eq!(from_id, Ok(theirs.id));
            assert_eq!(
                blinding::matches(&account.account_id(), &theirs.id, &server),
                Ok(true)
            );

            let key = theirs.id.key().as_bytes();
            let signature = *ours.sign(&message).as_bytes();
            assert!(sodium::verify(key, &message, &signature));
            let flipped = inputs.flip(&signature).try_into().unwrap();
            assert!(!sodium::verify(key, &message, &flipped));
            assert!(!sodium::verify(&theirs.public, &message, &signature));
        }
    }
}

#[test]
fn messages_between_blinded_ids() {
    let mut inputs = Inputs::new("messages_between_blinded_ids");
    for _ in 0..inputs.rounds {
        let (alice, bob, server) = (inputs.array(), inputs.array(), inputs.array());
        let message = inputs.bytes(500);
        for blinding in [Blinding::V15, Blinding::V25] {
            let from = Theirs::new(blinding, &alice, &server);
            let to = Theirs::new(blinding, &bob, &server);
            let server = X25519PublicKey::new(server);
            let sender = AccountKeys::from_seed32(alice);
            let recipient = AccountKeys::from_seed32(bob);
            let key = from.message_key(&to.id, &from.id, &to.id);
            assert_eq!(to.message_key(&from.id, &from.id, &to.id), key);
            let inner = [&message, from.public.as_slice()].concat();

            let nonce = inputs.array();
            let sealed = sodium::xchacha_seal(&key, &nonce, &inner);
            let theirs = [&[0], sealed.as_slice(), &nonce].concat();
            for own in [&sender, &recipient] {
                let opened =
                    blinded_message::decrypt(own.ed25519(), &server, &from.id, &to.id, &theirs);
                let opened = opened.unwrap();
                assert_eq!(opened.plaintext, message);
                assert_eq!(opened.sender, sender.account_id());
            }

            let ours = blinded_message::encrypt(
                sender.ed25519(),
                &to.id,
                &server,
                &message,
                &mut inputs.rng,
            )
            .unwrap();
            let (version, rest) = ours.split_first().unwrap();
            let (sealed, nonce) = rest.split_last_chunk().unwrap();
            assert_eq!(*version, 0);
            assert_eq!(sodium::xchacha_open(&key, nonce, sealed).unwrap(), inner);
        }
    }
}

/// A community may deliver any 32 bytes as somebody's key: both use or both refuse it.
#[test]
fn odd_keys_of_others() {
    let mut inputs = Inputs::new("odd_keys_of_others");
    let (mut used, mut refused) = (0, 0);
    for _ in 0..inputs.rounds {
        let account = AccountKeys::from_seed32(inputs.array());
        let server = X25519PublicKey::new(inputs.array());
        let mut keys = vec![inputs.array()];
        let point = EdwardsPoint::mul_base(&Scalar::from_bytes_mod_order(inputs.array()));
        for torsion in EIGHT_TORSION {
            keys.push((point + torsion).compress().to_bytes());
            keys.push(torsion.compress().to_bytes());
        }
        keys.extend((0..=18).map(p_plus));
        for key in keys {
            let other = BlindedId::new(Blinding::V15, Ed25519PublicKey::new(key));
            let ours =
                blinded_message::encrypt(account.ed25519(), &other, &server, b"", &mut inputs.rng);
            let theirs = sodium::point_mul(account.x25519().secret_bytes(), &key);
            assert_eq!(ours.is_ok(), theirs.is_some(), "{key:02x?}");
            if ours.is_ok() {
                used += 1;
            } else {
                refused += 1;
            }
        }
    }
    assert!(used >= inputs.rounds && refused > inputs.rounds);
}
