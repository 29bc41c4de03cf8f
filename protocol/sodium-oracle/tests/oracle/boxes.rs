use session_crypto::name::SessionName;
use session_crypto::{CryptoError, X25519Secret, push, sealed_box};
use session_sodium_oracle::sodium;
use session_types::{AccountId, X25519PublicKey};

use crate::inputs::{Inputs, variable};

/// As the name service had it before hard fork 16.
const ARGON2_MEMORY: usize = 256 * 1024 * 1024;

#[test]
fn sealed_boxes() {
    let mut inputs = Inputs::new("sealed_boxes");
    for _ in 0..inputs.rounds {
        let own = X25519Secret::from_bytes(inputs.array());
        let (public, secret) = (*own.public().as_bytes(), *own.secret_bytes());
        let message = inputs.bytes(700);

        let theirs = sodium::seal(&public, &message).unwrap();
        assert_eq!(
            sealed_box::open(&own, &theirs).unwrap(),
            message,
            "{theirs:02x?}"
        );
        let ours = sealed_box::seal(own.public(), &message, &mut inputs.rng).unwrap();
        assert_eq!(ours.len(), message.len() + sealed_box::OVERHEAD);
        assert_eq!(
            sodium::open_sealed(&public, &secret, &ours).unwrap(),
            message
        );

        let flipped = inputs.flip(&ours);
        assert_eq!(sodium::open_sealed(&public, &secret, &flipped), None);
        assert_eq!(
            sealed_box::open(&own, &flipped),
            Err(CryptoError::Decryption)
        );
        let cut = &ours[..inputs.below(ours.len())];
        assert_eq!(sodium::open_sealed(&public, &secret, cut), None);
        assert_eq!(sealed_box::open(&own, cut), Err(CryptoError::Decryption));
    }
}

#[test]
fn sealed_boxes_to_and_from_keys_of_small_order() {
    let mut inputs = Inputs::new("sealed_boxes_to_and_from_keys_of_small_order");
    let own = X25519Secret::from_bytes(inputs.array());
    for point in curve25519_dalek::constants::EIGHT_TORSION {
        let public = point.to_montgomery().to_bytes();
        assert_eq!(sodium::seal(&public, b"message"), None);
        let ours = sealed_box::seal(&X25519PublicKey::new(public), b"message", &mut inputs.rng);
        assert_eq!(ours, Err(CryptoError::PublicKey));
        let sealed = [public.as_slice(), &inputs.array::<40>()].concat();
        let theirs = sodium::open_sealed(own.public().as_bytes(), own.secret_bytes(), &sealed);
        assert_eq!(theirs, None);
        assert_eq!(
            sealed_box::open(&own, &sealed),
            Err(CryptoError::Decryption)
        );
    }
}

/// X25519 ignores the top bit of the ephemeral key, the nonce does not.
#[test]
fn sealed_boxes_with_the_top_bit_set() {
    let mut inputs = Inputs::new("sealed_boxes_with_the_top_bit_set");
    for _ in 0..inputs.rounds {
        let own = X25519Secret::from_bytes(inputs.array());
        let public = own.public().as_bytes();
        let message = inputs.bytes(100);
        let secret = inputs.array();
        let key = sodium::box_key(public, &secret).unwrap();
        let mut ephemeral = sodium::x25519_base(&secret);
        let sealed = |ephemeral: &[u8; 32], nonce_of: &[u8; 32]| {
            let nonce = sodium::blake2b(24, &[], &[*nonce_of, *public].concat());
            let nonce = nonce.unwrap().try_into().unwrap();
            let boxed = sodium::secretbox(&key, &nonce, &message);
            [ephemeral.as_slice(), &boxed].concat()
        };
        let plain = ephemeral;
        ephemeral[31] |= 0x80;
        for (sealed, fits) in [
            (sealed(&plain, &plain), true),
            (sealed(&ephemeral, &ephemeral), true),
            (sealed(&ephemeral, &plain), false),
        ] {
            let theirs = sodium::open_sealed(public, own.secret_bytes(), &sealed);
            assert_eq!(theirs.is_some(), fits);
            assert_eq!(sealed_box::open(&own, &sealed).ok(), theirs);
        }
    }
}

/// What is inside a sealed box is a secretbox, with a nonce that follows from the keys.
#[test]
fn secretboxes() {
    let mut inputs = Inputs::new("secretboxes");
    for _ in 0..inputs.rounds {
        let own = X25519Secret::from_bytes(inputs.array());
        let message = inputs.bytes(300);
        let inside = |sealed: &[u8], ephemeral: &[u8; 32]| {
            let nonce = sodium::blake2b(
                24,
                &[],
                &[ephemeral, own.public().as_bytes().as_slice()].concat(),
            );
            let key = sodium::box_key(ephemeral, own.secret_bytes()).unwrap();
            (key, nonce.unwrap().try_into().unwrap(), sealed.to_vec())
        };
        let ours = sealed_box::seal(own.public(), &message, &mut inputs.rng).unwrap();
        let (ephemeral, rest) = ours.split_first_chunk::<32>().unwrap();
        let (key, nonce, rest) = inside(rest, ephemeral);
        assert_eq!(
            sodium::open_secretbox(&key, &nonce, &rest).unwrap(),
            message
        );

        let ephemeral = sodium::x25519_base(&inputs.array());
        let (key, nonce, _) = inside(&[], &ephemeral);
        let made = [
            ephemeral.as_slice(),
            &sodium::secretbox(&key, &nonce, &message),
        ]
        .concat();
        assert_eq!(sealed_box::open(&own, &made).unwrap(), message);
    }
}

#[test]
fn xchacha20_poly1305() {
    let mut inputs = Inputs::new("xchacha20_poly1305");
    for _ in 0..inputs.rounds {
        let (key, nonce) = (inputs.array(), inputs.array());
        let message = inputs.bytes(700);
        let sealed = [
            nonce.as_slice(),
            &sodium::xchacha_seal(&key, &nonce, &message),
        ]
        .concat();
        // Notifications are this and nothing else, but for the zeros at the end.
        let length = message
            .iter()
            .rposition(|&byte| byte != 0)
            .map_or(message.len(), |n| n + 1);
        assert_eq!(*push::open(&key, &sealed).unwrap(), message[..length]);
        let flipped = inputs.flip(&sealed);
        assert_eq!(push::open(&key, &flipped), Err(CryptoError::Decryption));
        let cut = &sealed[..inputs.below(sealed.len())];
        assert_eq!(push::open(&key, cut), Err(CryptoError::Decryption));
        let theirs = cut
            .split_first_chunk()
            .and_then(|(nonce, rest)| sodium::xchacha_open(&key, nonce, rest));
        assert_eq!(theirs, None);

        let data = inputs.bytes(600);
        let data = (!data.len().is_multiple_of(5)).then_some(data.as_slice());
        let ours = push::seal(&key, "{}", data, &mut inputs.rng);
        let (nonce, rest) = ours.split_first_chunk().unwrap();
        let mut expected = b"l2:{}".to_vec();
        if let Some(data) = data {
            expected.extend_from_slice(format!("{}:", data.len()).as_bytes());
            expected.extend_from_slice(data);
        }
        expected.push(b'e');
        expected.resize(expected.len().next_multiple_of(256), 0);
        assert_eq!(sodium::xchacha_open(&key, nonce, rest).unwrap(), expected);
    }
}

fn any_name(inputs: &mut Inputs) -> String {
    const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789_";
    (0..=inputs.below(64))
        .map(|_| char::from(ALPHABET[inputs.below(ALPHABET.len())]))
        .collect()
}

#[test]
fn names() {
    let mut inputs = Inputs::new("names");
    for _ in 0..inputs.rounds {
        let text = any_name(&mut inputs);
        let name: SessionName = text.parse().unwrap();
        let hash = sodium::blake2b(32, &[], text.as_bytes()).unwrap();
        assert_eq!(name.hash().to_vec(), hash);
        let key = sodium::blake2b(32, &hash, text.as_bytes()).unwrap();
        let key = key.try_into().unwrap();
        let account = AccountId::from_x25519(X25519PublicKey::new(inputs.array()));

        let nonce = inputs.array();
        let value = sodium::xchacha_seal(&key, &nonce, &account.to_bytes());
        assert_eq!(name.decrypt(&value, &nonce), Ok(account));
        let (value, nonce) = name.encrypt(&account, &mut inputs.rng);
        let opened = sodium::xchacha_open(&key, &nonce, &value).unwrap();
        assert_eq!(opened, account.to_bytes());
    }
}

/// Argon2id and the secretbox of names of before hard fork 16.
#[test]
fn old_names() {
    let rounds = variable("SODIUM_ORACLE_ARGON2_ROUNDS").unwrap_or(4);
    let mut inputs = Inputs::with_rounds("old_names", rounds);
    for _ in 0..inputs.rounds {
        let text = any_name(&mut inputs);
        let name: SessionName = text.parse().unwrap();
        let key = sodium::argon2id(text.as_bytes(), &[0; 16], 3, ARGON2_MEMORY).unwrap();
        let account = AccountId::from_x25519(X25519PublicKey::new(inputs.array()));
        let value = sodium::secretbox(&key, &[0; 24], &account.to_bytes());
        assert_eq!(name.decrypt_old(&value), Ok(account));
    }
}
