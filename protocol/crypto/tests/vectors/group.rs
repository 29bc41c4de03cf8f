//! group_messages.json and multi_encrypt.json.

use serde_json::Value;
use session_crypto::group_message::{self, Framing};
use session_crypto::{Ed25519Secret, X25519Secret, ed25519_to_x25519, multi_recipient};
use session_encoding::bt;
use session_encoding::zstd_frame;
use session_types::{Ed25519PublicKey, X25519PublicKey};

use session_test_support::ScriptedRng;
use session_test_support::vectors::{array, cases, hex, load, ok, only, text};

/// Hex, or `<count> x <byte>`.
fn repeated(value: &Value) -> Vec<u8> {
    match text(value).split_once(" x ") {
        Some((count, byte)) => {
            vec![u8::from_str_radix(byte, 16).unwrap(); count.parse().unwrap()]
        }
        None => hex(value),
    }
}

#[test]
fn group_messages() {
    let sections = [
        "encrypt",
        "decrypt",
        "sender_seeds",
        "group_seed",
        "group_ed25519_pk",
    ];
    let file = load("group_messages.json", &sections);
    let group = Ed25519Secret::from_seed(array(&file["group_seed"]));
    assert_eq!(group.public().to_hex(), text(&file["group_ed25519_pk"]));
    let group = *group.public();
    only(&file["sender_seeds"], "sender_seeds", &["A1", "M1", "M2"]);

    let keys = [
        "sender_seed",
        "group_ed25519_pk",
        "group_key",
        "plaintext",
        "compress",
        "padding",
        "nonce",
        "ciphertext",
        "inner_padded",
        "what",
        "ok",
    ];
    for case in cases(&file, "encrypt", &keys) {
        if case["sender_seed"].is_null() {
            assert!(!ok(case) && text(&case["what"]).contains("1000001 bytes"));
            let sender = Ed25519Secret::from_seed([1; 32]);
            let long = vec![0; 1_000_001];
            let mut rng = ScriptedRng::new(&[0; 24]);
            let framing = Framing::default();
            let encrypt = |text: &[u8], rng: &mut ScriptedRng| {
                group_message::encrypt(&sender, &group, &[2; 32], text, framing, rng)
            };
            assert!(encrypt(&long, &mut rng).is_err());
            assert!(encrypt(&long[1..], &mut rng).is_ok());
            continue;
        }
        encrypt(case);
    }
    let keys = [
        "what",
        "ciphertext",
        "group_keys",
        "ok",
        "sender",
        "plaintext",
        "inner",
    ];
    for case in cases(&file, "decrypt", &keys) {
        let keys: Vec<[u8; 32]> = case["group_keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(array)
            .collect();
        let opened = group_message::decrypt(&keys, &group, &hex(&case["ciphertext"]));
        assert_eq!(opened.is_ok(), ok(case), "{case}");
        let Ok(opened) = opened else { continue };
        assert!(opened.plaintext == repeated(&case["plaintext"]), "{case}");
        assert_eq!(opened.sender.to_hex(), text(&case["sender"]), "{case}");
    }
}

fn encrypt(case: &Value) {
    let sender = Ed25519Secret::from_seed(array(&case["sender_seed"]));
    let group = Ed25519PublicKey::new(array(&case["group_ed25519_pk"]));
    let key = array(&case["group_key"]);
    let plaintext = hex(&case["plaintext"]);
    let framing = Framing {
        compress: case["compress"].as_bool().unwrap(),
        multiple: usize::try_from(case["padding"].as_u64().unwrap()).unwrap(),
    };
    let mut rng = ScriptedRng::new(&hex(&case["nonce"]));
    let ours =
        group_message::encrypt(&sender, &group, &key, &plaintext, framing, &mut rng).unwrap();
    rng.assert_used_up();
    if framing.multiple > 1 {
        assert_eq!(ours.len() % framing.multiple, 0);
    }
    let theirs = hex(&case["ciphertext"]);
    let inner = hex(&case["inner_padded"]);
    let inner = bt::parse(session_encoding::padding::strip_zeros(&inner)).unwrap();
    match inner.get("z").map(|z| z.as_bytes().unwrap()) {
        // The compressor's bytes depend on its version, what comes out does not.
        Some(compressed) => {
            assert_eq!(
                zstd_frame::decompress(compressed, plaintext.len()).unwrap(),
                plaintext
            );
        }
        None => assert_eq!(ours, theirs, "{case}"),
    }
    for ciphertext in [ours, theirs] {
        let opened = group_message::decrypt([&key], &group, &ciphertext);
        if plaintext.is_empty() {
            assert!(opened.is_err());
        } else {
            let opened = opened.unwrap();
            assert_eq!(opened.plaintext, plaintext);
            assert_eq!(opened.sender_ed25519, *sender.public());
        }
    }
}

fn recipients(case: &Value) -> Vec<X25519PublicKey> {
    let recipients = case["recipients"].as_array().unwrap();
    for recipient in recipients {
        only(recipient, "recipients", &["x25519_pk", "x25519_sk", "seed"]);
    }
    recipients
        .iter()
        .map(|recipient| X25519PublicKey::new(array(&recipient["x25519_pk"])))
        .collect()
}

fn messages(case: &Value) -> Vec<Vec<u8>> {
    case["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(hex)
        .collect()
}

#[test]
fn multi_recipient_messages() {
    let file = load("multi_encrypt.json", &["raw", "simple", "decrypt_simple"]);
    let keys = [
        "sender_x25519_sk",
        "sender_x25519_pk",
        "domain",
        "nonce",
        "messages",
        "recipients",
        "ciphertexts",
    ];
    for case in cases(&file, "raw", &keys) {
        let sender = X25519Secret::from_bytes(array(&case["sender_x25519_sk"]));
        assert_eq!(sender.public().to_hex(), text(&case["sender_x25519_pk"]));
        let (to, nonce) = (recipients(case), array(&case["nonce"]));
        let domain = text(&case["domain"]).as_bytes();
        let messages = messages(case);
        let parts: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        let copies = multi_recipient::encrypt_all(&sender, &to, &nonce, domain, &parts).unwrap();
        let expected: Vec<_> = case["ciphertexts"]
            .as_array()
            .unwrap()
            .iter()
            .map(hex)
            .collect();
        assert_eq!(copies, expected, "{case}");
        for (i, copy) in copies.iter().enumerate() {
            let recipient = &case["recipients"][i];
            let own = X25519Secret::from_bytes(array(&recipient["x25519_sk"]));
            assert!(Ed25519Secret::from_seed(array(&recipient["seed"])).to_x25519() == own);
            let opened = multi_recipient::decrypt_from(&own, sender.public(), &nonce, domain, copy);
            assert_eq!(opened.unwrap(), messages[i % messages.len()]);
        }
    }
    let keys = [
        "sender_seed",
        "domain",
        "messages",
        "recipients",
        "pad",
        "nonce_given",
        "nonce",
        "rng",
        "encoded",
    ];
    for case in cases(&file, "simple", &keys) {
        let sender = Ed25519Secret::from_seed(array(&case["sender_seed"])).to_x25519();
        let nonce: [u8; 24] = array(&case["nonce"]);
        let given = case["nonce_given"].as_bool().unwrap().then_some(&nonce);
        let messages = messages(case);
        let parts: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        let mut rng = ScriptedRng::new(&hex(&case["rng"]));
        let container = multi_recipient::encrypt_container(
            &sender,
            &recipients(case),
            given,
            text(&case["domain"]).as_bytes(),
            &parts,
            usize::try_from(case["pad"].as_u64().unwrap()).unwrap(),
            &mut rng,
        )
        .unwrap();
        if given.is_none() {
            rng.assert_used_up();
        }
        assert_eq!(container, hex(&case["encoded"]), "{case}");
    }
    let keys = [
        "what",
        "recipient_seed",
        "sender_ed25519_pk",
        "domain",
        "encoded",
        "ok",
        "plaintext",
    ];
    for case in cases(&file, "decrypt_simple", &keys) {
        let own = Ed25519Secret::from_seed(array(&case["recipient_seed"])).to_x25519();
        let sender = Ed25519PublicKey::new(array(&case["sender_ed25519_pk"]));
        let opened = multi_recipient::decrypt_container(
            &own,
            &ed25519_to_x25519(&sender).unwrap(),
            text(&case["domain"]).as_bytes(),
            &hex(&case["encoded"]),
        );
        assert_eq!(opened.is_ok(), ok(case), "{case}");
        if let Ok(opened) = opened {
            assert_eq!(opened, hex(&case["plaintext"]), "{case}");
        }
    }
}
