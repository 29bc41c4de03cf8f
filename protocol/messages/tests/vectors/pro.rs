//! Rotating keys and proofs.

use serde_json::Value;
use session_crypto::Ed25519Secret;
use session_crypto::pro::{ProofStatus, rotating_key, rotation_start};
use session_messages::pro::{ProStatus, Proof};
use session_types::{Ed25519PublicKey, Signature, Timestamp};

use super::file::{array, check_keys, data, number, text};

pub(crate) fn rotating_seed(case: &Value) {
    check_keys(
        case,
        &["master_seed", "now", "period_start", "rotating_seed"],
    );
    let master = Ed25519Secret::from_seed(array(case, "master_seed"));
    let now = number(case, "now");
    assert_eq!(rotation_start(now), number(case, "period_start"));
    assert_eq!(
        *rotating_key(&master, now).seed(),
        array(case, "rotating_seed")
    );
}

pub(crate) fn proof(case: &Value, backend: &Ed25519Secret) {
    check_keys(
        case,
        &[
            "revocation_tag",
            "rotating_pk",
            "expiry",
            "sig",
            "signed_message",
            "status_cases",
        ],
    );
    let proof = read(case);
    assert_eq!(proof.signed_bytes(), data(case, "signed_message"));
    let issued = Proof::issue(
        backend,
        proof.revocation_tag,
        proof.rotating,
        proof.expiry_seconds,
    );
    assert_eq!(issued, proof);
    let cases = case["status_cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        status(case, backend.public());
    }
}

fn status(case: &Value, backend: &Ed25519PublicKey) {
    check_keys(
        case,
        &[
            "revocation_tag",
            "rotating_pk",
            "expiry",
            "sig",
            "what",
            "now",
            "user_sig",
            "user_message",
            "status",
        ],
    );
    let signature = Signature::new(array(case, "user_sig"));
    let message = data(case, "user_message");
    let now = Timestamp::from_ms(number(case, "now") * 1000);
    let status = read(case).status(backend, &message, &signature, now);
    let expected = match text(case, "status") {
        "valid" => ProofStatus::Valid,
        "expired" => ProofStatus::Expired,
        "invalid_backend_sig" => ProofStatus::InvalidBackendSignature,
        "invalid_user_sig" => ProofStatus::InvalidUserSignature,
        other => panic!("unknown status {other}"),
    };
    assert_eq!(status, expected, "{}", text(case, "what"));
}

fn read(case: &Value) -> Proof {
    Proof {
        revocation_tag: array(case, "revocation_tag"),
        rotating: Ed25519PublicKey::new(array(case, "rotating_pk")),
        expiry_seconds: number(case, "expiry"),
        signature: Signature::new(array(case, "sig")),
    }
}

/// The status of a message by the name it has in the file; null means that there is no claim.
pub(crate) fn expected(name: Option<&str>) -> Option<ProStatus> {
    Some(match name? {
        "valid" => ProStatus::Valid,
        "expired" => ProStatus::Expired,
        other => panic!("unknown status {other}"),
    })
}
