//! Ciphertexts from strangers, and what is under them when the stranger knows the key.

use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};
use session_crypto::name::SessionName;
use session_crypto::push::Metadata;
use session_crypto::{BlindedId, X25519Secret};
use session_crypto::{
    Ed25519Secret, Opened, blinded_message, direct, multi_recipient, picture as pictures, push,
    sealed_box,
};
use session_encoding::bt::ListWriter;
use session_types::X25519PublicKey;

use crate::actors::{alice, bob, rng, server};
use crate::reached::note_accepted;

const DOMAIN: &[u8] = b"fuzzing";

/// Nonce of zeros, ciphertext, tag: for keys that the writer of a message shares.
pub(crate) fn xchacha_seal(key: &[u8; 32], plaintext: &[u8]) -> Vec<u8> {
    let nonce = [0; 24];
    let mut body = plaintext.to_vec();
    let tag = XChaCha20Poly1305::new(key.into())
        .encrypt_inout_detached((&nonce).into(), &[], body.as_mut_slice().into())
        .expect("fuzz inputs are small");
    [&nonce, body.as_slice(), tag.as_slice()].concat()
}

/// Sealed messages below the level of envelopes.
///
/// | First byte mod 6 | The rest is |
/// |---|---|
/// | 0 | a seed (32 bytes) and a message sealed to it |
/// | 1 | what is inside a message sealed to Bob |
/// | 2 | a seed, the sender's X25519 key and a container of several copies |
/// | 3 | the message for Bob in a container, behind noise |
/// | 4 | a seed, two blinded ids (33 bytes each) and a message between them |
/// | 5 | a container, to be read by Bob as from Alice |
pub fn sealed_messages(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let (alice, bob) = (alice(), bob());
    match choice % 6 {
        0 => {
            if let Some((seed, sealed)) = rest.split_first_chunk::<32>() {
                let own = Ed25519Secret::from_seed(*seed).to_x25519();
                check_opened(direct::decrypt(&own, sealed).ok().as_ref());
                let _ = sealed_box::open(&own, sealed);
            }
        }
        1 => {
            let sealed = sealed_box::seal(bob.x25519().public(), rest, &mut rng())
                .expect("the recipient is a good key");
            let opened = sealed_box::open(bob.x25519(), &sealed);
            assert_eq!(opened.as_deref(), Ok(rest));
            check_opened(direct::decrypt(bob.x25519(), &sealed).ok().as_ref());
        }
        2 => {
            let Some((seed, rest)) = rest.split_first_chunk::<32>() else {
                return;
            };
            if let Some((sender, container)) = rest.split_first_chunk::<32>() {
                let own = Ed25519Secret::from_seed(*seed).to_x25519();
                let sender = X25519PublicKey::new(*sender);
                let _ = multi_recipient::decrypt_container(&own, &sender, DOMAIN, container);
            }
        }
        3 => {
            let (sender, recipient) = (alice.x25519(), *bob.x25519().public());
            let other = *X25519Secret::from_bytes([9; 32]).public();
            let container = multi_recipient::encrypt_container(
                sender,
                &[other, recipient],
                None,
                DOMAIN,
                &[b"", rest],
                4,
                &mut rng(),
            )
            .expect("the recipients are good keys");
            let from = sender.public();
            let read = multi_recipient::decrypt_container(bob.x25519(), from, DOMAIN, &container);
            assert_eq!(read.as_deref(), Ok(rest));
        }
        4 => {
            let Some((seed, rest)) = rest.split_first_chunk::<32>() else {
                return;
            };
            let Some((ids, message)) = rest.split_at_checked(66) else {
                return;
            };
            let (from, to) = ids.split_at(33);
            if let (Ok(from), Ok(to)) = (BlindedId::try_from(from), BlindedId::try_from(to)) {
                let own = Ed25519Secret::from_seed(*seed);
                let opened = blinded_message::decrypt(&own, &server(), &from, &to, message);
                check_opened(opened.ok().as_ref());
            }
        }
        _ => {
            let from = alice.x25519().public();
            let _ = multi_recipient::decrypt_container(bob.x25519(), from, DOMAIN, rest);
        }
    }
}

/// The sender is who the signing key belongs to, never who the message says.
fn check_opened(opened: Option<&Opened>) {
    if let Some(opened) = opened {
        note_accepted();
        let key = session_crypto::ed25519_to_x25519(&opened.sender_ed25519);
        assert_eq!(key.as_ref(), Ok(opened.sender.x25519()));
    }
}

/// A push notification: first the whole payload with its key in front (32 bytes), then the same
/// bytes as its plaintext.
pub fn push_notification(data: &[u8]) {
    if let Some((key, payload)) = data.split_first_chunk::<32>() {
        let _ = push::open(key, payload);
        let opened = push::open(key, &xchacha_seal(key, data)).expect("sealed with this key");
        assert!(data.starts_with(&opened));
    }
    if let Ok(parsed) = push::parse(data) {
        note_accepted();
        assert!(matches!(data, [b'l', .., b'e']));
        if let (Metadata::Json(json), Some(body)) = (parsed.metadata, parsed.data) {
            let mut list = ListWriter::new();
            list.bytes(json).bytes(body);
            let again = list.finish();
            assert_eq!(push::parse(&again), Ok(parsed));
        }
    }
}

/// A picture in the older form, its key in front (32 bytes).
pub fn picture(data: &[u8]) {
    let Some((key, blob)) = data.split_first_chunk::<32>() else {
        return;
    };
    if pictures::decrypt(key, blob).is_ok() {
        note_accepted();
    }
    let sealed = pictures::encrypt_with(key, blob, &mut rng()).expect("fuzz inputs are small");
    assert_eq!(pictures::decrypt(key, &sealed).as_deref(), Ok(blob));
    let mut changed = sealed;
    if let Some(last) = changed.last_mut() {
        *last ^= 1;
    }
    assert!(pictures::decrypt(key, &changed).is_err());
}

/// What the name service gives out.
///
/// | Bytes | Meaning |
/// |---|---|
/// | 24 | nonce |
/// | 1 | length n of the name |
/// | n | the name |
/// | rest | the value |
pub fn name_value(data: &[u8]) {
    let Some((nonce, rest)) = data.split_first_chunk::<24>() else {
        return;
    };
    let Some((length, rest)) = rest.split_first() else {
        return;
    };
    let Some((name, value)) = rest.split_at_checked((*length).into()) else {
        return;
    };
    let name = core::str::from_utf8(name)
        .ok()
        .and_then(|name| name.parse().ok());
    let Some(name): Option<SessionName> = name else {
        return;
    };
    if name.decrypt(value, nonce).is_ok() {
        note_accepted();
    }
    // An account comes out as it was put in, whatever else is registered.
    let (sealed, nonce) = name.encrypt(&alice().account_id(), &mut rng());
    assert_eq!(name.decrypt(&sealed, &nonce), Ok(alice().account_id()));
    // The key follows from the name alone, so that anybody can register anything.
    let key = session_crypto::hash::blake2b_keyed::<32>(&name.hash(), &[name.as_str().as_bytes()]);
    let forged = xchacha_seal(&key, value);
    let (nonce, sealed) = forged.split_at(24);
    if let Ok(account) = name.decrypt(sealed, nonce) {
        assert_eq!(account.to_bytes(), value);
    }
}
