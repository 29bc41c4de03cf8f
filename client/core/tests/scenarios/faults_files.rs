//! Files that are not as this version left them: another key, tables of an earlier version.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, params};
use session_core::Event;
use session_store::{MessageState, Profile, StoreError};
use session_types::{AccountId, ErrorKind, Timestamp};

use crate::support::actor::bodies;
use crate::support::clock::real_time;
use crate::support::state::until_equal;
use crate::support::{Actor, Device, Net, run};

/// Every file below a folder with its content.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        found.insert(name, std::fs::read(&path).unwrap());
    }
    found
}

#[test]
fn a_wrong_key_opens_nothing_and_spoils_nothing() {
    run(async {
        let net = Net::shared().await;
        let mut alice = Actor::new(&net, "alice").await;
        let mut bob = Actor::new(&net, "bob").await;
        alice.send(&bob, "hello").await;
        bob.receive(1).await;
        alice.close().await;
        let queued_offline = {
            let mut store = alice.store();
            let message = session_store::NewOutgoing {
                conversation: bob.id(),
                message: session_store::NewMessage::text("still to be sent"),
                now: real_time(),
                time_unsure: false,
            };
            store.queue_outgoing(&message).unwrap().id
        };
        let folder = alice.home().join("accounts").join(alice.id().to_hex());
        let key_file = folder.join("key.json");
        let right = std::fs::read_to_string(&key_file).unwrap();
        let mut json: serde_json::Value = serde_json::from_str(&right).unwrap();
        *json.pointer_mut("/keeping/file/key").unwrap() = "5a".repeat(32).into();
        std::fs::write(&key_file, json.to_string()).unwrap();
        let before = files(&folder);
        for _ in 0..2 {
            let error = Profile::new(alice.home())
                .open(alice.id(), None)
                .unwrap_err();
            assert!(matches!(error, StoreError::WrongKey), "{error:?}");
            assert_eq!(error.to_string(), "wrong passphrase or key");
            assert_eq!(error.kind(), ErrorKind::Unauthorised);
            assert_eq!(files(&folder), before);
        }
        // With the right one again everything is there and goes on.
        std::fs::write(&key_file, right).unwrap();
        alice.open().await;
        alice.until_sent(queued_offline).await;
        let got = bob.receive(1).await;
        assert_eq!(bodies(&got), ["still to be sent"]);
        assert_eq!(alice.history(bob.id()).await.len(), 2);
    });
}

/// The database of an account with the tables of the first version, without anything in them
/// but who the account is.
fn first_version(actor: &Actor, seed: [u8; 16], network: &str) -> Connection {
    let folder = actor.home().join("accounts").join(actor.id().to_hex());
    let key_file = std::fs::read(folder.join("key.json")).unwrap();
    let key_file: serde_json::Value = serde_json::from_slice(&key_file).unwrap();
    let key = key_file["keeping"]["file"]["key"].as_str().unwrap();
    std::fs::remove_file(folder.join("account.db")).unwrap();
    let connection = Connection::open(folder.join("account.db")).unwrap();
    let unlock =
        format!("PRAGMA key = \"x'{key}'\"; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;");
    connection.execute_batch(&unlock).unwrap();
    let tables = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../store/migrations/0001_initial.sql"
    );
    let tables = std::fs::read_to_string(tables).unwrap();
    connection.execute_batch(&tables).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    let sql =
        "INSERT INTO identity (account, seed, display_name, network, created_at, last_sent_at)
               VALUES (?1, ?2, 'Alice', ?3, 5, 4000)";
    let own = actor.id().to_bytes().to_vec();
    let values = params![own, seed.to_vec(), network];
    connection.execute(sql, values).unwrap();
    connection
}

/// A message as the first version kept it.
struct Old<'a> {
    with: AccountId,
    sender: AccountId,
    body: &'a str,
    sent_at: Timestamp,
    state: i64,
    unread: bool,
}

fn write_old(old: &Connection, message: &Old<'_>) -> i64 {
    let bytes = |id: AccountId| id.to_bytes().to_vec();
    let sql = "INSERT INTO conversations (id, name, name_sent_at) VALUES (?1, 'Bob of old', 7)
               ON CONFLICT DO NOTHING";
    old.execute(sql, [bytes(message.with)]).unwrap();
    let sql = "INSERT INTO messages (conversation, sender, outgoing, body, sent_at, state, unread)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let outgoing = message.sender != message.with;
    let values = params![
        bytes(message.with),
        bytes(message.sender),
        outgoing,
        message.body,
        message.sent_at.as_ms_i64(),
        message.state,
        message.unread
    ];
    old.execute(sql, values).unwrap();
    old.last_insert_rowid()
}

fn queue_old(old: &Connection, message: i64, to: AccountId, own: AccountId) {
    let sql = "INSERT INTO outbox (message, kind, recipient, ready) VALUES (?1, ?2, ?3, ?4)";
    for (kind, recipient, ready) in [(0, to, true), (1, own, false)] {
        let recipient = recipient.to_bytes().to_vec();
        old.execute(sql, params![message, kind, recipient, ready])
            .unwrap();
    }
}

#[test]
fn a_database_of_the_first_version_goes_on_where_it_was() {
    run(async {
        const SENDING: i64 = 0;
        const SENT: i64 = 1;
        const RECEIVED: i64 = 3;
        let net = Net::shared().await;
        let mut bob = Actor::new(&net, "bob").await;
        let carol = Actor::new(&net, "carol").await;
        let seed = rand::random();
        let mut alice = Actor::offline("alice", seed, Device::on(net.seed_url()));
        let now = real_time();
        let ago = |seconds| now.minus(core::time::Duration::from_secs(seconds));
        {
            let old = first_version(&alice, seed, &net.seed_url());
            let write = |with, sender, body, sent_at, state, unread| {
                let message = Old {
                    with,
                    sender,
                    body,
                    sent_at,
                    state,
                    unread,
                };
                write_old(&old, &message)
            };
            let (own, bob, carol) = (alice.id(), bob.id(), carol.id());
            write(bob, bob, "from bob", ago(3000), RECEIVED, false);
            write(bob, own, "to bob", ago(2900), SENT, false);
            write(bob, bob, "not read yet", ago(2800), RECEIVED, true);
            write(carol, carol, "a request", ago(2700), RECEIVED, true);
            for (seconds, body) in [(2600, "queued one"), (2500, "queued two")] {
                let message = write(bob, own, body, ago(seconds), SENDING, false);
                queue_old(&old, message, bob, own);
            }
        }

        alice.open().await;
        // What waited is delivered, in its order and with its time.
        let got = bob.receive(2).await;
        assert_eq!(bodies(&got), ["queued one", "queued two"]);
        assert_eq!(got[0].sent_at, ago(2600));
        assert_eq!(got[0].sender, alice.id());
        alice.until_outbox_empty().await;
        let rows = alice.history(bob.id()).await;
        let all = [
            "from bob",
            "to bob",
            "not read yet",
            "queued one",
            "queued two",
        ];
        assert_eq!(bodies(&rows), all);
        assert_eq!(rows[3].state, MessageState::Sent);

        // People became contacts.
        let with_bob = alice
            .account()
            .conversation(bob.id())
            .await
            .unwrap()
            .unwrap();
        assert!(with_bob.settings.approved && with_bob.settings.approved_me);
        assert_eq!(with_bob.settings.name, "Bob of old");
        let with_carol = alice.account().conversation(carol.id()).await.unwrap();
        let with_carol = with_carol.unwrap();
        assert!(with_carol.is_request() && with_carol.settings.approved_me);
        assert_eq!(with_carol.unread, 1);
        assert_eq!(alice.account().name().await.unwrap(), "Alice");

        // And the swarm has them: a new device knows the name, the people, what was read.
        alice
            .log()
            .until("alice: configs stored", |events| {
                let stored = |event: &Event| matches!(event, Event::ConfigsStored);
                events.iter().any(stored).then_some(())
            })
            .await;
        let alice2 = alice.second_device().await;
        let name = async || {
            let name = alice2.account().name().await.unwrap();
            (name == "Alice").then_some(())
        };
        alice2.until("the name", name).await;
        let approved = |row: &session_store::ConversationRow| row.settings.approved;
        alice2
            .until_conversation(bob.id(), "accepted", approved)
            .await;
        let sent = |row: &session_store::ConversationRow| row.settings.approved_me;
        alice2
            .until_conversation(carol.id(), "the request", sent)
            .await;
        // A second start finds nothing left to do.
        alice.restart().await;
        alice.send(&bob, "from now on as ever").await;
        bob.receive(1).await;
        bob.assert_tidy();
        alice.assert_tidy();
        let bob2 = bob.second_device().await;
        until_equal(&[&bob, &bob2]).await;
    });
}
