//! What must hold for any input.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::collection::vec;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use session_crypto::{
    AccountKeys, CryptoError, Ed25519Secret, HopKey, OnionCipher, X25519Secret, direct,
    ed25519_to_x25519, sealed_box, verify, x25519_to_ed25519, xed25519,
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
}
