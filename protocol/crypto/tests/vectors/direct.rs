//! session_encrypt.json.

use serde_json::Value;
use session_crypto::{CryptoError, Ed25519Secret, direct};
use session_types::{AccountId, SwarmPubkey, X25519PublicKey};

use session_test_support::ScriptedRng;
use session_test_support::vectors::{array, cases, hex, load, ok, text};

/// 32 bytes of X25519 key, or 33 of account id.
fn recipient(value: &Value) -> Option<X25519PublicKey> {
    let bytes = hex(value);
    if bytes.len() == 32 {
        return Some(X25519PublicKey::new(bytes.try_into().unwrap()));
    }
    let owner = SwarmPubkey::try_from(bytes.as_slice()).ok()?;
    AccountId::try_from(owner).ok().map(|id| *id.x25519())
}

#[test]
fn sealed_messages() {
    let sections = [
        "encrypt_deterministic",
        "encrypt_random",
        "sign_for_recipient",
        "decrypt",
        "bad_arguments",
    ];
    let file = load("session_encrypt.json", &sections);
    let keys = ["sender_key", "recipient", "plaintext", "ciphertext"];
    for case in cases(&file, "encrypt_deterministic", &keys) {
        let sender = Ed25519Secret::from_bytes(&hex(&case["sender_key"])).unwrap();
        let to = recipient(&case["recipient"]).unwrap();
        let sealed = direct::encrypt_deterministic(&sender, &to, &hex(&case["plaintext"]));
        assert_eq!(sealed.unwrap(), hex(&case["ciphertext"]), "{case}");
    }
    let keys = [
        "sender_key",
        "recipient",
        "plaintext",
        "ephemeral_x25519_sk",
        "ciphertext",
    ];
    for case in cases(&file, "encrypt_random", &keys) {
        let sender = Ed25519Secret::from_bytes(&hex(&case["sender_key"])).unwrap();
        let to = recipient(&case["recipient"]).unwrap();
        let plaintext = hex(&case["plaintext"]);
        let mut rng = ScriptedRng::new(&hex(&case["ephemeral_x25519_sk"]));
        let sealed = direct::encrypt(&sender, &to, &plaintext, &mut rng).unwrap();
        rng.assert_used_up();
        assert_eq!(sealed, hex(&case["ciphertext"]), "{case}");
        assert_eq!(sealed.len(), plaintext.len() + direct::OVERHEAD);
    }
    for case in cases(
        &file,
        "sign_for_recipient",
        &["sender_key", "recipient", "plaintext", "signed"],
    ) {
        let sender = Ed25519Secret::from_bytes(&hex(&case["sender_key"])).unwrap();
        let to = recipient(&case["recipient"]).unwrap();
        let signed = direct::sign_for_recipient(&sender, &to, &hex(&case["plaintext"]));
        assert_eq!(signed, hex(&case["signed"]), "{case}");
    }
    let keys = [
        "what",
        "recipient_key",
        "ciphertext",
        "ok",
        "plaintext",
        "sender_account_id",
        "sender_ed25519_pk",
    ];
    for case in cases(&file, "decrypt", &keys) {
        let own = Ed25519Secret::from_bytes(&hex(&case["recipient_key"]))
            .unwrap()
            .to_x25519();
        let opened = direct::decrypt(&own, &hex(&case["ciphertext"]));
        assert_eq!(opened.is_ok(), ok(case), "{case}");
        let Ok(opened) = opened else { continue };
        assert_eq!(opened.plaintext, hex(&case["plaintext"]), "{case}");
        assert_eq!(opened.sender.to_hex(), text(&case["sender_account_id"]));
        assert_eq!(
            *opened.sender_ed25519.as_bytes(),
            array::<32>(&case["sender_ed25519_pk"])
        );
    }
    for case in cases(
        &file,
        "bad_arguments",
        &["what", "sender_key", "recipient", "ok"],
    ) {
        assert!(!ok(case));
        let sealed = Ed25519Secret::from_bytes(&hex(&case["sender_key"])).and_then(|sender| {
            let to = recipient(&case["recipient"]).ok_or(CryptoError::Length)?;
            direct::encrypt_deterministic(&sender, &to, b"message")
        });
        assert!(sealed.is_err(), "{case}");
    }
}
