//! What must hold for any input.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use session_crypto::attachment::{self, Decryptor, Domain};
use session_crypto::group_message::{self, Framing};
use session_crypto::{
    AccountKeys, BlindedId, BlindedKeys, Blinding, CryptoError, Ed25519Secret, HopKey, OnionCipher,
    X25519Secret, blinded_message, blinding, direct, ed25519_to_x25519, multi_recipient, picture,
    push, sealed_box, verify, x25519_to_ed25519, xed25519,
};
use session_types::{Ed25519PublicKey, Signature, X25519PublicKey};

const CIPHERS: [OnionCipher; 3] = [
    OnionCipher::AesCbc,
    OnionCipher::AesGcm,
    OnionCipher::XChaCha20,
];

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn direct_messages(
        (alice, bob) in any::<([u8; 16], [u8; 16])>(),
        message in bytes(),
        seed in any::<[u8; 32]>(),
        flip in any::<prop::sample::Index>(),
    ) {
        let (alice, bob) = (AccountKeys::from_seed16(alice), AccountKeys::from_seed16(bob));
        let mut rng = ChaCha20Rng::from_seed(seed);
        let to = *bob.account_id().x25519();
        let mut sealed = direct::encrypt(alice.ed25519(), &to, &message, &mut rng).unwrap();
        let opened = direct::decrypt(bob.x25519(), &sealed).unwrap();
        prop_assert_eq!(&opened.plaintext, &message);
        prop_assert_eq!(opened.sender, alice.account_id());
        let flip = flip.index(sealed.len() * 8);
        sealed[flip / 8] ^= 1 << (flip % 8);
        // X25519 ignores the last bit of the ephemeral key, but the nonce does not.
        prop_assert_eq!(direct::decrypt(bob.x25519(), &sealed), Err(CryptoError::Decryption));
        let same = direct::encrypt_deterministic(alice.ed25519(), &to, &message).unwrap();
        prop_assert_eq!(
            &same,
            &direct::encrypt_deterministic(alice.ed25519(), &to, &message).unwrap()
        );
        prop_assert_eq!(direct::decrypt(bob.x25519(), &same).unwrap().plaintext, message);
    }

    #[test]
    fn layers(
        (client, node) in any::<([u8; 32], [u8; 32])>(),
        message in bytes(),
        seed in any::<[u8; 32]>(),
        flip in any::<prop::sample::Index>(),
    ) {
        let (client, node) = (X25519Secret::from_bytes(client), X25519Secret::from_bytes(node));
        let mut rng = ChaCha20Rng::from_seed(seed);
        for cipher in CIPHERS {
            let sent = HopKey::client(cipher, &client, node.public()).unwrap();
            let received = HopKey::server(cipher, &node, client.public()).unwrap();
            let mut request = sent.encrypt(&message, &mut rng);
            prop_assert_eq!(&received.decrypt(&request).unwrap(), &message);
            let reply = received.encrypt(&message, &mut rng);
            prop_assert_eq!(&sent.decrypt(&reply).unwrap(), &message);
            prop_assert_ne!(&request, &reply);
            let flip = flip.index(request.len() * 8);
            request[flip / 8] ^= 1 << (flip % 8);
            prop_assert_ne!(received.decrypt(&request).ok(), Some(message.clone()));
            if cipher != OnionCipher::AesCbc {
                prop_assert_eq!(received.decrypt(&request), Err(CryptoError::Decryption));
            }
        }
    }

    #[test]
    fn any_bytes_are_refused_quietly(own in any::<[u8; 32]>(), input in bytes()) {
        let own = X25519Secret::from_bytes(own);
        prop_assert!(sealed_box::open(&own, &input).is_err());
        prop_assert!(direct::decrypt(&own, &input).is_err());
        for cipher in CIPHERS {
            let key = HopKey::server(cipher, &own, own.public()).unwrap();
            if cipher == OnionCipher::AesCbc {
                let _ = key.decrypt(&input);
            } else {
                prop_assert!(key.decrypt(&input).is_err());
            }
        }
    }

    #[test]
    fn any_keys_and_signatures_are_judged(
        key in any::<[u8; 32]>(),
        (r, s) in any::<([u8; 32], [u8; 32])>(),
        message in bytes(),
    ) {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&r);
        signature[32..].copy_from_slice(&s);
        let signature = Signature::new(signature);
        prop_assert!(verify(&Ed25519PublicKey::new(key), &message, &signature).is_err());
        prop_assert!(xed25519::verify(&X25519PublicKey::new(key), &message, &signature).is_err());
        let _ = ed25519_to_x25519(&Ed25519PublicKey::new(key));
        let own = X25519Secret::from_bytes(r);
        let _ = own.diffie_hellman(&X25519PublicKey::new(key));
    }

    #[test]
    fn signatures(
        seed in any::<[u8; 32]>(),
        message in bytes(),
        flip in any::<prop::sample::Index>(),
    ) {
        let key = Ed25519Secret::from_seed(seed);
        let mut signature = *key.sign(&message).as_bytes();
        verify(key.public(), &message, &Signature::new(signature)).unwrap();
        let x25519 = key.to_x25519();
        let other = xed25519::sign(&x25519, &message, &mut ChaCha20Rng::from_seed(seed));
        xed25519::verify(x25519.public(), &message, &other).unwrap();
        let flip = flip.index(512);
        signature[flip / 8] ^= 1 << (flip % 8);
        prop_assert!(verify(key.public(), &message, &Signature::new(signature)).is_err());
    }

    #[test]
    fn key_forms(seed in any::<[u8; 32]>()) {
        let key = Ed25519Secret::from_seed(seed);
        let converted = ed25519_to_x25519(key.public()).unwrap();
        prop_assert_eq!(converted, *key.to_x25519().public());
        let mut positive = *key.public().as_bytes();
        positive[31] &= 0x7f;
        prop_assert_eq!(x25519_to_ed25519(&converted).unwrap(), Ed25519PublicKey::new(positive));
    }

    #[test]
    fn blinded_identities(
        (alice, bob) in any::<([u8; 16], [u8; 16])>(),
        (server, seed) in any::<([u8; 32], [u8; 32])>(),
        message in bytes(),
    ) {
        let (alice, bob) = (AccountKeys::from_seed16(alice), AccountKeys::from_seed16(bob));
        let server = X25519PublicKey::new(server);
        let mut rng = ChaCha20Rng::from_seed(seed);
        for blinding in [Blinding::V15, Blinding::V25] {
            let from = BlindedKeys::new(blinding, alice.ed25519(), &server).unwrap();
            let to = BlindedKeys::new(blinding, bob.ed25519(), &server).unwrap();
            prop_assert!(blinding::matches(&alice.account_id(), from.id(), &server).unwrap());
            let same = alice.account_id() == bob.account_id();
            let other = blinding::matches(&bob.account_id(), from.id(), &server).unwrap();
            prop_assert_eq!(other, same);
            prop_assert_eq!(from.id().to_hex().parse::<BlindedId>().unwrap(), *from.id());
            verify(from.id().key(), &message, &from.sign(&message)).unwrap();

            let sent =
                blinded_message::encrypt(alice.ed25519(), to.id(), &server, &message, &mut rng)
                    .unwrap();
            for reader in [&alice, &bob] {
                let opened = blinded_message::decrypt(
                    reader.ed25519(), &server, from.id(), to.id(), &sent,
                ).unwrap();
                prop_assert_eq!(&opened.plaintext, &message);
                prop_assert_eq!(opened.sender, alice.account_id());
            }
            let forged = if same { Ok(()) } else {
                blinded_message::decrypt(bob.ed25519(), &server, to.id(), to.id(), &sent).map(drop)
            };
            prop_assert!(forged.is_err() || same);
        }
    }

    /// Who sees one account's ids on several servers cannot tell from the ids that they are one's.
    #[test]
    fn blinded_ids_have_nothing_in_common(
        seed in any::<[u8; 16]>(),
        servers in btree_set(any::<[u8; 32]>(), 2..9),
    ) {
        let account = AccountKeys::from_seed16(seed);
        let mut ids = Vec::new();
        for server in servers {
            let server = X25519PublicKey::new(server);
            for blinding in [Blinding::V15, Blinding::V25] {
                ids.push(*BlindedKeys::new(blinding, account.ed25519(), &server).unwrap().id());
            }
            // As somebody else computes them from the account id.
            let [first, second] = blinding::candidates_15(&account.account_id(), &server).unwrap();
            let last = ids.len() - 2;
            prop_assert!(ids[last] == first || ids[last] == second);
            prop_assert_eq!(
                ids[last + 1],
                blinding::id_25(&account.account_id(), &server).unwrap()
            );
        }
        let start = |id: &BlindedId| id.key().as_bytes()[..8].to_vec();
        let starts: BTreeSet<_> = ids.iter().map(start).collect();
        prop_assert_eq!(starts.len(), ids.len());

        // Six bytes in a row come up by chance once in 2^48.
        let own = [*account.ed25519().public().as_bytes(), *account.x25519().public().as_bytes()];
        let known: BTreeSet<_> = own.iter().flat_map(|key| key.windows(6)).collect();
        for id in &ids {
            prop_assert!(id.key().as_bytes().windows(6).all(|part| !known.contains(part)));
        }
        // With another account on the same servers, nothing matches either.
        let other = AccountKeys::from_seed32([9; 32]);
        let server = X25519PublicKey::new([8; 32]);
        for id in &ids {
            prop_assert!(!blinding::matches(&other.account_id(), id, &server).unwrap());
        }
    }

    #[test]
    fn group_messages(
        (sender, group) in any::<([u8; 32], [u8; 32])>(),
        (key, seed) in any::<([u8; 32], [u8; 32])>(),
        message in vec(any::<u8>(), 1..900),
        compress in any::<bool>(),
        multiple in 0usize..600,
        flip in any::<prop::sample::Index>(),
    ) {
        let sender = Ed25519Secret::from_seed(sender);
        let group = Ed25519PublicKey::new(group);
        let mut rng = ChaCha20Rng::from_seed(seed);
        let framing = Framing { compress, multiple };
        let mut sent =
            group_message::encrypt(&sender, &group, &key, &message, framing, &mut rng).unwrap();
        prop_assert_eq!(if multiple > 1 { sent.len() % multiple } else { 0 }, 0);
        let keys = [[0; 32], key];
        let opened = group_message::decrypt(&keys, &group, &sent).unwrap();
        prop_assert_eq!(&opened.plaintext, &message);
        prop_assert_eq!(&opened.sender_ed25519, sender.public());
        let elsewhere = group_message::decrypt(&keys, sender.public(), &sent);
        prop_assert_eq!(elsewhere, Err(CryptoError::Signature));
        let flip = flip.index(sent.len() * 8);
        sent[flip / 8] ^= 1 << (flip % 8);
        prop_assert!(group_message::decrypt(&keys, &group, &sent).is_err());
    }

    #[test]
    fn containers(
        sender in any::<[u8; 32]>(),
        recipients in vec(any::<[u8; 32]>(), 1..5),
        message in bytes(),
        pad in 0usize..7,
        seed in any::<[u8; 32]>(),
    ) {
        let sender = X25519Secret::from_bytes(sender);
        let recipients: Vec<_> = recipients.into_iter().map(X25519Secret::from_bytes).collect();
        let keys: Vec<_> = recipients.iter().map(|key| *key.public()).collect();
        let mut rng = ChaCha20Rng::from_seed(seed);
        let container = multi_recipient::encrypt_container(
            &sender, &keys, None, b"domain", &[&message], pad, &mut rng,
        ).unwrap();
        for own in &recipients {
            let opened = |domain: &[u8]| {
                multi_recipient::decrypt_container(own, sender.public(), domain, &container)
            };
            prop_assert_eq!(opened(b"domain").unwrap(), message.clone());
            prop_assert!(opened(b"other").is_err());
        }
        let two: [&[u8]; 2] = [b"", b""];
        let nonce = [0; 24];
        let wrong = multi_recipient::encrypt_all(&sender, &keys, &nonce, b"", &two);
        prop_assert_eq!(wrong.is_ok(), keys.len() == 2);
    }

    #[test]
    fn attachments(
        seed in any::<[u8; 32]>(),
        size in 0usize..140_000,
        piece in 1usize..50_000,
        (flip, cut) in any::<(prop::sample::Index, prop::sample::Index)>(),
    ) {
        let data: Vec<u8> = (0..=255).cycle().skip(piece).take(size).collect();
        let (mut file, key) = attachment::encrypt(&seed, Domain::Attachment, &data).unwrap();
        prop_assert_eq!(file.len() as u64, attachment::encrypted_size(size as u64));
        let open = |file: &[u8]| {
            let mut decryptor = Decryptor::new(key.key());
            let mut out = Vec::new();
            for piece in file.chunks(piece) {
                decryptor.update(piece, &mut out)?;
            }
            decryptor.finish(&mut out)?;
            Ok::<_, CryptoError>(out)
        };
        prop_assert!(open(&file).unwrap() == data);
        prop_assert!(open(&file[..cut.index(file.len())]).is_err());
        let flip = flip.index(file.len() * 8);
        file[flip / 8] ^= 1 << (flip % 8);
        prop_assert!(open(&file).is_err());
        file[flip / 8] ^= 1 << (flip % 8);
        file.push(0);
        prop_assert!(open(&file).is_err());
    }

    #[test]
    fn sizes_of_attachments(size in 0..=attachment::MAX_SIZE, any in any::<u64>()) {
        let encrypted = attachment::encrypted_size(size);
        prop_assert!(attachment::padding(size) >= 1);
        prop_assert!(encrypted > size && encrypted >= 4096);
        // Multiples of a 32nd of the largest power of two below.
        prop_assert_eq!(encrypted % 4096, 0);
        prop_assert!(encrypted <= 10_223_616);
        let _ = attachment::encrypted_size(any);
        let _ = attachment::legacy::padded_size(any);
    }

    #[test]
    fn any_bytes_are_refused_everywhere(
        (key, own) in any::<([u8; 32], [u8; 32])>(),
        (id, server) in any::<([u8; 32], [u8; 32])>(),
        input in bytes(),
    ) {
        let own = Ed25519Secret::from_seed(own);
        let server = X25519PublicKey::new(server);
        prop_assert!(picture::decrypt(&key, &input).is_err());
        prop_assert!(push::open(&key, &input).is_err());
        let _ = push::parse(&input);
        prop_assert!(attachment::decrypt(&key, &input).is_err());
        let mut marked = vec![b'S'];
        marked.extend_from_slice(&input);
        prop_assert!(attachment::decrypt(&key, &marked).is_err());
        prop_assert!(attachment::legacy::decrypt(&[7; 64], &key, None, &input).is_err());
        prop_assert!(group_message::decrypt([&key], own.public(), &input).is_err());
        let container =
            multi_recipient::decrypt_container(&own.to_x25519(), &server, b"", &input);
        prop_assert!(container.is_err());
        for blinding in [Blinding::V15, Blinding::V25] {
            let other = BlindedId::new(blinding, Ed25519PublicKey::new(id));
            let mine = BlindedKeys::new(blinding, &own, &server).unwrap();
            let opened =
                blinded_message::decrypt(&own, &server, &other, mine.id(), &input);
            prop_assert!(opened.is_err());
        }
        let account = session_types::AccountId::from_x25519(X25519PublicKey::new(id));
        let _ = blinding::candidates_15(&account, &server);
        let _ = blinding::id_25(&account, &server);
    }
}

/// More data never makes a shorter file: all sizes between two that give the same length give it
/// too, so that the length tells a step and nothing else. Every size there is.
#[test]
fn lengths_of_files_tell_the_step_only() {
    let mut steps = BTreeSet::new();
    let mut last = 0;
    for size in 0..=attachment::MAX_SIZE {
        let now = attachment::encrypted_size(size);
        assert!(now >= last, "{size}");
        if now != last {
            steps.insert(now);
            last = now;
        }
    }
    assert!(steps.len() < 256, "{}", steps.len());

    let mut steps = BTreeSet::new();
    last = 0;
    for size in 0..=attachment::legacy::MAX_SIZE {
        let now = attachment::legacy::padded_size(size);
        assert!(now >= last && now >= size, "{size}");
        if now != last {
            // A file filled up to here looks like one of this size.
            assert_eq!(attachment::legacy::padded_size(now), now);
            steps.insert(now);
            last = now;
        }
    }
    assert!(steps.len() < 256, "{}", steps.len());
}
