//! ons.json and push_notification.json.

use session_crypto::name::SessionName;
use session_crypto::{CryptoError, push};
use session_types::AccountId;

use session_test_support::ScriptedRng;
use session_test_support::vectors::{array, cases, hex, load, ok, text};

#[test]
fn names() {
    let file = load("ons.json", &["cases"]);
    let keys = ["what", "name", "ciphertext", "nonce", "ok", "account_id"];
    for case in cases(&file, "cases", &keys) {
        let name: SessionName = text(&case["name"]).parse().unwrap();
        let value = hex(&case["ciphertext"]);
        let account = if case["nonce"].is_null() {
            name.decrypt_old(&value)
        } else {
            name.decrypt(&value, &hex(&case["nonce"]))
        };
        assert_eq!(account.is_ok(), ok(case), "{case}");
        let Ok(account) = account else { continue };
        assert_eq!(account.to_hex(), text(&case["account_id"]), "{case}");
        if !case["nonce"].is_null() {
            let nonce: [u8; 24] = array(&case["nonce"]);
            let account: AccountId = text(&case["account_id"]).parse().unwrap();
            let mut rng = ScriptedRng::new(&nonce);
            assert_eq!(name.encrypt(&account, &mut rng), (value, nonce), "{case}");
        }
    }
}

#[test]
fn push_payloads() {
    let file = load("push_notification.json", &["cases"]);
    for case in cases(
        &file,
        "cases",
        &["what", "key", "payload", "ok", "plaintext"],
    ) {
        let opened = <[u8; 32]>::try_from(hex(&case["key"]))
            .map_err(|_| CryptoError::Length)
            .and_then(|key| push::open(&key, &hex(&case["payload"])));
        assert_eq!(opened.is_ok(), ok(case), "{case}");
        if let Ok(opened) = opened {
            assert_eq!(*opened, hex(&case["plaintext"]), "{case}");
        }
    }
}
