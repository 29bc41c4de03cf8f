use session_crypto::pro::{self, Proof2025};
use session_crypto::{Ed25519Secret, VersionKey, hash};
use session_sodium_oracle::sodium;
use session_types::{
    AccountId, Ed25519PublicKey, Namespace, Signature, SwarmPubkey, Timestamp, X25519PublicKey,
};

use crate::inputs::Inputs;

fn blake2b<const N: usize>(key: &[u8], message: &[u8]) -> [u8; N] {
    sodium::blake2b(N, key, message)
        .unwrap()
        .try_into()
        .unwrap()
}

fn personal<const N: usize>(key: &[u8], personal: &[u8; 16], message: &[u8]) -> [u8; N] {
    let out = sodium::blake2b_personal(N, key, personal, message);
    out.unwrap().try_into().unwrap()
}

fn compare<const N: usize>(inputs: &mut Inputs) {
    for _ in 0..inputs.rounds {
        let (first, second) = (inputs.bytes(300), inputs.bytes(300));
        let message = [first.as_slice(), &second].concat();
        let parts = [first.as_slice(), &second];
        let key = inputs.bytes(65);
        let person = inputs.array();
        assert_eq!(hash::blake2b::<N>(&parts), blake2b(&[], &message));
        assert_eq!(
            hash::blake2b_keyed::<N>(&key, &parts),
            blake2b(&key, &message)
        );
        assert_eq!(
            hash::blake2b_personal::<N>(&person, &parts),
            personal(&[], &person, &message)
        );
        assert_eq!(
            hash::blake2b_keyed_personal::<N>(&key, &person, &parts),
            personal(&key, &person, &message)
        );
        assert_eq!(
            hash::blake2b_sized(N, &key, &message).ok(),
            sodium::blake2b(N, &key, &message)
        );
    }
}

#[test]
fn hashes_of_the_protocols_lengths() {
    let mut inputs = Inputs::new("hashes_of_the_protocols_lengths");
    compare::<16>(&mut inputs);
    compare::<24>(&mut inputs);
    compare::<32>(&mut inputs);
    compare::<56>(&mut inputs);
    compare::<64>(&mut inputs);
}

/// Ours cuts keys of more than 64 bytes, as the reference library of the protocol does before it
/// calls libsodium, which refuses them; and it refuses outputs below 16 bytes, which libsodium's
/// interface names as the least but does not enforce.
#[test]
fn lengths_at_the_edges() {
    let mut inputs = Inputs::new("lengths_at_the_edges");
    for _ in 0..inputs.rounds {
        let message = inputs.bytes(200);
        let long: [u8; 80] = inputs.array();
        assert_eq!(sodium::blake2b(32, &long, &message), None);
        assert!(hash::blake2b_sized(32, &long, &message).is_err());
        let cut = blake2b::<32>(&long[..64], &message);
        assert_eq!(hash::blake2b_keyed::<32>(&long, &[&message]), cut);
    }
    for size in 0..=80 {
        let ours = hash::blake2b_sized(size, b"key", b"message").ok();
        let theirs = sodium::blake2b(size, b"key", b"message");
        assert_eq!(theirs.is_some(), (1..=64).contains(&size), "{size}");
        if size >= 16 {
            assert_eq!(ours, theirs, "{size}");
        } else {
            assert_eq!(ours, None, "{size}");
        }
    }
}

#[test]
fn what_is_derived_from_an_account() {
    let mut inputs = Inputs::new("what_is_derived_from_an_account");
    for _ in 0..inputs.rounds {
        let seed: [u8; 32] = inputs.array();
        let account = Ed25519Secret::from_seed(seed);

        let version = sodium::sign_keypair(&blake2b(b"VersionCheckKey_sig", &seed));
        let key = VersionKey::new(&account);
        assert_eq!(*key.public().as_bytes(), version.0);
        let body = inputs.bytes(100);
        let message = [b"1700000000POST/path?a=b".as_slice(), &body].concat();
        assert_eq!(
            *key.sign_request(1_700_000_000, "POST", "/path?a=b", &body)
                .as_bytes(),
            sodium::sign(&version.1, &message)
        );

        let master_seed: [u8; 32] = blake2b(b"SessionProRandom", &seed);
        let master = pro::master_key(&account);
        assert_eq!(
            *master.public().as_bytes(),
            sodium::sign_keypair(&master_seed).0
        );
        let seconds = u64::from(u32::from_le_bytes(inputs.array()));
        let start = (seconds - seconds % 604_800).to_string();
        let message = [&master_seed, start.as_bytes()].concat();
        let rotating = personal(&[], b"ProRotatingSeed_", &message);
        assert_eq!(*pro::rotating_key(&master, seconds).seed(), rotating);

        let proof = Proof2025 {
            version: 0,
            generation_hash: inputs.array(),
            rotating: Ed25519PublicKey::new(inputs.array()),
            expiry: Timestamp::from_ms(seconds),
            signature: Signature::new([0; 64]),
        };
        let fields = [
            &[0],
            proof.generation_hash.as_slice(),
            proof.rotating.as_bytes(),
            &seconds.to_le_bytes(),
        ];
        let hash = personal(&[], b"ProProof________", &fields.concat());
        assert_eq!(proof.signed_hash(), hash);
    }
}

#[test]
fn hashes_of_stored_messages() {
    let mut inputs = Inputs::new("hashes_of_stored_messages");
    for _ in 0..inputs.rounds {
        let key = inputs.array();
        let number = i16::from_le_bytes(inputs.array());
        let data = inputs.bytes(500);
        for (number, text) in [(0, String::new()), (number, number.to_string())] {
            let text = if number == 0 { String::new() } else { text };
            let message = [&[5], key.as_slice(), text.as_bytes(), &data].concat();
            let digest = blake2b(&[], &message);
            let owner = SwarmPubkey::from(AccountId::from_x25519(X25519PublicKey::new(key)));
            let ours = hash::message_hash(&owner, Namespace::new(number), &data);
            assert_eq!(ours, session_types::MessageHash::from_digest(&digest));
        }
    }
}
