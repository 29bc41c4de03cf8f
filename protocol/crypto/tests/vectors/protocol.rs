//! What session_protocol.json says about this crate's constructions: rotating keys, proofs, and the
//! encrypted parts of whole messages.

use serde_json::{Map, Value};
use session_crypto::group_message::{self, Framing};
use session_crypto::pro::{self, Proof, ProofStatus};
use session_crypto::{Ed25519Secret, blinded_message, direct, verify};
use session_encoding::padding;
use session_types::{AccountId, Ed25519PublicKey, Signature, SwarmPubkey, Timestamp};

use session_test_support::ScriptedRng;
use session_test_support::vectors::{array, cases, hex, load, only, text};

fn file() -> Map<String, Value> {
    let sections = [
        "pro_backend_seed",
        "pro_backend_pk",
        "pad",
        "unpad",
        "rotating_seed",
        "proofs",
        "one_to_one",
        "group",
        "community",
    ];
    load("session_protocol.json", &sections)
}

#[test]
fn rotating_keys() {
    let file = file();
    let keys = ["master_seed", "now", "period_start", "rotating_seed"];
    for case in cases(&file, "rotating_seed", &keys) {
        let master = Ed25519Secret::from_seed(array(&case["master_seed"]));
        let now = case["now"].as_u64().unwrap();
        assert_eq!(
            pro::rotation_start(now),
            case["period_start"].as_u64().unwrap()
        );
        let rotating = pro::rotating_key(&master, now);
        assert_eq!(
            rotating.seed().to_vec(),
            hex(&case["rotating_seed"]),
            "{case}"
        );
    }
}

fn proof(case: &Value) -> Proof {
    Proof {
        revocation_tag: array(&case["revocation_tag"]),
        rotating: Ed25519PublicKey::new(array(&case["rotating_pk"])),
        expiry_seconds: case["expiry"].as_u64().unwrap(),
        signature: Signature::new(array(&case["sig"])),
    }
}

#[test]
fn proofs() {
    let file = file();
    let backend = Ed25519Secret::from_seed(array(&file["pro_backend_seed"]));
    assert_eq!(backend.public().to_hex(), text(&file["pro_backend_pk"]));
    let keys = [
        "revocation_tag",
        "rotating_pk",
        "expiry",
        "sig",
        "signed_message",
        "status_cases",
    ];
    for case in cases(&file, "proofs", &keys) {
        let given = proof(case);
        assert_eq!(given.signed_bytes(), hex(&case["signed_message"]));
        let issued = Proof::issue(
            &backend,
            given.revocation_tag,
            given.rotating,
            given.expiry_seconds,
        );
        assert_eq!(issued, given);
        given.verify(backend.public()).unwrap();
        let keys = [
            "revocation_tag",
            "rotating_pk",
            "expiry",
            "sig",
            "what",
            "now",
            "user_sig",
            "user_message",
            "status",
        ];
        for case in cases(case.as_object().unwrap(), "status_cases", &keys) {
            let signature = Signature::new(array(&case["user_sig"]));
            let at = Timestamp::from_ms(case["now"].as_u64().unwrap() * 1000 + 999);
            let status = proof(case).status(
                backend.public(),
                &hex(&case["user_message"]),
                &signature,
                at,
            );
            let expected = match text(&case["status"]) {
                "valid" => ProofStatus::Valid,
                "expired" => ProofStatus::Expired,
                "invalid_user_sig" => ProofStatus::InvalidUserSignature,
                "invalid_backend_sig" => ProofStatus::InvalidBackendSignature,
                other => panic!("status {other}"),
            };
            assert_eq!(status, expected, "{case}");
        }
    }
}

/// The signature in the envelope: of the rotating key, or a decoy.
fn envelope_signature(case: &Value, signed: &[u8], rng: &mut ScriptedRng) {
    let expected = Signature::new(array(&case["pro_sig"]));
    if case["pro_rotating_seed"].is_null() {
        assert_eq!(pro::decoy_signature(rng), expected, "{case}");
    } else {
        let rotating = Ed25519Secret::from_seed(array(&case["pro_rotating_seed"]));
        assert_eq!(rotating.sign(signed), expected, "{case}");
        verify(rotating.public(), signed, &expected).unwrap();
    }
}

#[test]
fn one_to_one_messages() {
    let file = file();
    let keys = [
        "content",
        "sender_seed",
        "timestamp_ms",
        "pro_rotating_seed",
        "recipient",
        "recipient_seed",
        "rng",
        "sealed_content",
        "pro_sig",
        "envelope",
        "encoded",
        "sender_account_id",
        "pro_status",
    ];
    for case in cases(&file, "one_to_one", &keys) {
        let sender = Ed25519Secret::from_seed(array(&case["sender_seed"]));
        let recipient: AccountId = text(&case["recipient"]).parse().unwrap();
        let padded = padding::pad(&hex(&case["content"]));
        let mut rng = ScriptedRng::new(&hex(&case["rng"]));
        let sealed = direct::encrypt(&sender, recipient.x25519(), &padded, &mut rng).unwrap();
        assert_eq!(sealed, hex(&case["sealed_content"]), "{case}");
        envelope_signature(case, &sealed, &mut rng);
        rng.assert_used_up();

        let own = Ed25519Secret::from_seed(array(&case["recipient_seed"])).to_x25519();
        let opened = direct::decrypt(&own, &sealed).unwrap();
        assert_eq!(padding::unpad(&opened.plaintext), hex(&case["content"]));
        assert_eq!(opened.sender.to_hex(), text(&case["sender_account_id"]));
    }
}

#[test]
fn group_messages() {
    let file = file();
    let keys = [
        "content",
        "sender_seed",
        "timestamp_ms",
        "pro_rotating_seed",
        "group_id",
        "group_key",
        "rng",
        "pro_sig",
        "envelope",
        "encoded",
        "sender_account_id",
        "pro_status",
    ];
    for case in cases(&file, "group", &keys) {
        let sender = Ed25519Secret::from_seed(array(&case["sender_seed"]));
        let group: SwarmPubkey = text(&case["group_id"]).parse().unwrap();
        let group = Ed25519PublicKey::new(*group.key());
        let (key, envelope) = (array(&case["group_key"]), hex(&case["envelope"]));
        let mut rng = ScriptedRng::new(&hex(&case["rng"]));
        envelope_signature(case, &hex(&case["content"]), &mut rng);
        let framing = Framing::default();
        let ours =
            group_message::encrypt(&sender, &group, &key, &envelope, framing, &mut rng).unwrap();
        rng.assert_used_up();
        let theirs = hex(&case["encoded"]);
        assert_eq!(ours[..24], theirs[..24], "the nonce");
        for message in [ours, theirs] {
            let opened = group_message::decrypt([&key], &group, &message).unwrap();
            assert_eq!(opened.plaintext, envelope, "{case}");
            assert_eq!(opened.sender.to_hex(), text(&case["sender_account_id"]));
        }
    }
}

#[test]
fn inbox_messages() {
    let file = file();
    let keys = [
        "content",
        "sender_seed",
        "pro_rotating_seed",
        "pro_sig",
        "pro_status_at_sig_time",
        "community_encoded",
        "inbox",
    ];
    for case in cases(&file, "community", &keys) {
        let encoded = hex(&case["community_encoded"]);
        if case["pro_rotating_seed"].is_null() {
            assert_eq!(padding::pad(&hex(&case["content"])), encoded);
        } else {
            let rotating = Ed25519Secret::from_seed(array(&case["pro_rotating_seed"]));
            let signed = padding::pad(&hex(&case["content"]));
            assert_eq!(
                rotating.sign(&signed),
                Signature::new(array(&case["pro_sig"])),
                "{case}"
            );
        }
        let inbox = &case["inbox"];
        let keys = [
            "server_pk",
            "recipient_blinded_id",
            "recipient_seed",
            "nonce",
            "encoded",
        ];
        only(inbox, "inbox", &keys);
        let sender = Ed25519Secret::from_seed(array(&case["sender_seed"]));
        let server = text(&inbox["server_pk"]).parse().unwrap();
        let recipient = text(&inbox["recipient_blinded_id"]).parse().unwrap();
        let mut rng = ScriptedRng::new(&hex(&inbox["nonce"]));
        let sealed =
            blinded_message::encrypt(&sender, &recipient, &server, &encoded, &mut rng).unwrap();
        rng.assert_used_up();
        assert_eq!(sealed, hex(&inbox["encoded"]), "{case}");
        let own = Ed25519Secret::from_seed(array(&inbox["recipient_seed"]));
        let keys = session_crypto::BlindedKeys::new(recipient.blinding(), &sender, &server);
        let opened =
            blinded_message::decrypt(&own, &server, keys.unwrap().id(), &recipient, &sealed);
        assert_eq!(opened.unwrap().plaintext, encoded);
    }
}
