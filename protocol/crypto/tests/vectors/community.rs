//! blinding.json and blinded_messages.json.

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use serde_json::Value;
use session_crypto::{
    AccountKeys, BlindedId, BlindedKeys, Blinding, Ed25519Secret, VersionKey, blinded_message,
    blinding, verify,
};
use session_types::{AccountId, ParseError, X25519PublicKey};

use session_test_support::ScriptedRng;
use session_test_support::vectors::{array, cases, hex, load, ok, only, text};

fn server(value: &Value) -> X25519PublicKey {
    X25519PublicKey::new(array(value))
}

fn blinded(value: &Value) -> BlindedId {
    text(value).parse().unwrap()
}

#[test]
fn blinded_keys() {
    let file = load("blinding.json", &["cases", "match", "version_blinding"]);
    let keys = [
        "seed",
        "ed25519_pk",
        "account_id",
        "server_pk",
        "factor15",
        "factor25",
        "blind15_ids",
        "blind15_id_from_ed",
        "blind25_id",
        "blind25_id_from_ed",
        "keypair15",
        "keypair25",
        "message",
        "sign15",
        "sign25",
    ];
    for case in cases(&file, "cases", &keys) {
        let keys = AccountKeys::from_seed32(array(&case["seed"]));
        let account = keys.account_id();
        assert_eq!(keys.ed25519().public().to_hex(), text(&case["ed25519_pk"]));
        assert_eq!(account.to_hex(), text(&case["account_id"]));
        let server = server(&case["server_pk"]);

        assert_eq!(
            blinding::factor_15(&server).to_vec(),
            hex(&case["factor15"])
        );
        assert_eq!(
            blinding::factor_25(&account, &server).to_vec(),
            hex(&case["factor25"])
        );
        let candidates = blinding::candidates_15(&account, &server).unwrap();
        let expected: Vec<_> = case["blind15_ids"]
            .as_array()
            .unwrap()
            .iter()
            .map(blinded)
            .collect();
        assert_eq!(candidates.to_vec(), expected);
        let id15 = blinding::id_15(keys.ed25519().public(), &server).unwrap();
        assert_eq!(id15, blinded(&case["blind15_id_from_ed"]));
        let id25 = blinding::id_25(&account, &server).unwrap();
        assert_eq!(id25, blinded(&case["blind25_id"]));
        assert_eq!(id25, blinded(&case["blind25_id_from_ed"]));

        let message = hex(&case["message"]);
        for (blinding, id, pair, signature, factor) in [
            (
                Blinding::V15,
                id15,
                &case["keypair15"],
                &case["sign15"],
                "k",
            ),
            (
                Blinding::V25,
                id25,
                &case["keypair25"],
                &case["sign25"],
                "k_signed",
            ),
        ] {
            only(pair, "keypair", &["pk", "sk", factor]);
            let own = BlindedKeys::new(blinding, keys.ed25519(), &server).unwrap();
            assert_eq!(*own.id(), id);
            assert_eq!(own.id().key().to_hex(), text(&pair["pk"]));
            let signed = own.sign(&message);
            assert_eq!(signed.as_bytes().to_vec(), hex(signature), "{case}");
            verify(own.id().key(), &message, &signed).unwrap();

            let secret = Scalar::from_canonical_bytes(array(&pair["sk"])).unwrap();
            let public = EdwardsPoint::mul_base(&secret).compress().to_bytes();
            assert_eq!(public.to_vec(), own.id().key().as_bytes());
            let factor = Scalar::from_canonical_bytes(array(&pair[factor])).unwrap();
            let negative = keys.ed25519().public().as_bytes()[31] & 0x80 != 0;
            let unsigned = if blinding == Blinding::V25 && negative {
                -factor
            } else {
                factor
            };
            let ours = match blinding {
                Blinding::V15 => blinding::factor_15(&server),
                Blinding::V25 => blinding::factor_25(&account, &server),
            };
            assert_eq!(unsigned.to_bytes(), ours);
        }
    }

    let keys = [
        "what",
        "account_id",
        "blinded_id",
        "server_pk",
        "ok",
        "match",
    ];
    for case in cases(&file, "match", &keys) {
        let result = matches(case);
        assert_eq!(result.is_some(), ok(case), "{case}");
        if let Some(result) = result {
            assert_eq!(result, case["match"].as_bool().unwrap(), "{case}");
        }
    }
}

/// `None` for arguments that are refused; an id of the wrong length belongs to nobody.
fn matches(case: &Value) -> Option<bool> {
    let account: AccountId = text(&case["account_id"]).parse().ok()?;
    let server: X25519PublicKey = text(&case["server_pk"]).parse().ok()?;
    match text(&case["blinded_id"]).parse::<BlindedId>() {
        Ok(blinded) => blinding::matches(&account, &blinded, &server).ok(),
        Err(ParseError::Length { .. }) => Some(false),
        Err(_) => None,
    }
}

#[test]
fn version_keys() {
    let file = load("blinding.json", &["cases", "match", "version_blinding"]);
    let keys = [
        "seed",
        "pk",
        "sk",
        "timestamp",
        "sign_android",
        "sign_desktop",
        "sign_ios",
        "request",
    ];
    for case in cases(&file, "version_blinding", &keys) {
        let key = VersionKey::new(&Ed25519Secret::from_seed(array(&case["seed"])));
        assert_eq!(key.public().to_hex(), text(&case["pk"]));
        assert_eq!(hex(&case["sk"])[32..], *key.public().as_bytes());
        let time = case["timestamp"].as_u64().unwrap();
        for platform in ["android", "desktop", "ios"] {
            let path = format!("/session_version?platform={platform}");
            let signature = key.sign_request(time, "GET", &path, b"");
            let expected = hex(&case[format!("sign_{platform}")]);
            assert_eq!(signature.as_bytes().to_vec(), expected, "{case}");
        }
        let request = &case["request"];
        only(request, "request", &["method", "path", "body", "signature"]);
        let body = if request["body"].is_null() {
            Vec::new()
        } else {
            hex(&request["body"])
        };
        let signature = key.sign_request(
            time,
            text(&request["method"]),
            text(&request["path"]),
            &body,
        );
        assert_eq!(
            signature.as_bytes().to_vec(),
            hex(&request["signature"]),
            "{case}"
        );
    }
}

#[test]
fn blinded_messages() {
    let file = load("blinded_messages.json", &["encrypt", "decrypt"]);
    let keys = [
        "sender_key",
        "sender_blinded_id",
        "server_pk",
        "recipient_blinded_id",
        "plaintext",
        "nonce",
        "ciphertext",
    ];
    for case in cases(&file, "encrypt", &keys) {
        let sender = Ed25519Secret::from_bytes(&hex(&case["sender_key"])).unwrap();
        let server = server(&case["server_pk"]);
        let recipient = blinded(&case["recipient_blinded_id"]);
        let own = BlindedKeys::new(recipient.blinding(), &sender, &server).unwrap();
        assert_eq!(*own.id(), blinded(&case["sender_blinded_id"]));
        let plaintext = hex(&case["plaintext"]);
        let mut rng = ScriptedRng::new(&hex(&case["nonce"]));
        let sealed =
            blinded_message::encrypt(&sender, &recipient, &server, &plaintext, &mut rng).unwrap();
        rng.assert_used_up();
        assert_eq!(sealed, hex(&case["ciphertext"]), "{case}");
        assert_eq!(sealed.len(), plaintext.len() + blinded_message::OVERHEAD);
    }
    let keys = [
        "what",
        "key",
        "server_pk",
        "sender_id",
        "recipient_id",
        "ciphertext",
        "ok",
        "plaintext",
        "sender_account_id",
    ];
    for case in cases(&file, "decrypt", &keys) {
        let own = Ed25519Secret::from_bytes(&hex(&case["key"])).unwrap();
        let opened = blinded_message::decrypt(
            &own,
            &server(&case["server_pk"]),
            &blinded(&case["sender_id"]),
            &blinded(&case["recipient_id"]),
            &hex(&case["ciphertext"]),
        );
        assert_eq!(opened.is_ok(), ok(case), "{case}");
        let Ok(opened) = opened else { continue };
        assert_eq!(opened.plaintext, hex(&case["plaintext"]), "{case}");
        assert_eq!(
            opened.sender.to_hex(),
            text(&case["sender_account_id"]),
            "{case}"
        );
    }
}
