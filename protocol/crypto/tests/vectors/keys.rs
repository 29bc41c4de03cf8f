//! keys.json, mnemonic.json (accounts), hashes.json, xed25519.json.

use data_encoding::{BASE64, BASE64_NOPAD};
use session_crypto::{
    AccountKeys, Ed25519Secret, X25519Secret, ed25519_to_x25519, hash, verify, x25519_to_ed25519,
    xed25519,
};
use session_types::{Ed25519PublicKey, Namespace, Signature, SwarmPubkey, X25519PublicKey};

use session_test_support::ScriptedRng;
use session_test_support::vectors::{array, cases, hex, load, ok, text};

#[test]
fn key_pairs_and_signatures() {
    let file = load("keys.json", &["cases", "pubkey_conversion", "verify"]);
    let keys = [
        "seed",
        "ed25519_pk",
        "ed25519_sk",
        "x25519_pk",
        "x25519_sk",
        "account_id",
        "message",
        "signature",
    ];
    for case in cases(&file, "cases", &keys) {
        let account = AccountKeys::from_seed32(array(&case["seed"]));
        assert_eq!(
            account.ed25519().public().to_hex(),
            text(&case["ed25519_pk"])
        );
        assert!(
            Ed25519Secret::from_bytes(&hex(&case["ed25519_sk"])).unwrap() == *account.ed25519()
        );
        assert_eq!(account.x25519().public().to_hex(), text(&case["x25519_pk"]));
        assert_eq!(
            account.x25519().secret_bytes().to_vec(),
            hex(&case["x25519_sk"])
        );
        assert_eq!(account.account_id().to_hex(), text(&case["account_id"]));
        assert_eq!(
            ed25519_to_x25519(account.ed25519().public()).unwrap(),
            *account.x25519().public()
        );
        let message = hex(&case["message"]);
        let signature = account.ed25519().sign(&message);
        assert_eq!(signature.as_bytes().to_vec(), hex(&case["signature"]));
        verify(account.ed25519().public(), &message, &signature).unwrap();
    }
    for case in cases(
        &file,
        "pubkey_conversion",
        &["kind", "ed25519_pk", "ok", "x25519_pk"],
    ) {
        let converted = ed25519_to_x25519(&Ed25519PublicKey::new(array(&case["ed25519_pk"])));
        assert_eq!(converted.is_ok(), ok(case), "{case}");
        if let Ok(key) = converted {
            assert_eq!(key.to_hex(), text(&case["x25519_pk"]));
        }
    }
    let keys = ["what", "message", "signature", "ed25519_pk", "valid"];
    for case in cases(&file, "verify", &keys) {
        let key = Ed25519PublicKey::new(array(&case["ed25519_pk"]));
        let signature = Signature::new(array(&case["signature"]));
        let result = verify(&key, &hex(&case["message"]), &signature);
        assert_eq!(result.is_ok(), case["valid"].as_bool().unwrap(), "{case}");
    }
}

#[test]
fn accounts_of_recovery_passwords() {
    let file = load("mnemonic.json", &["encode", "decode"]);
    for case in cases(
        &file,
        "encode",
        &["bytes", "words", "account_seed32", "account_id"],
    ) {
        let account = AccountKeys::from_mnemonic(text(&case["words"])).unwrap();
        let bytes = hex(&case["bytes"]);
        if bytes.len() == 16 {
            assert_eq!(
                account.ed25519().seed().to_vec(),
                hex(&case["account_seed32"])
            );
            assert_eq!(account.account_id().to_hex(), text(&case["account_id"]));
        } else {
            assert_eq!(account.ed25519().seed().to_vec(), bytes);
        }
        assert_eq!(account.mnemonic().as_str(), text(&case["words"]));
        assert_eq!(
            account.seed16().map(<[u8; 16]>::as_slice),
            (bytes.len() == 16).then_some(&*bytes)
        );
    }
    for case in cases(&file, "decode", &["what", "words", "ok", "bytes"]) {
        let account = AccountKeys::from_mnemonic(text(&case["words"]));
        assert_eq!(account.is_ok(), ok(case), "{case}");
        if let Ok(account) = account {
            assert_eq!(account.seed16().unwrap().to_vec(), hex(&case["bytes"]));
        }
    }
}

/// docs/protocol/client.md section 1.2, second table.
#[test]
fn accounts_of_the_specification() {
    let table = [
        (
            0,
            "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29",
            "055bf55c73b82ebe22be80f3430667af570fae2556a6415e6b30d4065300aa947d",
        ),
        (
            0x000102030405060708090a0b0c0d0e0f,
            "65adc5bfb14b5363f1b50e63a431f6fe08ff5d4e8d362c1e3d4c56c9d044bfb0",
            "05ca03b8e369aeeb69fd260c2957d37b232db17a60db7a39bca9f0c0a6be135c1a",
        ),
        (
            u128::MAX,
            "50a8a21fb13d4d2e03037e393e5c60ddb9f92d97b55c8aa77e95a0624215d7a1",
            "05fbc4b8c9a80643a287c8d7747dd95ae5475acd97ecd5398ea0bfa85393d70e21",
        ),
        (
            0x0123456789abcdef0123456789abcdef,
            "4cb76fdc6d32278e3f83dbf608360ecc6b65727934b85d2fb86862ff98c46ab7",
            "05d2ad010eeb72d72e561d9de7bd7b6989af77dcabffa03a5111a6c859ae5c3a72",
        ),
        (
            0xd9f4e2b13c7a5806a1b2c3d4e5f60718,
            "ec8853c15dd38c00d2081a89d82fc886ae2c9900f62b253d10a4038e7f5d23d7",
            "050b245f947a4122ebfbdd573a4fb6078d3c245b2caa03d7ad521d6645f1a8be35",
        ),
    ];
    for (seed, ed25519, account_id) in table {
        let account = AccountKeys::from_seed16(u128::to_be_bytes(seed));
        assert_eq!(account.ed25519().public().to_hex(), ed25519);
        assert_eq!(account.account_id().to_hex(), account_id);
    }
}

#[test]
fn hashes() {
    let file = load("hashes.json", &["blake2b", "message_hash"]);
    for case in cases(&file, "blake2b", &["size", "message", "key", "ok", "hash"]) {
        let size = usize::try_from(case["size"].as_u64().unwrap()).unwrap();
        let key = if case["key"].is_null() {
            Vec::new()
        } else {
            hex(&case["key"])
        };
        let message = hex(&case["message"]);
        let result = hash::blake2b_sized(size, &key, &message);
        assert_eq!(result.is_ok(), ok(case), "{case}");
        let Ok(result) = result else { continue };
        assert_eq!(result, hex(&case["hash"]), "{case}");
        let parts: [&[u8]; 2] = [&message[..message.len() / 2], &message[message.len() / 2..]];
        let fixed = match size {
            16 => hash::blake2b_keyed::<16>(&key, &parts).to_vec(),
            20 => hash::blake2b_keyed::<20>(&key, &parts).to_vec(),
            32 => hash::blake2b_keyed::<32>(&key, &parts).to_vec(),
            48 => hash::blake2b_keyed::<48>(&key, &parts).to_vec(),
            other => panic!("size {other}"),
        };
        assert_eq!(fixed, result, "{case}");
    }
    for case in cases(
        &file,
        "message_hash",
        &["pubkey", "namespace", "data_base64", "hash"],
    ) {
        let owner: SwarmPubkey = text(&case["pubkey"]).parse().unwrap();
        let namespace = i16::try_from(case["namespace"].as_i64().unwrap()).unwrap();
        let data = text(&case["data_base64"]).as_bytes();
        let data = BASE64
            .decode(data)
            .or_else(|_| BASE64_NOPAD.decode(data))
            .unwrap();
        let hash = hash::message_hash(&owner, Namespace::new(namespace), &data);
        assert_eq!(hash.as_str(), text(&case["hash"]), "{case}");
    }
}

#[test]
fn signatures_with_x25519_keys() {
    let file = load("xed25519.json", &["cases", "pubkey_raw"]);
    let keys = [
        "what",
        "x25519_sk",
        "x25519_pk",
        "ed25519_pk_original",
        "ed25519_pk_positive",
        "message",
        "random64",
        "signature",
        "valid",
    ];
    for case in cases(&file, "cases", &keys) {
        let public = X25519PublicKey::new(array(&case["x25519_pk"]));
        let message = hex(&case["message"]);
        let signature = Signature::new(array(&case["signature"]));
        let valid = case["valid"].as_bool().unwrap();
        assert_eq!(
            xed25519::verify(&public, &message, &signature).is_ok(),
            valid,
            "{case}"
        );
        if case["x25519_sk"].is_null() {
            continue;
        }
        let secret = X25519Secret::from_bytes(array(&case["x25519_sk"]));
        assert_eq!(*secret.public(), public);
        let mut rng = ScriptedRng::new(&hex(&case["random64"]));
        assert_eq!(
            xed25519::sign(&secret, &message, &mut rng),
            signature,
            "{case}"
        );
        rng.assert_used_up();
        let positive = x25519_to_ed25519(&public).unwrap();
        assert_eq!(positive.to_hex(), text(&case["ed25519_pk_positive"]));
        let original = Ed25519PublicKey::new(array(&case["ed25519_pk_original"]));
        assert_eq!(ed25519_to_x25519(&original).unwrap(), public);
    }
    for case in cases(&file, "pubkey_raw", &["x25519_pk", "ed25519_pk"]) {
        let converted = x25519_to_ed25519(&X25519PublicKey::new(array(&case["x25519_pk"])));
        assert_eq!(
            converted.unwrap().to_hex(),
            text(&case["ed25519_pk"]),
            "{case}"
        );
    }
}
