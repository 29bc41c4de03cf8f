//! Whole messages, made and opened with libsodium's parts alone.

use session_crypto::group_message::{self, Framing};
use session_crypto::{
    AccountKeys, Ed25519Secret, HopKey, OnionCipher, X25519Secret, direct, multi_recipient,
};
use session_sodium_oracle::sodium;
use session_types::{Ed25519PublicKey, X25519PublicKey};

use crate::inputs::Inputs;

fn blake2b(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let out = sodium::blake2b(32, key, &parts.concat());
    out.unwrap().try_into().unwrap()
}

#[test]
fn direct_messages() {
    let mut inputs = Inputs::new("direct_messages");
    for _ in 0..inputs.rounds {
        let seed = inputs.array();
        let (public, secret) = sodium::sign_keypair(&seed);
        let sender = AccountKeys::from_seed32(seed);
        let own = X25519Secret::from_bytes(inputs.array());
        let to = own.public();
        let message = inputs.bytes(600);
        let signature = sodium::sign(
            &secret,
            &[&message, public.as_slice(), to.as_bytes()].concat(),
        );
        let inner = [&message, public.as_slice(), &signature].concat();

        let theirs = sodium::seal(to.as_bytes(), &inner).unwrap();
        let opened = direct::decrypt(&own, &theirs).unwrap();
        assert_eq!(opened.plaintext, message);
        assert_eq!(opened.sender, sender.account_id());
        let ours = direct::encrypt(sender.ed25519(), to, &message, &mut inputs.rng).unwrap();
        let opened = sodium::open_sealed(to.as_bytes(), own.secret_bytes(), &ours);
        assert_eq!(opened, Some(inner.clone()));

        let seed = blake2b(
            b"SessionBoxEphemeralHashKey",
            &[&seed, to.as_bytes(), &message],
        );
        let (ephemeral, secret) = sodium::box_keypair(&seed);
        let nonce = sodium::blake2b(24, &[], &[ephemeral, *to.as_bytes()].concat()).unwrap();
        let key = sodium::box_key(to.as_bytes(), &secret).unwrap();
        let boxed = sodium::secretbox(&key, &nonce.try_into().unwrap(), &inner);
        let ours = direct::encrypt_deterministic(sender.ed25519(), to, &message).unwrap();
        assert_eq!(ours, [ephemeral.as_slice(), &boxed].concat());
    }
}

#[test]
fn onion_layers() {
    let mut inputs = Inputs::new("onion_layers");
    for _ in 0..inputs.rounds {
        let client = X25519Secret::from_bytes(inputs.array());
        let node = X25519Secret::from_bytes(inputs.array());
        let message = inputs.bytes(700);
        let shared = sodium::x25519(client.secret_bytes(), node.public().as_bytes()).unwrap();
        let key = blake2b(
            &[],
            &[
                &shared,
                client.public().as_bytes(),
                node.public().as_bytes(),
            ],
        );

        let sent = HopKey::client(OnionCipher::XChaCha20, &client, node.public()).unwrap();
        let layer = sent.encrypt(&message, &mut inputs.rng);
        let (nonce, rest) = layer.split_first_chunk().unwrap();
        assert_eq!(sodium::xchacha_open(&key, nonce, rest).unwrap(), message);

        let received = HopKey::server(OnionCipher::XChaCha20, &node, client.public()).unwrap();
        let nonce = inputs.array();
        let sealed = sodium::xchacha_seal(&key, &nonce, &message);
        let layer = [nonce.as_slice(), &sealed].concat();
        assert_eq!(received.decrypt(&layer).unwrap(), message);
    }
}

#[test]
fn copies_for_recipients() {
    let mut inputs = Inputs::new("copies_for_recipients");
    for _ in 0..inputs.rounds {
        let sender = X25519Secret::from_bytes(inputs.array());
        let recipient = X25519Secret::from_bytes(inputs.array());
        let (domain, message, nonce) = (inputs.bytes(64), inputs.bytes(300), inputs.array());
        let to = recipient.public();
        let shared = sodium::x25519(sender.secret_bytes(), to.as_bytes()).unwrap();
        let key = blake2b(
            &domain,
            &[&shared, sender.public().as_bytes(), to.as_bytes()],
        );
        let theirs = sodium::xchacha_seal(&key, &nonce, &message);
        let ours = multi_recipient::encrypt_for(&sender, to, &nonce, &domain, &message);
        assert_eq!(ours.unwrap(), theirs);
        let opened =
            multi_recipient::decrypt_from(&recipient, sender.public(), &nonce, &domain, &theirs);
        assert_eq!(opened.unwrap(), message);
    }
}

#[test]
fn group_messages() {
    let mut inputs = Inputs::new("group_messages");
    for _ in 0..inputs.rounds {
        let seed = inputs.array();
        let sender = Ed25519Secret::from_seed(seed);
        let (public, secret) = sodium::sign_keypair(&seed);
        let group = Ed25519PublicKey::new(inputs.array());
        let key = inputs.array();
        let message = [b"m", inputs.bytes(600).as_slice()].concat();
        let signature = sodium::sign(&secret, &[&message, group.as_bytes().as_slice()].concat());
        let mut dict = b"d0:i1e1:a32:".to_vec();
        dict.extend_from_slice(&public);
        dict.extend_from_slice(format!("1:d{}:", message.len()).as_bytes());
        dict.extend_from_slice(&message);
        dict.extend_from_slice(b"1:s64:");
        dict.extend_from_slice(&signature);
        dict.push(b'e');
        dict.resize((dict.len() + 40).next_multiple_of(256) - 40, 0);

        let framing = Framing {
            compress: false,
            ..Framing::default()
        };
        let ours =
            group_message::encrypt(&sender, &group, &key, &message, framing, &mut inputs.rng);
        let ours = ours.unwrap();
        let (nonce, rest) = ours.split_first_chunk().unwrap();
        assert_eq!(sodium::xchacha_open(&key, nonce, rest).unwrap(), dict);

        let nonce = inputs.array();
        let sealed = sodium::xchacha_seal(&key, &nonce, &dict);
        let theirs = [nonce.as_slice(), &sealed].concat();
        let opened = group_message::decrypt([&key], &group, &theirs).unwrap();
        assert_eq!(opened.plaintext, message);
        let account = sodium::public_to_x25519(&public).unwrap();
        assert_eq!(*opened.sender.x25519(), X25519PublicKey::new(account));
    }
}
