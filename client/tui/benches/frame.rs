//! What a frame costs: 160 columns, 50 rows, a full conversation of 600 items.
#![allow(
    missing_docs,
    reason = "criterion's macros make undocumented functions"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark that fails ends"
)]

use criterion::{Criterion, criterion_group, criterion_main};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Value, json};
use session_core::view::Filter;
use session_tui::{Effect, Input, State, Surroundings, Then, draw_on};
use session_types::{AccountId, Timestamp};

const COLUMNS: u16 = 160;
const ROWS: u16 = 50;
const ITEMS: u64 = 600;

fn own() -> AccountId {
    AccountId::from_x25519([1; 32].into())
}

fn other() -> AccountId {
    AccountId::from_x25519([2; 32].into())
}

fn answer(state: &mut State, then: Then, value: Value) -> Vec<Effect> {
    state.apply(Input::Answer(then, Ok(value)))
}

fn key(state: &mut State, code: KeyCode) {
    state.apply(Input::Key(KeyEvent::new(code, KeyModifiers::NONE)));
}

fn item(n: u64) -> Value {
    let mine = n.is_multiple_of(3);
    let words = "Some words of everyday length, with a link and more of them than fit. ";
    let state = if mine {
        json!({ "is": "sent" })
    } else {
        json!({ "is": "received" })
    };
    json!({
        "id": format!("m{n}"), "rev": n, "kind": "message", "message_id": n,
        "author": if mine { own() } else { other() }, "mine": mine,
        "sent_at": 1_795_178_460_000_u64 + n * 1000, "time_unsure": false,
        "first_in_run": n.is_multiple_of(2), "last_in_run": true,
        "spans": [
            { "kind": "text", "text": words.repeat(usize::try_from(n % 7 + 1).unwrap()) },
            { "kind": "link", "url": "https://example.org/a/page" },
        ],
        "mentions_me": false, "attachments": 0,
        "reactions": [{ "emoji": "👍", "count": 2, "mine": true, "who": [own(), other()] }],
        "state": state, "timer": { "mode": "off" },
    })
}

/// A conversation that is open, with as many items as a timeline holds.
fn filled() -> State {
    let around = Surroundings::find(|name| match name {
        "COLORTERM" => Some("truecolor".to_owned()),
        "LANG" => Some("C.UTF-8".to_owned()),
        "COLORFGBG" => Some("15;0".to_owned()),
        _ => None,
    });
    let now = Timestamp::from_ms(1_795_180_000_000);
    let mut state = State::on(&around, COLUMNS, ROWS, now);
    let account = json!({
        "id": own(), "open": true, "name": "Alice", "key_store": "file", "created_at": 0,
    });
    answer(
        &mut state,
        Then::Hello,
        json!({ "api": 1, "version": "0", "accounts": [account] }),
    );
    answer(
        &mut state,
        Then::Opened(own()),
        json!({ "account": account }),
    );
    let person = |id: AccountId, name: &str| json!({ "id": id, "name": name, "named": true, "avatar": { "color": 3, "ring": 7 } });
    let row = |n: u8| {
        let id = AccountId::from_x25519([n; 32].into());
        json!({
            "id": id, "rev": 1, "kind": "person", "person": person(id, &format!("Person {n}")),
            "ambiguous": false, "unread": 0, "mentions": 0, "marked_unread": false,
            "pinned": false, "hidden": false, "blocked": false, "request": "none",
            "notify": "default", "muted": false, "time": 1_795_178_460_000_u64,
            "typing": false, "timer": { "mode": "off" },
            "last": {
                "message_id": 5, "kind": "text", "mine": false, "text": "words of the last message",
                "attachments": 0, "state": { "is": "received" }, "sent_at": 1_795_178_460_000_u64,
            },
        })
    };
    let rows: Vec<Value> = (2..60).map(row).collect();
    let list = json!({ "sub": 1, "gen": 0, "seq": 0, "total": rows.len(), "rows": rows });
    answer(&mut state, Then::List(own(), Filter::Chats), list);
    key(&mut state, KeyCode::Enter);
    let items: Vec<Value> = (1..=ITEMS).map(item).collect();
    let timeline = json!({
        "sub": 2, "gen": 0, "seq": 0, "items": items, "at_start": true, "at_end": true,
        "people": [person(own(), "Alice"), person(other(), "Person 2")],
    });
    answer(&mut state, Then::Timeline(own(), other()), timeline);
    state
}

fn frames(criterion: &mut Criterion) {
    let mut state = filled();
    let mut cells = Buffer::empty(Rect::new(0, 0, COLUMNS, ROWS));
    draw_on(&state, &mut cells);
    let shown: String = cells.content.iter().map(|cell| cell.symbol()).collect();
    assert!(shown.contains("https://example.org/a/page"), "{shown}");
    criterion.bench_function("frame at 160x50, 600 items", |bench| {
        bench.iter(|| {
            cells.reset();
            draw_on(&state, &mut cells)
        });
    });
    criterion.bench_function("key and frame at 160x50", |bench| {
        bench.iter(|| {
            key(&mut state, KeyCode::Char('x'));
            key(&mut state, KeyCode::Backspace);
            cells.reset();
            draw_on(&state, &mut cells)
        });
    });
}

criterion_group!(benches, frames);
criterion_main!(benches);
