//! Community posts.

use prost::Message;
use serde_json::Value;
use session_crypto::{AccountKeys, BlindedId, BlindedKeys, Ed25519Secret, blinded_message};
use session_messages::{Content, decode_inbox, decode_post, encode_inbox, pad_post, proto};
use session_types::{AccountId, Ed25519PublicKey, Timestamp, X25519PublicKey};

use super::direct::check_content;
use super::file::{array, check_keys, data, optional, text};
use super::pro::expected;
use session_test_support::ScriptedRng;

pub(crate) fn case(case: &Value, backend: &Ed25519PublicKey) {
    check_keys(
        case,
        &[
            "community_encoded",
            "content",
            "inbox",
            "pro_rotating_seed",
            "pro_sig",
            "pro_status_at_sig_time",
            "sender_seed",
        ],
    );
    let content = data(case, "content");
    let encoded = data(case, "community_encoded");
    let rotating = optional(case, "pro_rotating_seed").map(Ed25519Secret::from_seed);
    assert_eq!(pad_post(&content, rotating.as_ref()), encoded);

    let sig_timestamp = proto::Content::decode(content.as_slice())
        .unwrap()
        .sig_timestamp;
    let sent_at = Timestamp::from_ms(sig_timestamp.unwrap());
    let post = decode_post(&encoded, sent_at).unwrap();
    check_content(&content, post.content.kind(), post.content.profile());
    let status = post.pro.as_ref().map(|claim| claim.status(backend));
    let name = case.get("pro_status_at_sig_time").and_then(Value::as_str);
    assert_eq!(status, expected(name));
    inbox(case, &encoded, sent_at);
    if let Some(signature) = case.get("pro_sig") {
        let unpadded = session_encoding::padding::unpad(&encoded).to_vec();
        let wire = proto::Content::decode(unpadded.as_slice()).unwrap();
        let found = wire.pro_sig_for_community_message_only.unwrap();
        assert_eq!(found, data(case, "pro_sig"), "{signature}");
    }
}

/// The same bytes, encrypted to a blinded id.
fn inbox(case: &Value, post: &[u8], sent_at: Timestamp) {
    let sender = AccountKeys::from_seed32(array(case, "sender_seed"));
    let case = &case["inbox"];
    check_keys(
        case,
        &[
            "server_pk",
            "recipient_blinded_id",
            "recipient_seed",
            "nonce",
            "encoded",
        ],
    );
    let server = X25519PublicKey::new(array(case, "server_pk"));
    let recipient = AccountKeys::from_seed32(array(case, "recipient_seed"));
    let to: BlindedId = text(case, "recipient_blinded_id").parse().unwrap();
    let encoded = data(case, "encoded");

    let mut rng = ScriptedRng::new(&data(case, "nonce"));
    let made = blinded_message::encrypt(sender.ed25519(), &to, &server, post, &mut rng);
    assert_eq!(made.unwrap(), encoded);
    rng.assert_used_up();

    let from = *BlindedKeys::new(to.blinding(), sender.ed25519(), &server)
        .unwrap()
        .id();
    let by = |reader: &AccountKeys| decode_inbox(&encoded, reader, &server, &from, &to, sent_at);
    let received = by(&recipient).unwrap();
    assert_eq!(received.sender, sender.account_id());
    let expected = decode_post(post, sent_at).unwrap();
    assert_eq!(received.content, expected.content);
    assert_eq!(received.pro, expected.pro);
    // The sender finds it in its outbox.
    assert_eq!(by(&sender).unwrap(), received);
    let stranger = AccountKeys::from_seed32([9; 32]);
    assert!(by(&stranger).is_err());

    // What we make ourselves comes through as well.
    let reply = Content::text("hello").unwrap();
    let mut rng = ScriptedRng::new(&data(case, "nonce"));
    let data = encode_inbox(&reply, &recipient, &from, &server, sent_at, &mut rng).unwrap();
    let own = *BlindedKeys::new(to.blinding(), recipient.ed25519(), &server)
        .unwrap()
        .id();
    let read = decode_inbox(&data, &sender, &server, &own, &from, sent_at).unwrap();
    let author: AccountId = recipient.account_id();
    assert_eq!((read.sender, read.content.kind()), (author, reply.kind()));
}
