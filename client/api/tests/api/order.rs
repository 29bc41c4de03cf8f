//! What comes after what.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use session_api::Notification;

use crate::support::{Person, run, within};

/// Serves these calls without a network and gives back what came out, line by line.
async fn serve_calls(
    person: &Person,
    calls: impl Iterator<Item = (&'static str, Value)>,
) -> Vec<Value> {
    let mut input = String::new();
    for (id, (method, params)) in calls.enumerate() {
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        input.push_str(&request.to_string());
        input.push('\n');
    }
    let mut output = Vec::new();
    let connection = person.session.connect();
    let served = session_api::serve(connection, input.as_bytes(), &mut output);
    within("the calls", served).await.unwrap();
    let output = String::from_utf8(output).unwrap();
    output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn offline(name: &str) -> Person {
    let mut person = Person::without_account(name);
    let new = json!({ "network": "http://127.0.0.1:9", "key_store": "file" });
    let made = person.raw("accounts.create", new).await.unwrap();
    person.account = made["account"]["id"].clone();
    person
}

#[test]
fn what_a_call_did_is_told_after_its_answer() {
    run(async {
        let person = offline("somebody").await;
        let own = &person.account;
        let open = json!({ "account": own, "conversation": own });
        let notes = (0..200).map(|n| {
            let note = json!({ "account": own, "to": own, "text": format!("note {n}") });
            ("messages.send", note)
        });
        let calls = std::iter::once(("timeline.open", open)).chain(notes);
        let mut opened = false;
        let mut answered = BTreeSet::new();
        let mut diffs = 0;
        for line in serve_calls(&person, calls).await {
            if line["id"] == 0 {
                opened = true;
            } else if let Some(id) = line["result"]["message_id"].as_u64() {
                answered.insert(id);
            } else if line["method"] == "timeline.diff" {
                assert!(opened, "a diff came before its timeline");
                diffs += 1;
                for op in line["params"]["ops"].as_array().unwrap() {
                    for item in op["insert"].as_array().into_iter().flatten() {
                        if let Some(id) = item["message_id"].as_u64() {
                            assert!(answered.contains(&id), "message {id} came early");
                        }
                    }
                }
            }
        }
        assert!(answered.len() == 200 && diffs > 0, "{diffs} diffs");
        person.session.close().await;
    });
}

/// More notifications than a connection keeps for somebody who does not read.
const MANY: u32 = 4000;

#[test]
fn a_slow_reader_holds_nobody_up_and_gets_complete_lists() {
    run(async {
        let mut fast = offline("fast").await;
        let own = fast.account.clone();
        let mut slow = fast.beside("slow");
        let sub = slow.open("conversations.open", json!({})).await;
        for n in 0..MANY {
            // Each is told by a notification of its own.
            let name = json!({ "name": format!("name {n}") });
            fast.call("profile.set_name", name).await;
        }
        let last = json!({ "conversation": own, "text": "at last" });
        fast.call("conversations.set_draft", last).await;

        // Only now the slow one begins to read; each diff is checked to fit.
        slow.until_item("the last one", sub, |row| row["draft"] == "at last")
            .await;
        slow.until("what was missed", |slow| {
            let mut heard = slow.heard.iter();
            heard
                .any(|heard| matches!(heard, Notification::Missed(_)))
                .then_some(())
        })
        .await;
        let list = slow.call("conversations.list", json!({})).await;
        assert_eq!(list["rows"], json!(slow.items(sub)));
        fast.session.close().await;
    });
}

#[test]
fn calls_of_one_account_run_as_they_came() {
    run(async {
        let mut person = offline("somebody").await;
        let own = person.account.clone();
        let calls = (0..200).map(|n| {
            let note = json!({ "account": own, "to": own, "text": format!("note {n}") });
            ("messages.send", note)
        });
        let ids: Vec<u64> = serve_calls(&person, calls)
            .await
            .iter()
            .filter(|line| line.get("result").is_some())
            .map(|line| line["id"].as_u64().unwrap())
            .collect();
        let all: Vec<u64> = (0..200).collect();
        assert_eq!(ids, all);
        let list = json!({ "conversation": own, "limit": 1000 });
        let list = person.call("messages.list", list).await;
        let texts: Vec<String> = list["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| message["text"].as_str().unwrap().to_owned())
            .collect();
        let wanted: Vec<String> = all.iter().map(|n| format!("note {n}")).collect();
        assert_eq!(texts, wanted);
        person.session.close().await;
    });
}
