//! The single layers of onion.json, and docs/protocol/node.md section 7.9.

use data_encoding::HEXLOWER;
use serde_json::Value;
use session_crypto::{HopKey, OnionCipher, X25519Secret};
use session_types::X25519PublicKey;

use session_test_support::ScriptedRng;
use session_test_support::vectors::{array, cases, hex, load, ok, only, text};

fn secret(value: &Value) -> X25519Secret {
    X25519Secret::from_bytes(array(value))
}

fn public(value: &Value) -> X25519PublicKey {
    X25519PublicKey::new(array(value))
}

fn cipher(value: &Value) -> OnionCipher {
    OnionCipher::from_name(text(value)).unwrap()
}

#[test]
fn layers() {
    let sections = [
        "default_enc_type",
        "enc_type_names",
        "hop",
        "packets",
        "rejects",
    ];
    let file = load("onion.json", &sections);

    for case in cases(&file, "enc_type_names", &["name", "ok"]) {
        assert_eq!(
            OnionCipher::from_name(text(&case["name"])).is_some(),
            ok(case),
            "{case}"
        );
    }

    let default = &file["default_enc_type"];
    only(
        default,
        "default",
        &["note", "x25519_pk", "x25519_sk", "packet", "decrypted"],
    );
    let packet = hex(&default["packet"]);
    let (length, rest) = packet.split_first_chunk::<4>().unwrap();
    let (ciphertext, json) = rest.split_at(usize::try_from(u32::from_le_bytes(*length)).unwrap());
    let json: Value = serde_json::from_slice(json).unwrap();
    assert!(json["enc_type"].is_null());
    let node = secret(&default["x25519_sk"]);
    assert_eq!(node.public().to_hex(), text(&default["x25519_pk"]));
    let key = HopKey::server(
        OnionCipher::default(),
        &node,
        &public(&json["ephemeral_key"]),
    )
    .unwrap();
    assert_eq!(key.decrypt(ciphertext).unwrap(), hex(&default["decrypted"]));

    let keys = [
        "enc_type",
        "client_x25519_sk",
        "client_x25519_pk",
        "server_x25519_sk",
        "server_x25519_pk",
        "request_plaintext",
        "request_nonce",
        "request_ciphertext",
        "reply_plaintext",
        "reply_nonce",
        "reply_ciphertext",
    ];
    for case in cases(&file, "hop", &keys) {
        let cipher = cipher(&case["enc_type"]);
        let (client, server) = (
            secret(&case["client_x25519_sk"]),
            secret(&case["server_x25519_sk"]),
        );
        assert_eq!(*client.public(), public(&case["client_x25519_pk"]));
        assert_eq!(*server.public(), public(&case["server_x25519_pk"]));
        let sent = HopKey::client(cipher, &client, server.public()).unwrap();
        let answered = HopKey::server(cipher, &server, client.public()).unwrap();
        for (kind, from, to) in [("request", &sent, &answered), ("reply", &answered, &sent)] {
            let plaintext = hex(&case[format!("{kind}_plaintext")]);
            let ciphertext = hex(&case[format!("{kind}_ciphertext")]);
            let mut rng = ScriptedRng::new(&hex(&case[format!("{kind}_nonce")]));
            assert_eq!(from.encrypt(&plaintext, &mut rng), ciphertext, "{case}");
            rng.assert_used_up();
            assert_eq!(to.decrypt(&ciphertext).unwrap(), plaintext, "{case}");
        }
    }

    let keys = [
        "what",
        "enc_type",
        "role",
        "server_x25519_sk",
        "server_x25519_pk",
        "client_x25519_sk",
        "client_x25519_pk",
        "ciphertext",
        "ok",
    ];
    for case in cases(&file, "rejects", &keys) {
        let cipher = cipher(&case["enc_type"]);
        let key = if case["role"].is_null() {
            let server = secret(&case["server_x25519_sk"]);
            HopKey::server(cipher, &server, &public(&case["client_x25519_pk"]))
        } else {
            assert_eq!(case["role"], "client");
            let client = secret(&case["client_x25519_sk"]);
            HopKey::client(cipher, &client, &public(&case["server_x25519_pk"]))
        };
        let opened = key.unwrap().decrypt(&hex(&case["ciphertext"]));
        assert_eq!(opened.is_ok(), ok(case), "{case}");
    }
}

const PLAINTEXT: &str = "1d0000007b226d6574686f64223a22696e666f222c22706172616d73223a7b7d7d7b2268\
                         656164657273223a22227d";

fn specification_keys() -> (X25519Secret, X25519Secret) {
    let node = X25519Secret::from_bytes(core::array::from_fn(|i| u8::try_from(i).unwrap() + 0x01));
    let client =
        X25519Secret::from_bytes(core::array::from_fn(|i| u8::try_from(i).unwrap() + 0x21));
    (node, client)
}

#[test]
fn layers_of_the_specification() {
    let unhex = |text: &str| HEXLOWER.decode(text.as_bytes()).unwrap();
    let (node, client) = specification_keys();
    assert_eq!(
        node.public().to_hex(),
        "07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c"
    );
    assert_eq!(
        client.public().to_hex(),
        "5869aff450549732cbaaed5e5df9b30a6da31cb0e5742bad5ad4a1a768f1a67b"
    );
    let shared = client.diffie_hellman(node.public()).unwrap();
    assert_eq!(
        HEXLOWER.encode(shared.as_bytes()),
        "a84dc7c3c8f058b1b2dc4cd1e9b5dc0a7987f88b6a9564cde3391fc421159e77"
    );
    let table = [
        (
            OnionCipher::AesGcm,
            12,
            "dc2776a3e799ec0c56e0882fcbbdda7c0cbe01a561b58209ea323e4a97572e038f9b8d4b2ddaaeb6c360\
             8b5540db2c533536def6ebf7b936f0fec390f9c930",
        ),
        (
            OnionCipher::XChaCha20,
            24,
            "37073d1de082afc549d08e9539e32ffcc2fe6ffbf37c5f010a3b499d2f541c7be32d5f6d3e99d303d83c\
             cf331a23191bd5b763e4855180f62395259e76584e",
        ),
    ];
    for (cipher, nonce, body) in table {
        let sent = HopKey::client(cipher, &client, node.public()).unwrap();
        let message = sent.encrypt(&unhex(PLAINTEXT), &mut ScriptedRng::new(&vec![0; nonce]));
        assert_eq!(message, [vec![0; nonce], unhex(body)].concat(), "{cipher}");
        let received = HopKey::server(cipher, &node, client.public()).unwrap();
        assert_eq!(received.decrypt(&message).unwrap(), unhex(PLAINTEXT));
    }
}

/// docs/protocol/node.md section 14, case 35.
#[test]
fn lengths_and_roles() {
    let (node, client) = specification_keys();
    let table = [
        (OnionCipher::AesCbc, 16, 48),
        (OnionCipher::AesGcm, 12, 47),
        (OnionCipher::XChaCha20, 24, 59),
    ];
    for (cipher, nonce, length) in table {
        let sent = HopKey::client(cipher, &client, node.public()).unwrap();
        let mut rng = ScriptedRng::new(&vec![7; nonce]);
        let message = sent.encrypt(b"nineteen bytes long", &mut rng);
        rng.assert_used_up();
        assert_eq!(message.len(), length);
        let received = HopKey::server(cipher, &node, client.public()).unwrap();
        assert_eq!(received.decrypt(&message).unwrap(), b"nineteen bytes long");
        let swapped = HopKey::client(cipher, &node, client.public()).unwrap();
        assert_eq!(
            swapped.decrypt(&message).is_err(),
            cipher == OnionCipher::XChaCha20
        );
        assert_eq!(OnionCipher::from_name(cipher.name()), Some(cipher));
    }
}
