//! Group messages.

use serde_json::Value;
use session_crypto::group_message::{self, Framing};
use session_crypto::{AccountKeys, Ed25519Secret};
use session_messages::{decode_group, open_group, seal_group};
use session_types::{Ed25519PublicKey, GroupId, Timestamp};

use super::direct::check_content;
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
            "group_id",
            "group_key",
            "pro_rotating_seed",
            "pro_sig",
            "pro_status",
            "rng",
            "sender_account_id",
            "sender_seed",
            "timestamp_ms",
        ],
    );
    let content = data(case, "content");
    let encoded = data(case, "encoded");
    let envelope = data(case, "envelope");
    let sender = AccountKeys::from_seed32(array(case, "sender_seed"));
    let group: GroupId = text(case, "group_id").parse().unwrap();
    let key: [u8; 32] = array(case, "group_key");
    let sent_at = Timestamp::from_ms(number(case, "timestamp_ms"));

    // Encoding, with the reference's random bytes.
    let rotating = optional(case, "pro_rotating_seed").map(Ed25519Secret::from_seed);
    let mut rng = ScriptedRng::new(&data(case, "rng"));
    let made = seal_group(
        &content,
        &sender,
        &group,
        &key,
        sent_at,
        rotating.as_ref(),
        &mut rng,
    )
    .unwrap();
    rng.assert_used_up();
    let inside = |data: &[u8]| group_message::decrypt([&key], group.ed25519(), data).unwrap();
    assert_eq!(inside(&made).plaintext, envelope);
    assert_eq!(inside(&encoded).plaintext, envelope);
    if made != encoded {
        // Only what was compressed may differ: compressors do.
        assert_ne!(plain(case, &sender, &group, &key, &envelope), encoded);
    }

    // Decoding.
    let opened = open_group(&encoded, &group, [&key]).unwrap();
    assert_eq!(opened.content, content);
    assert_eq!(
        opened.pro_signature.unwrap().as_bytes().as_slice(),
        data(case, "pro_sig")
    );
    let mut incoming = decode_group(&encoded, &group, [&[7; 32], &key]).unwrap();
    assert_eq!(incoming.sender.to_hex(), text(case, "sender_account_id"));
    assert_eq!(incoming.sent_at, sent_at);
    check_content(
        &content,
        incoming.content.kind(),
        incoming.content.profile(),
    );
    assert_eq!(
        incoming.apply_pro_limit(backend),
        expected(case["pro_status"].as_str())
    );

    // Refusals.
    assert!(decode_group(&encoded, &group, [&[7; 32]]).is_err());
    let other = GroupId::from_ed25519(*sender.ed25519().public());
    assert!(decode_group(&encoded, &other, [&key]).is_err());
    assert!(decode_group(&encoded[..encoded.len() - 1], &group, [&key]).is_err());
}

/// The message as it would be without compression.
fn plain(
    case: &Value,
    sender: &AccountKeys,
    group: &GroupId,
    key: &[u8; 32],
    envelope: &[u8],
) -> Vec<u8> {
    let rng = data(case, "rng");
    let mut nonce = ScriptedRng::new(&rng[rng.len() - 24..]);
    let framing = Framing {
        compress: false,
        ..Framing::default()
    };
    let (author, group) = (sender.ed25519(), group.ed25519());
    group_message::encrypt(author, group, key, envelope, framing, &mut nonce).unwrap()
}
