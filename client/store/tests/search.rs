//! Finding messages by their words.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "support/fixtures.rs"]
mod fixtures;

use fixtures::{ALICE, BOB, CAROL, at, bodies, carol, copy_of, from, id, outgoing, receive};
use session_store::{Effect, Store};

fn filled(store: &mut Store) {
    let texts = [
        (BOB, "Treffen wir uns im Café? Grüße!"),
        (BOB, "The QUICK brown fox"),
        (ALICE, "quickly now: a brown-eyed fox, foxes even"),
        (ALICE, "Übermorgen, 18:30 Uhr"),
        (BOB, "Привет, ёлка"),
        (ALICE, "nothing to see"),
    ];
    for ((sender, text), sent_at) in texts.into_iter().zip(100..) {
        receive(store, &from(sender, sent_at, text));
    }
    receive(store, &copy_of(BOB, 200, "the fox of mine"));
}

fn found(store: &Store, words: &str) -> Vec<String> {
    let rows = store.search(words, None, 50).unwrap();
    rows.into_iter().map(|row| row.body).collect()
}

#[test]
fn words_are_found_whatever_their_case_accents_and_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    filled(&mut store);
    let cafe = ["Treffen wir uns im Café? Grüße!"];
    for words in [
        "café",
        "CAFE",
        "Cafe\u{301}",
        "cafe",
        "grusse cafe",
        "grüße",
        "GRU\u{308}ßE",
    ] {
        // ß has no other form than itself.
        let expected = if words.contains("ss") { &[][..] } else { &cafe };
        assert_eq!(found(&store, words), expected, "{words}");
    }
    let both = [
        "quickly now: a brown-eyed fox, foxes even",
        "The QUICK brown fox",
    ];
    assert_eq!(
        found(&store, "fox BROWN quick"),
        both,
        "the last one may go on"
    );
    assert_eq!(found(&store, "brown QUICK fox"), both[1..]);
    assert_eq!(found(&store, "eyed"), both[..1]);
    assert_eq!(found(&store, "brown-eyed"), both[..1]);
    assert_eq!(found(&store, "fo"), ["the fox of mine", both[0], both[1]]);
    assert_eq!(
        found(&store, "fo brown"),
        Vec::<String>::new(),
        "only the last one is open"
    );
    assert_eq!(found(&store, "привет"), ["Привет, ёлка"]);
    assert_eq!(found(&store, "ubermorgen 18:30"), ["Übermorgen, 18:30 Uhr"]);
    assert_eq!(
        found(&store, "ox"),
        Vec::<String>::new(),
        "words are found by their beginning"
    );
}

#[test]
fn a_search_can_keep_to_one_conversation_and_to_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    filled(&mut store);
    let within = |who, limit| store.search("fox", Some(&id(who)), limit).unwrap();
    assert_eq!(
        bodies(&within(BOB, 50)),
        ["the fox of mine", "The QUICK brown fox"]
    );
    assert_eq!(bodies(&within(BOB, 1)), ["the fox of mine"]);
    assert_eq!(within(ALICE, 50).len(), 1);
    assert_eq!(within(CAROL, 50), []);
    assert_eq!(store.search("fox", None, 2).unwrap().len(), 2);
    assert_eq!(store.search("fox", None, 0).unwrap(), []);
    // Who a conversation is with is not a word of its messages.
    for words in [
        BOB.to_owned(),
        BOB.to_uppercase(),
        format!("\u{e000}{BOB}"),
        "05ca".into(),
    ] {
        assert_eq!(found(&store, &words), Vec::<String>::new());
    }
}

#[test]
fn what_looks_like_an_expression_is_only_words() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    filled(&mut store);
    receive(
        &mut store,
        &from(BOB, 300, "fox OR NOT near body place message_words"),
    );
    let all = found(&store, "fox").len();
    for words in [
        "\"", "\"\"", "*", "^", "(", ")", "()", ":", "-", "+", "{", "}", "'", ";", "--", "\\",
        "\0", "\u{e000}", "\u{301}", "\u{200d}", "👍", "…", "",
    ] {
        assert_eq!(found(&store, words), Vec::<String>::new(), "{words:?}");
        assert_eq!(
            found(&store, &format!("{words}fox")).len(),
            all,
            "{words:?}"
        );
        assert_eq!(
            found(&store, &format!("fox{words}")).len(),
            all,
            "{words:?}"
        );
        assert_eq!(
            found(&store, &format!("fox {words}")).len(),
            all,
            "{words:?}"
        );
    }
    for words in [
        "fox OR",
        "fox NOT",
        "NEAR(fox body)",
        "body : fox",
        "place : fox",
        "- body : fox",
        "{body place} : fox",
        "fox\" OR \"body",
        "fox*) OR (body : message*",
        "message_words",
    ] {
        assert_eq!(
            found(&store, words),
            ["fox OR NOT near body place message_words"],
            "{words:?}"
        );
    }
    assert_eq!(
        found(&store, "fox'; DROP TABLE messages; --"),
        Vec::<String>::new()
    );
    assert_eq!(found(&store, &"fox ".repeat(200)).len(), all);
    assert_eq!(found(&store, &"x".repeat(100_000)), Vec::<String>::new());
}

#[test]
fn what_is_gone_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let mut number = 0;
    let mut arrive = |store: &mut Store| {
        number += 1;
        receive(store, &from(BOB, number, "a secret"))
    };
    let now = at(1000);
    let removed = arrive(&mut store);
    store.remove_message(removed, now).unwrap();
    assert_eq!(found(&store, "secret"), Vec::<String>::new());

    arrive(&mut store);
    let deletion = Effect::Deletion;
    store
        .apply_effect(&id(BOB), at(2), &id(BOB), &deletion, now)
        .unwrap();
    assert_eq!(found(&store, "secret"), Vec::<String>::new());

    let timed = arrive(&mut store);
    store.set_disappears_at(timed, now).unwrap();
    store.remove_disappeared(now, 10).unwrap();
    assert_eq!(found(&store, "secret"), Vec::<String>::new());

    arrive(&mut store);
    store.clear_conversation(&id(BOB), now).unwrap();
    assert_eq!(found(&store, "secret"), Vec::<String>::new());

    arrive(&mut store);
    store.remove_conversation(&id(BOB), now).unwrap();
    assert_eq!(found(&store, "secret"), Vec::<String>::new());

    // And what is not gone is.
    arrive(&mut store);
    store
        .queue_outgoing(&outgoing(ALICE, "my secret", 1))
        .unwrap();
    assert_eq!(found(&store, "secret"), ["my secret", "a secret"]);
}
