//! One-to-one messages.

use prost::Message;
use serde_json::Value;
use session_crypto::{AccountKeys, Ed25519Secret};
use session_messages::{ContentKind, decode_direct, open_direct, proto, seal_direct};
use session_types::{AccountId, Ed25519PublicKey, Timestamp};

use super::file::{array, check_keys, data, number, optional, text};
use super::pro::expected;
use session_test_support::ScriptedRng;

pub(crate) fn case(case: &Value, backend: &Ed25519PublicKey) {
    check_keys(
        case,
        &[
            "content",
            "encoded",
            "envelope",
            "pro_rotating_seed",
            "pro_sig",
            "pro_status",
            "recipient",
            "recipient_seed",
            "rng",
            "sealed_content",
            "sender_account_id",
            "sender_seed",
            "timestamp_ms",
        ],
    );
    let content = data(case, "content");
    let encoded = data(case, "encoded");
    let sender = AccountKeys::from_seed32(array(case, "sender_seed"));
    let recipient = AccountKeys::from_seed32(array(case, "recipient_seed"));
    let recipient_id: AccountId = text(case, "recipient").parse().unwrap();
    assert_eq!(recipient.account_id(), recipient_id);
    let sent_at = Timestamp::from_ms(number(case, "timestamp_ms"));

    // Encoding, with the reference's random bytes.
    let rotating = optional(case, "pro_rotating_seed").map(Ed25519Secret::from_seed);
    let mut rng = ScriptedRng::new(&data(case, "rng"));
    let made = seal_direct(
        &content,
        &sender,
        &recipient_id,
        sent_at,
        rotating.as_ref(),
        &mut rng,
    );
    assert_eq!(made.unwrap(), encoded);
    rng.assert_used_up();

    // The parts.
    let frame = proto::WebSocketMessage::decode(encoded.as_slice()).unwrap();
    assert_eq!(frame.request.unwrap().body.unwrap(), data(case, "envelope"));
    let envelope = proto::Envelope::decode(data(case, "envelope").as_slice()).unwrap();
    assert_eq!(envelope.content.unwrap(), data(case, "sealed_content"));
    assert_eq!(envelope.pro_sig.unwrap(), data(case, "pro_sig"));
    let opened = open_direct(&encoded, &recipient).unwrap();
    assert_eq!(opened.content, content);
    assert_eq!(opened.sealed, data(case, "sealed_content"));
    assert_eq!(
        opened.pro_signature.unwrap().as_bytes().as_slice(),
        data(case, "pro_sig")
    );

    // Decoding.
    let mut incoming = decode_direct(&encoded, &recipient).unwrap();
    assert_eq!(incoming.sender.to_hex(), text(case, "sender_account_id"));
    assert_eq!(incoming.sent_at, sent_at);
    assert_eq!(incoming.content.sig_timestamp(), Some(sent_at));
    check_content(
        &content,
        incoming.content.kind(),
        incoming.content.profile(),
    );
    assert_eq!(
        incoming.apply_pro_limit(backend),
        expected(case["pro_status"].as_str())
    );

    // Refusals: each byte of envelope and seal is protected or needed.
    assert!(decode_direct(&encoded, &sender).is_err());
    for cut in [0, 1, 20, encoded.len() - 1] {
        assert!(
            decode_direct(&encoded[..cut], &recipient).is_err(),
            "cut to {cut}"
        );
    }
    let at = encoded
        .windows(32)
        .position(|w| w == &data(case, "sealed_content")[..32])
        .unwrap();
    let mut changed = encoded;
    changed[at + 40] ^= 1;
    assert!(decode_direct(&changed, &recipient).is_err());
}

/// The checked content says what the wire form says, and the schema loses nothing.
pub(crate) fn check_content(
    bytes: &[u8],
    kind: &ContentKind,
    profile: Option<&session_messages::Profile>,
) {
    let wire = proto::Content::decode(bytes).unwrap();
    assert_eq!(wire.encode_to_vec(), bytes);
    let message = wire.data_message.unwrap();
    let ContentKind::Visible(visible) = kind else {
        panic!("a {}", kind.name())
    };
    assert_eq!(visible.body().unwrap().as_str(), message.body.unwrap());
    let wire_profile = message.profile.unwrap();
    let name = profile.unwrap().name.as_ref().unwrap();
    assert_eq!(name.as_str(), wire_profile.display_name.unwrap());
}
