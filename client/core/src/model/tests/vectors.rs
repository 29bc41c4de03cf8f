//! What the reference clients made, taken in.

use std::path::PathBuf;

use serde_json::Value;
use session_store::{MessageKind, MessageState};

use super::*;

fn cases() -> Vec<Value> {
    let folder = std::env::var_os("SESSION_VECTORS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors")),
        PathBuf::from,
    );
    let text = std::fs::read_to_string(folder.join("session_protocol.json")).unwrap();
    let mut file: Value = serde_json::from_str(&text).unwrap();
    serde_json::from_value(file["one_to_one"].take()).unwrap()
}

fn bytes(case: &Value, key: &str) -> Vec<u8> {
    let text = case[key].as_str().unwrap();
    let digits = |at| text.get(at..at + 2).unwrap();
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(digits(at), 16).unwrap())
        .collect()
}

fn keys(case: &Value, key: &str) -> AccountKeys {
    AccountKeys::from_seed32(bytes(case, key).try_into().unwrap())
}

#[test]
fn every_one_to_one_message_becomes_a_row() {
    let cases = cases();
    assert!(!cases.is_empty());
    for (number, case) in cases.iter().enumerate() {
        let sender: AccountId = case["sender_account_id"].as_str().unwrap().parse().unwrap();
        let sent_at: u64 = match &case["timestamp_ms"] {
            Value::String(text) => text.parse().unwrap(),
            other => other.as_u64().unwrap(),
        };
        let sent_at = Timestamp::from_ms(sent_at);
        let mut device = Device::new();
        device.keys = keys(case, "recipient_seed");
        device.model.keys = keys(case, "recipient_seed");
        device.now = sent_at.plus(Duration::from_secs(5));
        let element = device.stored(bytes(case, "encoded"), sent_at);
        let hash = element.message.hash.clone();
        let (new, changes) = device.takes(vec![element]);
        assert_eq!(new, 1, "case {number}");
        assert_eq!(changes.received.len(), 1);

        let history = device.model.store().history(&sender, 10, None).unwrap();
        let [row] = history.as_slice() else {
            panic!("case {number}: {history:?}");
        };
        let content = Content::decode(&bytes(case, "content"), sent_at).unwrap();
        let session_messages::ContentKind::Visible(visible) = content.kind() else {
            panic!("case {number}: a {}", content.kind().name());
        };
        assert_eq!(row.body, visible.body().unwrap().as_str());
        assert_eq!((row.sender, row.conversation), (sender, sender));
        assert_eq!((row.sent_at, row.stored_at), (sent_at, Some(sent_at)));
        assert_eq!(
            (row.kind, &row.state),
            (MessageKind::Text, &MessageState::Received)
        );
        assert_eq!(row.hash.as_ref(), Some(&hash));
        assert_eq!(row.expiration, content.expiration());
        assert_eq!(row.details.attachments, visible.attachments().len());
        assert!(row.unread && !row.outgoing);

        let settings = device.model.store().conversation_settings(&sender).unwrap();
        let settings = settings.unwrap();
        let name = content.profile().unwrap().name.as_ref().unwrap();
        assert_eq!(settings.name, name.as_str());
        assert!(settings.approved_me && !settings.approved);
        // Found by its words, and taken in once.
        let mut words = row.body.split(' ');
        let word = words
            .find(|word| word.chars().all(char::is_alphabetic))
            .unwrap();
        let found = device.model.store().search(word, None, 10).unwrap();
        assert!(found.iter().any(|found| found.id == row.id), "{word}");
        let again = device.stored(bytes(case, "encoded"), sent_at);
        assert_eq!(device.takes(vec![again]).0, 0);
    }
}
