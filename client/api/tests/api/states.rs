//! Names, deletions that can be undone, room by age, what was logged.

use std::fs;
use std::sync::Arc;

use serde_json::{Value, json};
use session_crypto::AccountKeys;
use session_devnet::{Devnet, DevnetOptions, Names};

use crate::support::{Person, network, run, says, within};

/// The methods that are called here.
pub(crate) const METHODS: [&str; 5] = [
    "contacts.resolve",
    "files.droppable",
    "logs.get",
    "messages.count",
    "messages.undelete",
];

#[test]
fn names_lead_to_accounts() {
    run(async {
        let carol = AccountKeys::from_seed16([3; 16]).account_id();
        let names = Names::default();
        names.register("carol".parse().unwrap(), carol);
        let options = DevnetOptions {
            seed: Some(31),
            customise: Some(Arc::new(move |_, config| {
                config.names = Arc::new(names.clone());
            })),
            ..DevnetOptions::default()
        };
        let starting = Box::pin(Devnet::start(options, |_| ()));
        let network = within("a network", starting).await.unwrap();
        let mut anna = Person::new(&network, "anna").await;
        let found = anna
            .call("contacts.resolve", json!({ "name": "Carol" }))
            .await;
        assert_eq!(found["person"], carol.to_hex());
        let mut resolve =
            async |name: &str| anna.fail("contacts.resolve", json!({ "name": name })).await;
        assert_eq!(resolve("dave").await, "core.no_such_name");
        assert_eq!(resolve("no name").await, "core.bad_name");
        anna.session.close().await;
        network.shutdown().await.unwrap();
    });
}

#[test]
fn a_deletion_is_undone_or_not_and_files_go_by_age() {
    run(async {
        let network = network().await;
        let mut anna = Person::with_files(&network, "anna").await;
        let mut bob = Person::with_files(&network, "bob").await;
        let (to_bob, with_anna) = (bob.account.clone(), anna.account.clone());
        bob.call("messages.send", json!({ "to": with_anna, "text": "hi" }))
            .await;
        let chat = json!({ "conversation": to_bob });
        let timeline = anna.open("timeline.open", chat.clone()).await;
        let item = anna.until_item("bob's", timeline, says("hi")).await;
        let message = json!({ "message_id": item["message_id"] });
        let count = anna.call("messages.count", chat.clone()).await;
        assert_eq!(count["messages"], 1);
        assert_eq!(anna.call("messages.count", json!({})).await["messages"], 1);

        let delete = json!({
            "message_id": item["message_id"], "scope": "this_device", "undo_ms": 60_000
        });
        let list = anna
            .open("conversations.open", json!({ "filter": "requests" }))
            .await;
        assert_eq!(
            anna.call("messages.delete", delete.clone()).await["undo"],
            true
        );
        anna.until_none("a deleted message", timeline, says("hi"))
            .await;
        let last_is_hi = |row: &Value| row["last"]["text"] == "hi";
        anna.until_none("a deleted message", list, last_is_hi).await;
        let restored = anna.call("messages.undelete", message.clone()).await;
        assert_eq!(restored["restored"], true);
        anna.until_item("what was brought back", timeline, says("hi"))
            .await;
        anna.until_item("what was brought back", list, last_is_hi)
            .await;
        // For good.
        let now = json!({ "message_id": item["message_id"], "scope": "this_device" });
        assert_eq!(anna.call("messages.delete", now).await["undo"], false);
        let restored = anna.call("messages.undelete", message).await;
        assert_eq!(restored["restored"], false);

        // Files by age.
        anna.call("requests.accept", json!({ "person": to_bob }))
            .await;
        let photo = bob.home.path().join("photo.txt");
        fs::write(&photo, [7; 50_000]).unwrap();
        let send = json!({ "to": with_anna, "files": [{ "path": photo }] });
        bob.call("messages.send_files", send).await;
        let done = anna.until_heard("file.done", |told| told["upload"] == false);
        let file = done.await;
        let droppable = anna.call("files.droppable", json!({})).await;
        assert_eq!(droppable["files"], 1);
        assert!(droppable["bytes"].as_u64().unwrap() >= 50_000);
        let long_ago = json!({ "conversation": to_bob, "before": 1_000 });
        let none = anna.call("files.droppable", long_ago.clone()).await;
        assert_eq!(none, json!({ "files": 0, "bytes": 0 }));
        assert_eq!(anna.call("files.drop_copies", long_ago).await, none);
        let all = json!({ "before": 32_000_000_000_000_u64 });
        assert_eq!(anna.call("files.drop_copies", all).await, droppable);
        let content = json!({ "message_id": file["message_id"], "index": 0 });
        assert_eq!(
            anna.fail("files.content", content).await,
            "core.file_missing"
        );
        anna.session.close().await;
        bob.session.close().await;
    });
}

#[test]
fn the_log_begins_with_what_the_program_is() {
    run(async {
        let mut anna = Person::without_account("anna");
        let log = anna.raw("logs.get", json!({})).await.unwrap();
        let text = log["text"].as_str().unwrap();
        assert!(text.starts_with(&format!("Session {}, ", env!("CARGO_PKG_VERSION"))));
        assert!(text.lines().count() <= 1001);
    });
}
