//! What front ends need beside the accounts.

use data_encoding::BASE64;
use serde_json::{Value, json};
use session_api::params::{CodeContent, ReadCodeParams};

use crate::support::{Person, network, run};

/// The methods that are called here.
pub(crate) const METHODS: [&str; 8] = [
    "accounts.check_words",
    "accounts.read_code",
    "accounts.set_key",
    "network.swarm",
    "preferences.get",
    "preferences.set",
    "qr.make",
    "qr.read",
];

const NOWHERE: &str = "http://127.0.0.1:9";

/// A code as a camera might see it: grey on grey, larger, with a margin. Width, height, pixels.
fn seen(rows: &[Value], scale: usize) -> (usize, Vec<u8>) {
    let size = rows.len();
    let across = (size + 8) * scale;
    let mut grey = vec![200; across * across];
    for (y, row) in rows.iter().enumerate() {
        for (x, field) in row.as_str().unwrap().bytes().enumerate() {
            if field == b'1' {
                for dy in 0..scale {
                    let from = ((y + 4) * scale + dy) * across + (x + 4) * scale;
                    grey[from..from + scale].fill(60);
                }
            }
        }
    }
    (across, grey)
}

#[test]
fn what_a_code_says_is_read_back() {
    run(async {
        let person = Person::without_account("somebody");
        let api = person.session.connect();
        let id = format!("05{}", "ab".repeat(32));
        for text in [id.as_str(), "ü", &"x".repeat(1000)] {
            let made = api.call("qr.make", json!({ "text": text })).await.unwrap();
            let rows = made["rows"].as_array().unwrap();
            assert_eq!(made["size"], rows.len());
            assert!(
                rows.iter()
                    .all(|row| row.as_str().unwrap().len() == rows.len())
            );
            let (across, grey) = seen(rows, 4);
            let picture =
                json!({ "width": across, "height": across, "grey": BASE64.encode(&grey) });
            let read = api.call("qr.read", picture).await.unwrap();
            assert_eq!(read["text"], text);
        }
        for text in ["", &"x".repeat(1001)] {
            let refused = api
                .call("qr.make", json!({ "text": text }))
                .await
                .unwrap_err();
            assert_eq!(refused.code(), "api.text_too_long");
        }
        person.session.close().await;
    });
}

#[test]
fn pictures_without_a_code_say_nothing() {
    run(async {
        let person = Person::without_account("somebody");
        let api = person.session.connect();
        let ask = |width: u64, height: u64, grey: Vec<u8>| {
            let grey = BASE64.encode(&grey);
            api.call(
                "qr.read",
                json!({ "width": width, "height": height, "grey": grey }),
            )
        };
        let noise = |pixels: u32| -> Vec<u8> {
            let next = |state: &mut u32| {
                *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                Some(state.to_be_bytes()[0])
            };
            (0..pixels).scan(7, |state, _| next(state)).collect()
        };
        for (width, height) in [(1, 1), (3, 7), (640, 480), (1, 5000), (5000, 1)] {
            let grey = noise(width * height);
            let read = ask(width.into(), height.into(), grey).await.unwrap();
            assert_eq!(read, json!({}), "{width} {height}");
            let blank = vec![255; usize::try_from(width * height).unwrap()];
            let read = ask(width.into(), height.into(), blank).await.unwrap();
            assert_eq!(read, json!({}), "{width} {height}");
        }
        for (width, height, pixels) in [
            (0, 0, 0),
            (2, 2, 3),
            (1 << 32, 1 << 32, 1),
            (1000, 1000, 1_000_000),
        ] {
            let refused = ask(width, height, vec![0; pixels]).await.unwrap_err();
            assert_eq!(refused.code(), "api.bad_params");
        }
        person.session.close().await;
    });
}

#[test]
fn preferences_are_kept_for_all_front_ends() {
    run(async {
        let person = Person::without_account("somebody");
        let api = person.session.connect();
        let none = api.call("preferences.get", json!({})).await.unwrap();
        assert_eq!(none["value"], "");
        let value = r#"{"theme":"ink"}"#;
        api.call("preferences.set", json!({ "value": value }))
            .await
            .unwrap();
        let other = person.session.connect();
        let kept = other.call("preferences.get", json!({})).await.unwrap();
        assert_eq!(kept["value"], value);
        let long = json!({ "value": "x".repeat(20_000) });
        let refused = api.call("preferences.set", long).await.unwrap_err();
        assert_eq!(refused.code(), "api.preferences_too_long");
        person.session.close().await;
    });
}

#[test]
fn the_way_a_key_is_kept_can_be_changed() {
    run(async {
        let person = Person::without_account("somebody");
        let api = person.session.connect();
        let new = json!({ "name": "one", "network": NOWHERE, "key_store": "file" });
        let made = api.call("accounts.create", new).await.unwrap();
        let account = made["account"]["id"].clone();
        let note = json!({ "account": account, "to": account, "text": "before" });
        api.call("messages.send", note).await.unwrap();
        let set = json!({ "account": account, "key_store": "passphrase", "new_passphrase": "one" });
        api.call("accounts.set_key", set).await.unwrap();
        let list = api.call("accounts.list", json!({})).await.unwrap();
        assert_eq!(list["accounts"][0]["key_store"], "passphrase");
        // It goes on.
        let note = json!({ "account": account, "to": account, "text": "after" });
        api.call("messages.send", note).await.unwrap();
        api.call("accounts.close", json!({ "account": account }))
            .await
            .unwrap();
        let open = |passphrase: Option<&str>| {
            let open = json!({ "account": account, "passphrase": passphrase });
            api.call("accounts.open", open)
        };
        assert!(open(None).await.is_err() && open(Some("two")).await.is_err());
        let opened = open(Some("one")).await.unwrap();
        assert_eq!(opened["account"]["key_store"], "passphrase");
        let history = json!({ "account": account, "conversation": account });
        let history = api.call("messages.list", history).await.unwrap();
        assert_eq!(history["messages"].as_array().unwrap().len(), 2);

        // Only who knows the old one sets a new one.
        let change = |old: Option<&str>, new: Option<&str>| {
            let change = json!({
                "account": account, "passphrase": old, "key_store": "auto", "new_passphrase": new,
            });
            api.call("accounts.set_key", change)
        };
        assert!(change(None, Some("two")).await.is_err());
        assert!(change(Some("guess"), Some("two")).await.is_err());
        change(Some("one"), Some("two")).await.unwrap();
        api.call("accounts.close", json!({ "account": account }))
            .await
            .unwrap();
        assert!(open(Some("one")).await.is_err());
        open(Some("two")).await.unwrap();
        person.session.close().await;
    });
}

#[test]
fn words_are_looked_at_while_they_are_typed() {
    run(async {
        let person = Person::without_account("somebody");
        let api = person.session.connect();
        let new = json!({ "name": "one", "network": NOWHERE, "key_store": "file" });
        let made = api.call("accounts.create", new).await.unwrap();
        let account = json!({ "account": made["account"]["id"] });
        let own = api
            .call("accounts.recovery_password", account)
            .await
            .unwrap();
        let words = own["recovery_password"].as_str().unwrap();
        let check = |words: &str| api.call("accounts.check_words", json!({ "words": words }));
        let right = check(words).await.unwrap();
        assert_eq!(
            (&right["complete"], &right["valid"]),
            (&json!(true), &json!(true))
        );
        assert_eq!(right["words"].as_array().unwrap().len(), 13);
        let wrong = check("abbey xbbey").await.unwrap();
        assert_eq!(wrong["words"][0]["word"], "abbey");
        assert_eq!(wrong["words"][1]["word"], Value::Null);
        assert_eq!(wrong["words"][1]["suggestions"][0], "abbey");
        assert_eq!(
            (&wrong["complete"], &wrong["valid"]),
            (&json!(false), &json!(false))
        );
        person.session.close().await;
    });
}

#[test]
fn an_account_comes_back_from_its_code() {
    run(async {
        let person = Person::without_account("somebody");
        let api = person.session.connect();
        let new = json!({ "name": "one", "network": NOWHERE, "key_store": "file" });
        let made = api.call("accounts.create", new).await.unwrap();
        let id = made["account"]["id"].as_str().unwrap();
        let account = json!({ "account": id });
        let own = api
            .call("accounts.recovery_password", account)
            .await
            .unwrap();
        let made = api
            .call("qr.make", json!({ "text": own["seed"] }))
            .await
            .unwrap();
        person.session.close().await;

        // Another device, on which there is no account yet.
        let other = Person::without_account("somebody");
        let api = other.session.connect();
        let (across, grey) = seen(made["rows"].as_array().unwrap(), 4);
        let picture = json!({ "width": across, "height": across, "grey": BASE64.encode(&grey) });
        let read = api.call("qr.read", picture).await.unwrap();
        let held = api
            .call("accounts.read_code", json!({ "text": read["text"] }))
            .await
            .unwrap();
        let expected =
            json!({ "is": "recovery_password", "recovery_password": own["recovery_password"] });
        assert_eq!(held, expected);
        let restore = json!({
            "recovery_password": held["recovery_password"], "network": NOWHERE, "key_store": "file",
        });
        let restored = api.call("accounts.restore", restore).await.unwrap();
        assert_eq!(restored["account"]["id"], id);
        other.session.close().await;
    });
}

#[test]
fn a_code_with_a_long_seed_is_read_and_its_account_refused() {
    run(async {
        let person = Person::without_account("somebody");
        let api = person.session.connect();
        let text = json!({ "text": "07".repeat(32) });
        let held = api.call("accounts.read_code", text).await.unwrap();
        let words = held["recovery_password"].as_str().unwrap();
        assert_eq!(words.split(' ').count(), 25);
        let restore =
            json!({ "recovery_password": words, "network": NOWHERE, "key_store": "file" });
        let refused = api.call("accounts.restore", restore).await.unwrap_err();
        assert_eq!(refused.code(), "api.long_seed");
        person.session.close().await;
    });
}

#[test]
fn codes_without_a_recovery_password_are_told_by_kind_alone() {
    run(async {
        let person = Person::without_account("somebody");
        let api = person.session.connect();
        let id = format!("05{}", "ab".repeat(32));
        for (text, kind) in [
            (id.as_str(), "account_id"),
            ("https://example.org/choir?public_key=00", "link"),
            ("Anna", "other"),
            ("0123456789abcdef0123456789abcde", "other"),
            ("", "other"),
        ] {
            let held = api
                .call("accounts.read_code", json!({ "text": text }))
                .await
                .unwrap();
            assert_eq!(held, json!({ "is": kind }), "{text}");
        }
        person.session.close().await;
    });
}

#[test]
fn a_seed_stays_out_of_refusals_and_of_debug() {
    run(async {
        let person = Person::without_account("somebody");
        let api = person.session.connect();
        let seed = "0123456789abcdef0123456789abcdef";
        for refused in [
            json!({ "text": [seed] }),
            json!({ "words": seed }),
            json!({ "text": seed, "more": seed }),
        ] {
            let error = api.call("accounts.read_code", refused).await.unwrap_err();
            assert_eq!(error.code(), "api.bad_params");
            let told = format!("{error} {error:?}");
            assert!(!told.contains(seed), "{told}");
        }
        let held = CodeContent::RecoveryPassword {
            recovery_password: serde_json::from_value(json!("private words")).unwrap(),
        };
        let shown = format!("{held:?}");
        assert_eq!(
            shown,
            "RecoveryPassword { recovery_password: Secret { .. } }"
        );
        let asked: ReadCodeParams = serde_json::from_value(json!({ "text": seed })).unwrap();
        assert_eq!(
            format!("{asked:?}"),
            "ReadCodeParams { text: Secret { .. } }"
        );
        person.session.close().await;
    });
}

#[test]
fn the_path_and_the_swarm_can_be_drawn() {
    run(async {
        let network = network().await;
        let person = Person::new(&network, "Anna").await;
        let api = person.session.connect();
        let account = json!({ "account": person.account });
        api.call("network.poll", account.clone()).await.unwrap();
        let status = api.call("network.status", account.clone()).await.unwrap();
        let state = &status["network"];
        assert_eq!(state["state"], "connected", "{status}");
        let key = |hop: &str| state[hop]["key"].as_str().unwrap().to_owned();
        let mut hops = [key("guard"), key("middle"), key("exit")];
        hops.sort_unstable();
        assert!(hops.windows(2).all(|pair| pair[0] != pair[1]), "{status}");

        let swarm = api.call("network.swarm", account).await.unwrap();
        let nodes = swarm["nodes"].as_array().unwrap();
        let known: Vec<String> = network
            .nodes()
            .iter()
            .map(|node| node.contact.ed25519.to_hex())
            .collect();
        assert!(nodes.len() >= 3, "{swarm}");
        for node in nodes {
            let key = node["node"]["key"].as_str().unwrap().to_owned();
            assert!(known.contains(&key) && node["answers"] == true, "{node}");
        }
        person.session.close().await;
    });
}
