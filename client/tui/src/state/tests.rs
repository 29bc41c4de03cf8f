//! Walks through the state: keys and answers in, calls and a drawn screen out.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Value, json};
use session_core::view::Filter;
use session_types::{AccountId, Timestamp};

use super::State;
use crate::draw::draw_on;
use crate::effect::{Effect, Input, Params, Then};
use crate::look::Surroundings;

const NOW: u64 = 1_795_180_000_000;

fn id(n: u8) -> AccountId {
    AccountId::from_x25519([n; 32].into())
}

fn person(n: u8, name: &str) -> Value {
    json!({ "id": id(n), "name": name, "named": true, "avatar": { "color": n % 12, "ring": 7 } })
}

fn row(n: u8, name: &str, unread: u32) -> Value {
    json!({
        "id": id(n), "rev": 1, "kind": "person", "person": person(n, name), "ambiguous": false,
        "unread": unread, "mentions": 0, "marked_unread": false, "pinned": false, "hidden": false,
        "blocked": false, "request": "none", "notify": "default", "muted": false, "time": NOW,
        "typing": false, "timer": { "mode": "after_read", "seconds": 86400 },
        "last": {
            "message_id": 5, "kind": "text", "mine": false, "text": "last \u{1b}[2Jwords",
            "attachments": 0, "state": { "is": "received" }, "sent_at": NOW,
        },
    })
}

fn message(n: u64, mine: bool, text: &str, state: &Value) -> Value {
    let author = if mine { id(1) } else { id(2) };
    json!({
        "id": format!("m{n}"), "rev": n, "kind": "message", "message_id": n, "author": author,
        "mine": mine, "sent_at": NOW - 100_000 + n, "time_unsure": false, "first_in_run": true,
        "last_in_run": true, "spans": [{ "kind": "text", "text": text }], "mentions_me": false,
        "attachments": 0, "reactions": [], "state": state, "timer": { "mode": "off" },
    })
}

struct Walk {
    state: State,
    calls: Vec<(&'static str, Value)>,
    effects: Vec<Effect>,
}

impl Walk {
    /// An account with two conversations and a request; nothing is open.
    fn new(columns: u16, rows: u16) -> Self {
        let around = Surroundings::find(|name| (name == "LANG").then(|| "C.UTF-8".to_owned()));
        let state = State::on(&around, columns, rows, Timestamp::from_ms(NOW));
        let mut walk = Self {
            state,
            calls: Vec::new(),
            effects: Vec::new(),
        };
        let account = json!({
            "id": id(1), "open": true, "name": "Alice", "key_store": "file", "created_at": 0,
        });
        walk.answer(
            Then::Hello,
            json!({ "api": 1, "version": "0", "accounts": [account] }),
        );
        walk.answer(Then::Opened(id(1)), json!({ "account": account }));
        let list = |sub: u64, rows: Vec<Value>| json!({ "sub": sub, "gen": 0, "seq": 0, "total": rows.len(), "rows": rows });
        let rows = vec![row(2, "Bob", 2), row(3, "Carol\u{202e}\u{7}", 0)];
        walk.answer(Then::List(id(1), Filter::Chats), list(1, rows));
        let mut request = row(4, "You", 1);
        request["request"] = json!("incoming");
        walk.answer(Then::List(id(1), Filter::Requests), list(2, vec![request]));
        walk
    }

    /// The same with the first conversation open.
    fn talking(columns: u16, rows: u16) -> Self {
        let mut walk = Self::new(columns, rows);
        walk.press(KeyCode::Home);
        walk.press(KeyCode::Down);
        walk.press(KeyCode::Enter);
        let received = json!({ "is": "received" });
        let failed = json!({ "is": "failed", "reason": "no path" });
        let mut items =
            vec![json!({ "id": "d2026-11-20", "rev": 1, "kind": "day", "date": "2026-11-20" })];
        items.extend((1..40).map(|n| message(n, false, &format!("message number {n}"), &received)));
        items.push(json!({ "id": "unread", "rev": 1, "kind": "unread", "count": 2 }));
        items.push(message(40, false, "the first new one", &received));
        items.push(message(41, false, "the second new one", &received));
        items.push(message(42, true, "mine", &failed));
        let timeline = json!({
            "sub": 3, "gen": 0, "seq": 0, "items": items, "at_start": true, "at_end": true,
            "people": [person(1, "Alice"), person(2, "Bob")], "unread_index": 40,
        });
        walk.calls.clear();
        walk.answer(Then::Timeline(id(1), id(2)), timeline);
        walk
    }

    fn take(&mut self, input: Input) {
        for effect in self.state.apply(input) {
            match effect {
                Effect::Call(call) => match call.params {
                    Params::Json(params) => self.calls.push((call.method, params)),
                    _ => self.calls.push((call.method, Value::Null)),
                },
                other => self.effects.push(other),
            }
        }
    }

    fn answer(&mut self, then: Then, value: Value) {
        self.take(Input::Answer(then, Ok(value)));
    }

    fn press(&mut self, code: KeyCode) {
        self.take(Input::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    }

    fn write(&mut self, text: &str) {
        for c in text.chars() {
            self.press(KeyCode::Char(c));
        }
    }

    fn called(&self, method: &str) -> Vec<&Value> {
        let calls = self.calls.iter().filter(|(name, _)| *name == method);
        calls.map(|(_, params)| params).collect()
    }

    fn screen(&self) -> String {
        let size = self.state.size;
        let mut cells = Buffer::empty(Rect::new(0, 0, size.columns, size.rows));
        draw_on(&self.state, &mut cells);
        let rows = cells.content.chunks(usize::from(size.columns).max(1));
        let rows = rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>());
        rows.collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn the_list_tells_what_is_new() {
    let walk = Walk::new(80, 24);
    let screen = walk.screen();
    for words in [
        "Session  Alice",
        "1 message request",
        "Bob",
        "(2)",
        "Carol\u{fffd}\u{fffd}",
    ] {
        assert!(screen.contains(words), "{words}\n{screen}");
    }
    assert!(screen.contains("last \u{fffd}[2Jwo"), "{screen}");
    assert!(screen.chars().all(|c| c == '\n' || !c.is_control()));
}

#[test]
fn a_conversation_opens_at_what_is_new_and_is_read() {
    let mut walk = Walk::talking(80, 24);
    let screen = walk.screen();
    assert!(screen.contains("2 new messages"), "{screen}");
    assert!(screen.contains("disappears 1 d"), "{screen}");
    assert!(screen.contains("! not sent: no path"), "{screen}");
    let read = walk.called("conversations.mark_read");
    assert_eq!(read.len(), 1, "{read:?}");
    assert_eq!(read[0]["conversation"], json!(id(2)));
    // Told once.
    walk.press(KeyCode::Up);
    walk.press(KeyCode::Up);
    assert_eq!(walk.called("conversations.mark_read").len(), 1);
}

#[test]
fn nothing_is_read_that_nobody_looks_at() {
    let mut walk = Walk::new(80, 24);
    walk.take(Input::Focus(false));
    walk.press(KeyCode::Home);
    walk.press(KeyCode::Down);
    walk.press(KeyCode::Enter);
    let items = [message(1, false, "hello", &json!({ "is": "received" }))];
    let timeline = json!({
        "sub": 3, "gen": 0, "seq": 0, "items": items, "at_start": true, "at_end": true,
        "people": [person(1, "Alice"), person(2, "Bob")],
    });
    walk.answer(Then::Timeline(id(1), id(2)), timeline);
    assert!(walk.called("conversations.mark_read").is_empty());
    walk.take(Input::Focus(true));
    assert_eq!(walk.called("conversations.mark_read").len(), 1);
}

#[test]
fn what_is_written_is_kept_and_sent() {
    let mut walk = Walk::talking(80, 24);
    walk.write("see you");
    let due = walk.state.wake_at().unwrap();
    assert_eq!(due.as_ms(), NOW + 300);
    walk.take(Input::Time(due));
    assert_eq!(walk.called("conversations.set_draft")[0]["text"], "see you");
    assert_eq!(walk.state.wake_at(), None);
    walk.take(Input::Key(KeyEvent::new(
        KeyCode::Char('j'),
        KeyModifiers::CONTROL,
    )));
    walk.write("at seven");
    walk.press(KeyCode::Enter);
    assert_eq!(walk.called("messages.send")[0]["text"], "see you\nat seven");
    assert!(!walk.screen().contains("at seven"));
    // Too long is not cut and not sent.
    walk.take(Input::Paste("x".repeat(2001)));
    walk.press(KeyCode::Enter);
    assert_eq!(walk.called("messages.send").len(), 1);
    assert!(
        walk.screen().contains("Too long by 1 characters"),
        "{}",
        walk.screen()
    );
    assert_eq!(
        walk.state
            .desk_mut()
            .unwrap()
            .composer(id(2))
            .editor
            .count(),
        2001
    );
}

#[test]
fn letters_are_commands_only_among_messages() {
    let mut walk = Walk::talking(80, 24);
    walk.write("rd");
    walk.press(KeyCode::Backspace);
    walk.press(KeyCode::Backspace);
    walk.press(KeyCode::Up);
    walk.write("R");
    assert_eq!(walk.called("messages.retry")[0]["message_id"], 42);
    walk.write("k");
    walk.write("r");
    assert!(
        walk.screen().contains("Reply to Bob: the second new one"),
        "{}",
        walk.screen()
    );
    walk.write("yes");
    walk.press(KeyCode::Enter);
    assert_eq!(walk.called("messages.send")[0]["reply_to"], 41);
}

#[test]
fn deleting_offers_what_is_possible() {
    let mut walk = Walk::talking(80, 24);
    walk.press(KeyCode::Up);
    walk.write("kd");
    let screen = walk.screen();
    assert!(
        screen.contains("[1] this device") && !screen.contains("everyone"),
        "{screen}"
    );
    walk.press(KeyCode::Esc);
    assert!(walk.called("messages.delete").is_empty());
    walk.write("  ");
    walk.write("d1");
    let deleted = walk.called("messages.delete");
    assert_eq!(deleted.len(), 2, "{deleted:?}");
    assert_eq!(deleted[0]["scope"], "this_device");
}

#[test]
fn a_request_is_answered_before_anything_is_written() {
    let mut walk = Walk::new(80, 24);
    walk.press(KeyCode::Home);
    walk.press(KeyCode::Enter);
    assert!(walk.screen().contains("You ·0404"), "{}", walk.screen());
    walk.press(KeyCode::Enter);
    let timeline = json!({
        "sub": 3, "gen": 0, "seq": 0, "items": [message(1, false, "hi", &json!({ "is": "received" }))],
        "at_start": true, "at_end": true, "people": [person(1, "Alice"), person(4, "You")],
    });
    walk.answer(Then::Timeline(id(1), id(4)), timeline);
    assert!(
        walk.screen().contains("Message request.  a accept"),
        "{}",
        walk.screen()
    );
    assert!(walk.called("conversations.mark_read").is_empty());
    walk.write("a");
    walk.write("hello");
    assert_eq!(walk.called("requests.accept")[0]["person"], json!(id(4)));
    let composer = walk.state.desk_mut().unwrap().composer(id(4));
    assert_eq!(
        composer.editor.text(),
        "hello",
        "what is typed at once is for them"
    );
    walk.state.accepting = None;
    walk.press(KeyCode::F(9));
    walk.write("x");
    assert!(walk.screen().contains("and block"), "{}", walk.screen());
    walk.write("y");
    assert_eq!(walk.called("requests.decline")[0]["person"], json!(id(4)));
}

#[test]
fn copying_asks_first() {
    let mut walk = Walk::talking(80, 24);
    walk.press(KeyCode::Up);
    walk.write("ky");
    assert!(walk.effects.is_empty(), "{:?}", walk.effects);
    walk.write("a");
    walk.write("y");
    let copied = walk
        .effects
        .iter()
        .filter(|effect| matches!(effect, Effect::Copy(text) if text == "the second new one"));
    assert_eq!(copied.count(), 2);
}

#[test]
fn emojis_are_offered_by_their_names() {
    let mut walk = Walk::talking(80, 24);
    walk.write("well :tad");
    let screen = walk.screen();
    assert!(
        screen.contains("🎉") && screen.contains(":tada:"),
        "{screen}"
    );
    walk.press(KeyCode::Tab);
    let screen = walk.screen();
    assert!(screen.contains("> well 🎉"), "{screen}");
    assert!(!screen.contains(":tada:"), "{screen}");
    // The next one, and none at all.
    walk.write(" :smi");
    let first = walk.state.offered()[0];
    walk.press(KeyCode::Down);
    let offered = walk.state.offered();
    assert!(!offered[0].is_chosen && offered[1].is_chosen);
    walk.press(KeyCode::Up);
    assert!(walk.state.offered()[0].is_chosen);
    walk.press(KeyCode::Esc);
    assert!(walk.state.offered().is_empty());
    assert_eq!(walk.state.pane, super::Pane::Composer);
    walk.write("l");
    assert!(!walk.state.offered().is_empty(), "after {first:?}");
    walk.press(KeyCode::Enter);
    assert_eq!(walk.called("messages.send")[0]["text"], "well 🎉 :smil");
}

/// What a terminal is sent when a screen becomes another one.
fn sent_for(before: &Buffer, after: &Buffer) -> (usize, usize) {
    use ratatui::backend::{Backend as _, CrosstermBackend};
    let mut plain = Vec::new();
    let mut backend = CrosstermBackend::new(&mut plain);
    backend.draw(before.diff(after).into_iter()).unwrap();
    let mut all = Vec::new();
    let empty = Buffer::empty(before.area);
    let mut lean = crate::run::lean::Lean::new(&mut all);
    lean.draw(empty.diff(before).into_iter()).unwrap();
    drop(lean);
    let first = all.len();
    let mut lean = crate::run::lean::Lean::new(&mut all);
    lean.draw(empty.diff(before).into_iter()).unwrap();
    lean.draw(before.diff(after).into_iter()).unwrap();
    drop(lean);
    (plain.len(), all.len() - 2 * first)
}

#[test]
fn a_message_that_arrives_sends_little_to_the_terminal() {
    let words = [
        "good morning, did the parcel come",
        "not yet, they said it would be here on Friday at the latest",
        "I will ask",
        "thank you! And how is the garden, do the beans grow",
        "like weeds, we have more than we can eat, come by and take some with you when you like",
        "gladly",
    ];
    let received = json!({ "is": "received" });
    let shown = |count: u64| {
        let mut walk = Walk::new(80, 24);
        walk.press(KeyCode::Home);
        walk.press(KeyCode::Down);
        walk.press(KeyCode::Enter);
        let items: Vec<Value> = (1..=count)
            .zip(words.iter().cycle())
            .map(|(n, text)| message(n, false, text, &received))
            .collect();
        let timeline = json!({
            "sub": 4, "gen": 0, "seq": 0, "items": items, "at_start": true, "at_end": true,
            "people": [person(1, "Alice"), person(2, "Bob")],
        });
        walk.answer(Then::Timeline(id(1), id(2)), timeline);
        let mut cells = Buffer::empty(Rect::new(0, 0, 80, 24));
        draw_on(&walk.state, &mut cells);
        cells
    };
    let mut sizes = Vec::new();
    for count in 30..42 {
        sizes.push(sent_for(&shown(count), &shown(count + 1)));
    }
    // Of each pair the first is what ratatui's own backend sends.
    eprintln!("bytes for a message that arrives: {sizes:?}");
    let is_little = |(plain, lean): &(usize, usize)| lean < plain && *lean < 2000;
    assert!(sizes.iter().all(|(_, lean)| *lean > 0));
    assert!(sizes.iter().all(is_little), "{sizes:?}");
}

#[test]
fn what_is_answered_and_files_are_kept_with_the_text() {
    let mut walk = Walk::talking(80, 24);
    walk.write("well, ");
    walk.state.attach("/home/alice/one.txt".into());
    walk.take(Input::Time(Timestamp::from_ms(NOW)));
    let kept = walk.called("conversations.set_draft");
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0]["text"], "well, ");
    assert_eq!(kept[0]["files"], json!([{ "path": "/home/alice/one.txt" }]));
    // The first is being copied: the second waits, so that none is copied twice.
    walk.state.attach("/home/alice/two.txt".into());
    walk.take(Input::Time(Timestamp::from_ms(NOW)));
    assert_eq!(walk.called("conversations.set_draft").len(), 1);
    let file = |id: i64, name: &str| json!({ "id": id, "name": name, "size": 1, "voice": false, "as_file": false });
    let draft = |files: Value| json!({ "text": "well, ", "files": files });
    let then = || Then::Kept(id(1), id(2));
    walk.answer(then(), draft(json!([file(7, "one.txt")])));
    let kept = walk.called("conversations.set_draft");
    assert_eq!(
        kept[1]["files"],
        json!([{ "draft": 7 }, { "path": "/home/alice/two.txt" }])
    );
    // What cannot be kept goes, and it is said.
    let error = session_core::CoreError::FileTooLarge { limit: 1 }.into();
    walk.take(Input::Answer(then(), Err(error)));
    let screen = walk.screen();
    assert!(
        screen.contains("Files: one.txt") && !screen.contains("two.txt"),
        "{screen}"
    );
    // An answer is kept as a text is.
    walk.state.focus_messages();
    walk.press(KeyCode::Char('r'));
    assert!(walk.screen().contains("Reply to "), "{}", walk.screen());
    walk.take(Input::Time(Timestamp::from_ms(NOW + 300)));
    let kept = walk.called("conversations.set_draft");
    assert!(kept[2]["reply_to"].is_i64(), "{kept:?}");
    assert_eq!(kept[2].get("files"), None);
    let answered = kept[2]["reply_to"].clone();
    walk.press(KeyCode::Enter);
    let sent = walk.called("messages.send_files");
    assert_eq!(sent[0]["files"], json!([{ "draft": 7 }]));
    assert_eq!(sent[0]["reply_to"], answered);
    // What is refused is back, as it was.
    assert!(!walk.screen().contains("> well,"), "{}", walk.screen());
    let error = session_core::CoreError::NoFileServer.into();
    walk.take(Input::Answer(Then::Sent(id(1), id(2)), Err(error)));
    let screen = walk.screen();
    for seen in ["Reply to ", "Files: one.txt", "> well,"] {
        assert!(screen.contains(seen), "{seen}\n{screen}");
    }
}

#[test]
fn a_draft_comes_back_whole() {
    let mut walk = Walk::talking(80, 24);
    let draft = json!({
        "text": "as I said", "reply_to": 1,
        "quote": {
            "author": id(2), "name": "Bob", "mine": false,
            "original": { "is": "found", "message_id": 1, "excerpt": "what?", "attachments": 0 },
        },
        "files": [{ "id": 7, "name": "one.txt", "size": 1, "voice": false, "as_file": false }],
    });
    walk.answer(Then::Draft(id(1), id(2)), draft);
    let screen = walk.screen();
    for seen in ["Reply to Bob: what?", "Files: one.txt", "> as I said"] {
        assert!(screen.contains(seen), "{seen}\n{screen}");
    }
    // Nothing has changed: nothing is kept anew.
    assert_eq!(walk.state.wake_at(), None);
}

#[test]
fn locking_leaves_nothing_behind() {
    let mut walk = Walk::talking(80, 24);
    walk.state.accounts[0].key_store = session_api::params::KeyStore::Passphrase;
    walk.write("a draft");
    walk.take(Input::Key(KeyEvent::new(
        KeyCode::Char('l'),
        KeyModifiers::CONTROL,
    )));
    let order: Vec<&str> = walk.calls.iter().map(|(name, _)| *name).collect();
    let draft = order
        .iter()
        .position(|name| *name == "conversations.set_draft");
    let close = order.iter().position(|name| *name == "accounts.close");
    assert!(draft.is_some() && draft < close, "{order:?}");
    let screen = walk.screen();
    assert!(screen.contains("This account is locked"), "{screen}");
    for gone in ["Bob", "Alice", "draft", "message"] {
        assert!(!screen.contains(gone), "{gone}\n{screen}");
    }
    assert!(walk.state.desks.is_empty());
}

#[test]
fn one_account_is_locked_and_the_other_stays() {
    let mut walk = Walk::talking(80, 24);
    let other = json!({
        "id": id(9), "open": true, "name": "Ada", "key_store": "passphrase", "created_at": 0,
    });
    walk.state
        .accounts
        .push(serde_json::from_value(other.clone()).unwrap());
    walk.answer(Then::Opened(id(9)), json!({ "account": other }));
    walk.state.accounts[0].key_store = session_api::params::KeyStore::Passphrase;
    walk.state.open_settings();
    let screen = walk.screen();
    for row in ["Lock Ada", "Lock this account", "Lock all accounts"] {
        assert!(screen.contains(row), "{row}\n{screen}");
    }
    walk.state.lock_one(id(9));
    walk.take(Input::Time(Timestamp::from_ms(NOW)));
    let closed = walk.called("accounts.close");
    assert_eq!(closed, [&json!({ "account": id(9) })]);
    let screen = walk.screen();
    assert!(!screen.contains("Lock Ada"), "{screen}");
    assert!(walk.state.desks.contains_key(&id(1)));
    walk.state.slash("lock");
    assert!(walk.state.desks.is_empty());
    assert!(walk.screen().contains("This account is locked"));
}

#[test]
fn every_size_can_be_drawn() {
    let mut walk = Walk::talking(80, 24);
    walk.press(KeyCode::Up);
    walk.write("r");
    for columns in (1..170).step_by(3) {
        for rows in (1..60).step_by(2) {
            walk.take(Input::Size(columns, rows));
            walk.screen();
        }
    }
}

/// Keys people press, and those they do not.
fn any_key() -> impl Strategy<Value = KeyEvent> {
    let code = prop_oneof![
        6 => "[ -~]".prop_map(|text| KeyCode::Char(text.chars().next().unwrap_or(' '))),
        1 => Just(KeyCode::Enter), 1 => Just(KeyCode::Esc), 1 => Just(KeyCode::Tab),
        1 => Just(KeyCode::BackTab), 1 => Just(KeyCode::Up), 1 => Just(KeyCode::Down),
        1 => Just(KeyCode::PageUp), 1 => Just(KeyCode::PageDown), 1 => Just(KeyCode::Home),
        1 => Just(KeyCode::End), 1 => Just(KeyCode::Backspace), 1 => Just(KeyCode::F(1)),
    ];
    let held = prop_oneof![
        6 => Just(KeyModifiers::NONE), 2 => Just(KeyModifiers::CONTROL), 1 => Just(KeyModifiers::ALT),
    ];
    (code, held).prop_map(|(code, held)| KeyEvent::new(code, held))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_keys_break_it(keys in prop::collection::vec(any_key(), 0..60), columns in 20..170_u16, rows in 6..55_u16) {
        let mut walk = Walk::talking(columns, rows);
        for key in keys {
            walk.take(Input::Key(key));
            let screen = walk.screen();
            prop_assert!(screen.chars().all(|c| c == '\n' || !c.is_control()));
        }
    }
}
