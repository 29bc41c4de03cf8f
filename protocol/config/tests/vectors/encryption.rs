//! Encryption, padding and the frame around the configs of an account.

use session_config::{seal, wrap};
use session_crypto::AccountKeys;
use session_test_support::vectors::{array, cases, hex, load, ok, text};

pub(crate) fn run() {
    let file = load(
        "config_encrypt.json",
        &[
            "encrypt",
            "decrypt",
            "bad_arguments",
            "padded_size",
            "protobuf_wrap",
        ],
    );
    for case in cases(
        &file,
        "encrypt",
        &["key", "domain", "plaintext", "ciphertext"],
    ) {
        let key = array(&case["key"]);
        let domain = text(&case["domain"]);
        let plaintext = hex(&case["plaintext"]);
        let sealed = seal::encrypt(&plaintext, &key, domain).unwrap();
        assert_eq!(sealed, hex(&case["ciphertext"]));
        assert_eq!(seal::decrypt(&sealed, &key, domain).unwrap(), plaintext);
    }
    let keys = [
        "key",
        "domain",
        "plaintext",
        "ciphertext",
        "ok",
        "what",
        "error",
    ];
    for case in cases(&file, "decrypt", &keys) {
        let opened = seal::decrypt(
            &hex(&case["ciphertext"]),
            &array(&case["key"]),
            text(&case["domain"]),
        );
        if ok(case) {
            assert_eq!(opened.unwrap(), hex(&case["plaintext"]));
        } else {
            assert!(opened.is_err(), "{case}");
        }
    }
    let keys = ["key_len", "domain_len", "ok", "what", "error"];
    for case in cases(&file, "bad_arguments", &keys) {
        // The length of the key is part of its type here.
        let length = usize::try_from(case["key_len"].as_u64().unwrap()).unwrap();
        let Ok(key) = <[u8; 32]>::try_from(vec![0; length]) else {
            assert!(!ok(case));
            continue;
        };
        let domain = "x".repeat(usize::try_from(case["domain_len"].as_u64().unwrap()).unwrap());
        let sealed = seal::encrypt(b"", &key, &domain);
        assert_eq!(sealed.is_ok(), ok(case), "{case}");
        assert!(seal::decrypt(&[0; 64], &key, &domain).is_err());
    }
    for case in cases(&file, "padded_size", &["size", "padded_size"]) {
        let size = usize::try_from(case["size"].as_u64().unwrap()).unwrap();
        let padded = usize::try_from(case["padded_size"].as_u64().unwrap()).unwrap();
        assert_eq!(seal::padded_size(size), padded);
    }
    let keys = [
        "seed",
        "namespace",
        "seqno",
        "data",
        "wrapped",
        "ok",
        "what",
        "error",
    ];
    for case in cases(&file, "protobuf_wrap", &keys) {
        let account = AccountKeys::from_seed32(array(&case["seed"]));
        let kind = wrap::Kind(case["namespace"].as_u64().unwrap() - 1);
        let wrapped = hex(&case["wrapped"]);
        let unwrapped = wrap::unwrap(kind, &wrapped, &account);
        if let Some(data) = case.get("data") {
            let data = hex(data);
            let seqno = case["seqno"].as_i64().unwrap();
            assert_eq!(wrap::wrap(kind, seqno, &data, &account).unwrap(), wrapped);
            assert_eq!(unwrapped.unwrap(), data);
        } else {
            assert_eq!(unwrapped.is_some(), ok(case), "{case}");
        }
    }
}
