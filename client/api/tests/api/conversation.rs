//! Two people do everything there is to do, through the API alone.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Person, network, run, says};

#[test]
fn two_people_do_everything() {
    run(async {
        let network = network().await;
        let mut anna = Person::new(&network, "Anna").await;
        let mut bob = Person::new(&network, "Bob").await;
        beginnings(&mut anna).await;
        let (timeline, bobs) = request_and_answer(&mut anna, &mut bob).await;
        messages(&mut anna, &mut bob, timeline, bobs).await;
        settings_of_conversations(&mut anna, &bob).await;
        looking_things_up(&mut anna, &bob, timeline).await;
        second_device(&mut anna, &network.seed_url()).await;
        endings(&mut anna, &mut bob, timeline).await;

        let document = session_api::openrpc();
        let all: BTreeSet<String> = document["methods"]
            .as_array()
            .unwrap()
            .iter()
            .map(|method| method["name"].as_str().unwrap().to_owned())
            .collect();
        let mut called: BTreeSet<String> = anna.called.union(&bob.called).cloned().collect();
        // They are called in a test of their own.
        called.extend(crate::files::METHODS.map(str::to_owned));
        called.extend(crate::previews::METHODS.map(str::to_owned));
        called.extend(crate::states::METHODS.map(str::to_owned));
        called.extend(crate::tools::METHODS.map(str::to_owned));
        let left: Vec<_> = all.difference(&called).collect();
        assert!(left.is_empty(), "nobody called {left:?}");
        anna.session.close().await;
        bob.session.close().await;
    });
}

/// What one does alone.
async fn beginnings(anna: &mut Person) {
    let hello = anna.raw("hello", json!({ "version": 1 })).await.unwrap();
    assert_eq!(hello["api"], 1);
    assert_eq!(hello["accounts"][0]["id"], anna.account);
    assert_eq!(hello["accounts"][0]["open"], true);
    let listed = anna.raw("accounts.list", json!({})).await.unwrap();
    assert_eq!(listed["accounts"], hello["accounts"]);
    anna.call("profile.set_name", json!({ "name": "Anna P." }))
        .await;
    let profile = anna.call("profile.get", json!({})).await;
    assert_eq!(profile["name"], "Anna P.");
    let code = anna.fail("profile.set_name", json!({ "name": "" })).await;
    assert_eq!(code, "core.not_a_message");
    let mut settings = json!({
        "read_receipts": false, "typing": false, "link_previews": false, "direct_files": false,
        "file_server": null, "own_file_server": false,
        "recovery_saved": false,
        "recovery_hidden": false,
    });
    assert_eq!(anna.call("settings.get", json!({})).await, settings);
    let changed = anna
        .call("settings.set", json!({ "read_receipts": true }))
        .await;
    settings["read_receipts"] = json!(true);
    assert_eq!(changed, settings);
    anna.call("settings.set", json!({ "typing": true })).await;

    let key = "b8eef9821445ae16e2e97ef8aa6fe782fd11ad5253cd6723b281341dba22e371";
    let server = format!("http://files.example#{key}");
    for wrong in ["http://files.example", "files.example#1", ""] {
        let wrong = json!({ "file_server": wrong, "typing": false });
        let code = anna.fail("settings.set", wrong).await;
        assert_eq!(code, "api.bad_file_server");
    }
    let own = json!({ "file_server": server });
    let changed = anna.call("settings.set", own).await;
    assert_eq!(changed["file_server"], server);
    assert_eq!(changed["own_file_server"], true);
    assert_eq!(changed["typing"], true, "nothing of a refused change stays");
    let usual = json!({ "file_server": "default" });
    let changed = anna.call("settings.set", usual).await;
    assert_eq!(changed["file_server"], json!(null));
    assert_eq!(changed["own_file_server"], false);
}

/// Anna writes first; Bob accepts. Gives back the timelines of both.
async fn request_and_answer(anna: &mut Person, bob: &mut Person) -> (u64, u64) {
    let on = json!({ "read_receipts": true, "typing": true });
    bob.call("settings.set", on).await;
    let chats = anna.open("conversations.open", json!({})).await;
    assert!(anna.items(chats).is_empty());
    let with_bob = json!({ "conversation": bob.account, "time_zone": "UTC" });
    let timeline = anna.open("timeline.open", with_bob).await;
    let requests = bob
        .open("conversations.open", json!({ "filter": "requests" }))
        .await;

    let hello = json!({ "to": bob.account, "text": "hello Bob" });
    let queued = anna.call("messages.send", hello).await;
    // What the call did is told after its answer: nothing has been read yet.
    let item = anna
        .until_item("the own message", timeline, says("hello Bob"))
        .await;
    assert_eq!(item["message_id"], queued["message_id"]);
    assert_eq!(item["mine"], true);
    anna.until_told("message.sent", &queued["message_id"]).await;
    anna.until_item("sent", timeline, |item| item["state"]["is"] == "sent")
        .await;
    let row = anna.items(chats)[0].clone();
    assert_eq!(row["request"], "outgoing");
    assert_eq!(row["last"]["text"], "hello Bob");

    let from_anna = anna.account.clone();
    let request = bob
        .until_item("a request", requests, |row| row["id"] == from_anna)
        .await;
    assert_eq!(request["request"], "incoming");
    assert_eq!(request["person"]["name"], "Anna P.");
    let accept = json!({ "person": anna.account });
    bob.call("requests.accept", accept).await;
    bob.until_none("no request", requests, |_| true).await;
    anna.until_item("accepted", timeline, |item| {
        item["notice"]["what"] == "request_accepted"
    })
    .await;

    let unread = json!({ "conversation": anna.account, "around": { "at": "unread" } });
    let bobs = bob.open("timeline.open", unread).await;
    let index = usize::try_from(bob.screens[&bobs].state["unread_index"].as_u64().unwrap());
    assert_eq!(bob.items(bobs)[index.unwrap()]["kind"], "unread");
    bob.call(
        "conversations.mark_read",
        json!({ "conversation": anna.account }),
    )
    .await;
    anna.until_item("read", timeline, |item| item["state"]["is"] == "read")
        .await;
    let typing = json!({ "conversation": anna.account, "typing": true });
    bob.call("conversations.typing", typing).await;
    anna.until_item("typing", chats, |row| row["typing"] == true)
        .await;
    anna.call("conversations.close", json!({ "sub": chats }))
        .await;
    anna.screens.remove(&chats);
    let code = anna.fail("conversations.close", json!({ "sub": chats }));
    assert_eq!(code.await, "api.unknown_subscription");
    (timeline, bobs)
}

/// Messages of every kind, and what happens to them.
async fn messages(anna: &mut Person, bob: &mut Person, timeline: u64, bobs: u64) {
    let original = bob.items(bobs)[2].clone();
    assert!(says("hello Bob")(&original));
    let reply = json!({
        "to": anna.account,
        "text": "hello, see https://example.org",
        "reply_to": original["message_id"],
    });
    bob.call("messages.send", reply).await;
    let reply = anna
        .until_item("a reply", timeline, |item| item["quote"].is_object())
        .await;
    assert_eq!(reply["quote"]["original"]["excerpt"], "hello Bob");
    assert_eq!(reply["quote"]["mine"], true);
    assert_eq!(reply["spans"][1]["url"], "https://example.org");

    let emoji = json!({ "message_id": reply["message_id"], "emoji": "👍" });
    anna.call("messages.react", emoji.clone()).await;
    let reacted = |item: &Value| item["reactions"][0]["emoji"] == "👍";
    let seen = bob.until_item("a reaction", bobs, reacted).await;
    assert_eq!(seen["reactions"][0]["who"], json!([anna.account]));
    assert_eq!(seen["reactions"][0]["mine"], false);
    let mut back = emoji;
    back["present"] = json!(false);
    anna.call("messages.react", back).await;
    bob.until_none("no reaction", bobs, reacted).await;

    let room = json!({ "to": bob.account, "url": "https://example.org/room?public_key=1111111111111111111111111111111111111111111111111111111111111111", "name": "Choir" });
    anna.call("messages.invite", room).await;
    bob.until_item("an invitation", bobs, |item| {
        item["invitation"]["name"] == "Choir"
    })
    .await;

    let timer = json!({ "mode": "after_send", "seconds": 3600 });
    let set = json!({ "conversation": bob.account, "timer": timer });
    let notice = anna.call("conversations.set_timer", set.clone()).await;
    assert!(notice["message"]["message_id"].is_number());
    assert_eq!(
        anna.call("conversations.set_timer", set).await["message"],
        Value::Null
    );
    let told = bob
        .until_item("a timer", bobs, |item| {
            item["notice"]["what"] == "timer_changed"
        })
        .await;
    assert_eq!(told["notice"]["timer"], timer);
    assert_eq!(told["notice"]["differs"], true);
    let odd =
        json!({ "conversation": bob.account, "timer": { "mode": "after_read", "seconds": 7 } });
    assert_eq!(
        anna.fail("conversations.set_timer", odd).await,
        "core.bad_timer"
    );

    let shot = json!({ "conversation": anna.account });
    bob.call("conversations.tell_extraction", shot).await;
    anna.until_item("a screenshot", timeline, |item| {
        item["notice"]["what"] == "screenshot"
    })
    .await;

    let slip = json!({ "to": bob.account, "text": "a slip" });
    let slip = anna.call("messages.send", slip).await;
    let came = bob.until_item("the slip", bobs, says("a slip")).await;
    assert_eq!(came["timer"]["seconds"], 3600);
    anna.until_told("message.sent", &slip["message_id"]).await;
    let mine = json!({ "message_id": came["message_id"], "scope": "everyone" });
    assert_eq!(bob.fail("messages.delete", mine).await, "core.not_yours");
    let delete = json!({ "message_id": slip["message_id"], "scope": "everyone" });
    anna.call("messages.delete", delete).await;
    let id = came["id"].clone();
    let left = bob
        .until_item("deleted", bobs, |item| {
            item["id"] == id && item["kind"] == "deleted"
        })
        .await;
    assert_eq!(left["mine"], false);
    let again = json!({ "message_id": slip["message_id"] });
    assert_eq!(anna.call("messages.retry", again).await["queued"], false);
}

/// Drafts, pins, mutes, marks, names, blocks.
async fn settings_of_conversations(anna: &mut Person, bob: &Person) {
    let chats = anna.open("conversations.open", json!({})).await;
    let conversation = bob.account.clone();
    let about = |extra: Value| {
        let mut params = extra;
        params["conversation"] = conversation.clone();
        params
    };
    let draft = about(json!({ "text": "I will\nwrite" }));
    anna.call("conversations.set_draft", draft).await;
    let row = anna
        .until_item("a draft", chats, |row| row["draft"] == "I will write")
        .await;
    assert_eq!(row["pinned"], false);
    let kept = anna.call("conversations.draft", about(json!({}))).await;
    assert_eq!(kept["text"], "I will\nwrite");
    anna.call("conversations.pin", about(json!({ "pinned": true })))
        .await;
    anna.until_item("a pin", chats, |row| row["pinned"] == true)
        .await;
    let mute = about(json!({ "notify": "all", "muted_until": 4_000_000_000_000_u64 }));
    anna.call("conversations.notify", mute).await;
    let row = anna
        .until_item("a mute", chats, |row| row["muted"] == true)
        .await;
    assert_eq!(row["muted_until"], 4_000_000_000_000_u64);
    anna.call(
        "conversations.mark_unread",
        about(json!({ "unread": true })),
    )
    .await;
    anna.until_item("a mark", chats, |row| row["marked_unread"] == true)
        .await;
    let person = json!({ "person": bob.account, "nickname": "Bobby" });
    anna.call("contacts.set_nickname", person).await;
    let row = anna
        .until_item("a name", chats, |row| row["person"]["name"] == "Bobby")
        .await;
    let one = anna.call("conversations.get", about(json!({}))).await;
    assert_eq!(one["conversation"], row);
    let all = anna
        .call("conversations.list", json!({ "filter": "all" }))
        .await;
    assert_eq!(all["rows"], json!(anna.items(chats)));

    let block = |blocked: bool| json!({ "person": bob.account, "blocked": blocked });
    anna.call("contacts.block", block(true)).await;
    anna.until_item("blocked", chats, |row| row["blocked"] == true)
        .await;
    let refused = json!({ "to": bob.account, "text": "no" });
    assert_eq!(anna.fail("messages.send", refused).await, "core.blocked");
    anna.call("contacts.block", block(false)).await;
    anna.until_item("not blocked", chats, |row| row["blocked"] == false)
        .await;
    anna.call("conversations.close", json!({ "sub": chats }))
        .await;
    anna.screens.remove(&chats);
}

/// Single messages, search, the network.
async fn looking_things_up(anna: &mut Person, bob: &Person, timeline: u64) {
    let list = json!({ "conversation": bob.account, "limit": 2 });
    let newest = anna.call("messages.list", list).await["messages"].clone();
    let before = json!({
        "conversation": bob.account,
        "limit": 1000,
        "before": newest[0]["message_id"],
    });
    let older = anna.call("messages.list", before).await["messages"].clone();
    let mut shown: Vec<Value> = older.as_array().unwrap().clone();
    shown.extend(newest.as_array().unwrap().clone());
    let ids: Vec<_> = shown.iter().map(|m| m["message_id"].clone()).collect();
    let of_timeline: Vec<_> = anna
        .items(timeline)
        .iter()
        .filter(|item| item["message_id"].is_number())
        .map(|item| item["message_id"].clone())
        .collect();
    assert_eq!(ids, of_timeline);
    // It need not be the first: on a slow machine the two clocks may differ by seconds.
    let hello = shown.iter().find(|message| message["text"] == "hello Bob");
    let hello = hello.unwrap()["message_id"].clone();
    let info = anna
        .call("messages.info", json!({ "message_id": hello }))
        .await["message"]
        .clone();
    assert_eq!(info["text"], "hello Bob");
    assert!(
        info["hash"].is_string() && info["expires_at"].is_number(),
        "{info}"
    );
    let nothing = json!({ "message_id": 999_999 });
    let nothing = anna.call("messages.info", nothing).await;
    assert_eq!(nothing["message"], Value::Null);
    let words = json!({ "words": "hello bo", "within": bob.account });
    let found = anna.call("messages.search", words).await;
    assert_eq!(found["messages"].as_array().unwrap().len(), 1);
    assert_eq!(found["messages"][0]["text"], "hello Bob");

    let status = anna.call("network.status", json!({})).await;
    assert_eq!(status["network"]["state"], "connected");
    assert!(status["traffic"]["bytes_out"].as_u64().unwrap() > 0);
    let polled = anna.call("network.poll", json!({})).await;
    assert_eq!(polled["more"], false);
    let steps = anna.call("network.diagnose", json!({})).await["steps"].clone();
    let steps = steps.as_array().unwrap();
    assert!(steps.iter().any(|step| step["name"] == "own_swarm"));
    assert!(steps.iter().all(|step| step["outcome"] != "failed"));

    let open =
        json!({ "conversation": bob.account, "around": { "at": "message", "message_id": ids[0] } });
    let other = anna.open("timeline.open", open).await;
    assert_eq!(anna.items(other), anna.items(timeline));
    let more = json!({ "sub": other, "direction": "older", "count": 10 });
    let edges = anna.call("timeline.more", more).await;
    assert_eq!(edges, json!({ "at_start": true, "at_end": true }));
    anna.call("timeline.close", json!({ "sub": other })).await;
    anna.screens.remove(&other);
    let nowhere = json!({ "conversation": bob.account, "around": { "at": "message", "message_id": 999_999 } });
    assert_eq!(
        anna.fail("timeline.open", nowhere).await,
        "store.unknown_message"
    );
}

/// The account comes back elsewhere from its Recovery Password.
async fn second_device(anna: &mut Person, network: &str) {
    anna.until("settings stored", |anna| {
        let mut heard = anna.heard.iter();
        heard
            .any(|heard| heard.method() == "configs.stored")
            .then_some(())
    })
    .await;
    let words = anna.call("accounts.recovery_password", json!({})).await;
    let mut laptop = Person::without_account("laptop");
    let restore = json!({
        "recovery_password": words["recovery_password"],
        "network": network,
        "key_store": "passphrase",
        "passphrase": "correct horse",
    });
    let restored = laptop.raw("accounts.restore", restore).await.unwrap();
    anna.called.insert("accounts.restore".to_owned());
    laptop.account = restored["account"]["id"].clone();
    assert_eq!(laptop.account, anna.account);
    assert_eq!(restored["account"]["key_store"], "passphrase");
    let settings = laptop.call("settings.get", json!({})).await;
    assert_eq!(settings["recovery_saved"], true, "who restores has it");
    let chats = laptop.open("conversations.open", json!({})).await;
    laptop
        .until_item("Bobby", chats, |row| row["person"]["name"] == "Bobby")
        .await;
    laptop
        .until("the name", |laptop| {
            laptop.heard.iter().find_map(|heard| {
                let text = serde_json::to_value(heard).unwrap();
                let name = &text["params"]["profile"]["name"];
                (name == "Anna P.").then_some(())
            })
        })
        .await;
    laptop.session.close().await;
}

/// What takes things away.
async fn endings(anna: &mut Person, bob: &mut Person, timeline: u64) {
    // A third person, in Bob's program.
    let network = json!({ "account": bob.account });
    let network = bob.raw("network.status", network).await.unwrap()["name"].clone();
    let carol = json!({ "name": "Carol", "network": network, "key_store": "file" });
    let carol = bob.raw("accounts.create", carol).await.unwrap()["account"]["id"].clone();
    let write = json!({ "account": carol, "to": anna.account, "text": "buy this" });
    bob.raw("messages.send", write).await.unwrap();
    let requests = anna
        .open("conversations.open", json!({ "filter": "requests" }))
        .await;
    anna.until_item("Carol", requests, |row| row["id"] == carol)
        .await;
    let decline = json!({ "person": carol, "block": true });
    anna.call("requests.decline", decline).await;
    anna.until_none("no request", requests, |_| true).await;
    let blocked = anna
        .call("conversations.list", json!({ "filter": "blocked" }))
        .await;
    assert_eq!(blocked["rows"][0]["id"], carol);

    let about = json!({ "conversation": bob.account });
    anna.call("conversations.clear", about.clone()).await;
    anna.until_none("no messages", timeline, |_| true).await;
    anna.call("conversations.delete", about).await;
    let hidden = json!({ "filter": "hidden" });
    let hidden = anna.call("conversations.list", hidden).await;
    let mut hidden = hidden["rows"].as_array().unwrap().iter();
    assert!(hidden.any(|row| row["id"] == bob.account));
    anna.call("timeline.close", json!({ "sub": timeline }))
        .await;
    anna.call("contacts.delete", json!({ "person": bob.account }))
        .await;
    let own = json!({ "person": anna.account });
    assert_eq!(anna.fail("contacts.delete", own).await, "core.own_account");

    let deleted = anna.call("accounts.delete_from_swarm", json!({})).await;
    assert!(deleted["nodes"].as_u64().unwrap() > 0);
    let closed = anna.call("accounts.close", json!({})).await;
    assert_eq!(closed["was_open"], true);
    let code = anna.fail("profile.get", json!({})).await;
    assert_eq!(code, "api.account_closed");
    let opened = anna.call("accounts.open", json!({})).await;
    assert_eq!(opened["account"]["name"], "Anna P.");
    anna.call("accounts.remove", json!({})).await;
    let code = anna.fail("accounts.open", json!({})).await;
    assert_eq!(code, "store.unknown_account");
    let empty = anna.raw("accounts.list", json!({})).await.unwrap();
    assert_eq!(empty["accounts"], json!([]));
    assert!(anna.home.path().exists());
}
