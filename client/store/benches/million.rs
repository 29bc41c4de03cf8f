//! What looking, searching and receiving cost with a million messages in a thousand
//! conversations.
//!
//! `cargo bench -p session-store --bench million`
//!
//! Filling the database takes minutes. With `SESSION_MILLION_DIR` set to a folder it is kept
//! there and used again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a bench prints its results and stops at the first surprise"
)]

use std::time::{Duration, Instant};

use session_store::keyring::Unavailable;
use session_store::{
    Arrival, KeyKeeping, LastHash, NewAccount, NewMessage, NewOutgoing, Profile, ReceivedMessage,
    Store,
};
use session_types::{AccountId, Ed25519PublicKey, MessageHash, Namespace, SwarmPubkey, Timestamp};
use zeroize::Zeroizing;

const MESSAGES: u64 = 1_000_000;
const CONVERSATIONS: u64 = 1000;
const VOCABULARY: u64 = 30_000;
/// The first sent time; one message a minute follows.
const BEGINNING: u64 = 1_600_000_000_000;
const MINUTE: u64 = 60_000;

fn main() {
    let (temporary, kept);
    let home = if let Some(folder) = std::env::var_os("SESSION_MILLION_DIR") {
        kept = std::path::PathBuf::from(folder);
        kept.as_path()
    } else {
        temporary = tempfile::tempdir().unwrap();
        temporary.path()
    };
    let profile = Profile::with_keyring(home, Box::new(Unavailable));
    if profile.list().unwrap().is_empty() {
        fill(&profile);
    }
    let file = profile.open(own(), None).unwrap().path().to_owned();
    let megabytes = file.metadata().unwrap().len() >> 20;
    println!("{MESSAGES} messages in {CONVERSATIONS} conversations, {megabytes} MiB on disk");
    println!("{:<44} {:>9} {:>9}", "", "first", "again");
    opening(&profile);
    looking(&profile);
    searching(&profile);
    writing(&profile);
}

/// Times something at a database just opened, then again and again; prints the first time and
/// the median of the others.
fn measure<R>(profile: &Profile, what: &str, mut work: impl FnMut(&Store) -> R) -> R {
    let store = profile.open(own(), None).unwrap();
    let started = Instant::now();
    let result = work(&store);
    let first = started.elapsed();
    let again = median(9, || {
        work(&store);
    });
    row(what, first, Some(again));
    result
}

fn median(times: usize, mut work: impl FnMut()) -> Duration {
    let mut taken: Vec<Duration> = (0..times)
        .map(|_| {
            let started = Instant::now();
            work();
            started.elapsed()
        })
        .collect();
    taken.sort_unstable();
    taken[times / 2]
}

fn row(what: &str, first: Duration, again: Option<Duration>) {
    let ms = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1000.0);
    let again = again.map(ms).unwrap_or_default();
    println!("{what:<44} {:>9} {again:>12}", ms(first));
}

fn opening(profile: &Profile) {
    let open = || drop(profile.open(own(), None).unwrap());
    let started = Instant::now();
    open();
    row(
        "open, key in a file",
        started.elapsed(),
        Some(median(9, open)),
    );

    let folder = tempfile::tempdir().unwrap();
    let other = Profile::with_keyring(folder.path(), Box::new(Unavailable));
    let store = other.create(&account(), KeyKeeping::Passphrase, Some("tea"));
    drop(store.unwrap());
    let open = || drop(other.open(own(), Some("tea")).unwrap());
    let started = Instant::now();
    open();
    let first = started.elapsed();
    row(
        "open an empty one, by passphrase",
        first,
        Some(median(5, open)),
    );
}

fn looking(profile: &Profile) {
    let all = measure(profile, "list of conversations", |store| {
        store.conversations().unwrap().len()
    });
    assert!(all as u64 >= CONVERSATIONS);
    measure(profile, "one conversation of the list", |store| {
        assert!(store.conversation(&person(7)).unwrap().is_some());
    });
    for (what, who) in [("largest", 0), ("smallest", CONVERSATIONS - 1)] {
        let page = measure(
            profile,
            &format!("newest 50 of the {what} conversation"),
            |store| store.history(&person(who), 50, None).unwrap(),
        );
        assert_eq!(page.len(), 50);
    }
    let store = profile.open(own(), None).unwrap();
    let mut middle = store.history(&person(0), 1, None).unwrap()[0].id;
    for _ in 0..20 {
        middle = store.history(&person(0), 1000, Some(middle)).unwrap()[0].id;
    }
    measure(profile, "50 before one far back", |store| {
        assert_eq!(
            store.history(&person(0), 50, Some(middle)).unwrap().len(),
            50
        );
    });
    measure(profile, "50 after one far back", |store| {
        assert_eq!(
            store.history_after(&person(0), 50, middle).unwrap().len(),
            50
        );
    });
    measure(profile, "newest received of a conversation", |store| {
        assert!(store.newest_received(&person(3)).unwrap().is_some());
    });
}

fn searching(profile: &Profile) {
    let common = word(0);
    let (second, third) = (word(1), word(2));
    let letters: String = word(9).chars().take(3).collect();
    let first = letters.chars().take(1).collect::<String>();
    let largest = person(0);
    let smallest = person(CONVERSATIONS - 1);
    let rare = format!("rare{}", MESSAGES / 2);
    let cases: [(&str, String, Option<&AccountId>); 10] = [
        ("search: a word of one message", rare, None),
        ("search: the commonest word", format!("{common} "), None),
        (
            "search: three common words",
            format!("{common} {second} {third}"),
            None,
        ),
        ("search: beginning, 1 letter", first.clone(), None),
        ("search: beginning, 3 letters", letters.clone(), None),
        ("search: nothing found", "nowhere".into(), None),
        (
            "search: common, largest conversation",
            common.clone(),
            Some(&largest),
        ),
        (
            "search: common, smallest conversation",
            common,
            Some(&smallest),
        ),
        (
            "search: 1 letter, smallest conversation",
            first,
            Some(&smallest),
        ),
        (
            "search: 3 letters, smallest conversation",
            letters,
            Some(&smallest),
        ),
    ];
    for (what, words, within) in cases {
        let found = measure(profile, what, |store| {
            store.search(&words, within, 50).unwrap().len()
        });
        assert_eq!(found == 0, words == "nowhere", "{what}: {found}");
    }
}

fn writing(profile: &Profile) {
    let mut store = profile.open(own(), None).unwrap();
    let mut number = newest_number(&store);
    let mut text = Text(number);
    let mut batches = Vec::new();
    for _ in 0..100 {
        let started = Instant::now();
        number = receive(&mut store, &mut text, number, 100, |n| person(n % 50));
        batches.push(started.elapsed());
    }
    let all: Duration = batches.iter().sum();
    batches.sort_unstable();
    row("receive 10 000 messages, 100 at a time", all, None);
    row("  the middle hundred", batches[50], None);
    row("  the slowest hundred", batches[99], None);

    for count in [1000, 20_000] {
        let fresh = person(CONVERSATIONS + number);
        for _ in 0..count / 1000 {
            number = receive(&mut store, &mut text, number, 1000, |_| fresh);
        }
        let started = Instant::now();
        let read = store.mark_read(&fresh, Timestamp::from_ms(u64::MAX >> 1));
        row(&format!("mark {count} as read"), started.elapsed(), None);
        assert_eq!(read.unwrap().len(), count);
        let started = Instant::now();
        let now = Timestamp::from_ms(BEGINNING + number * MINUTE);
        store.clear_conversation(&fresh, now).unwrap();
        row(
            &format!("clear a conversation of {count}"),
            started.elapsed(),
            None,
        );
    }

    let new = |n: u64| NewOutgoing {
        conversation: person(5),
        message: NewMessage::text(format!("message {n} to be sent")),
        now: Timestamp::from_ms(BEGINNING + (number + n) * MINUTE),
        time_unsure: false,
    };
    let mut n = 0;
    let queue = median(101, || {
        n += 1;
        let queued = store.queue_outgoing(&new(n)).unwrap();
        store.cancel_jobs(queued.id).unwrap();
    });
    row("queue a message and take it back", queue, None);
}

/// Takes in messages as a poll does, all in one transaction.
fn receive(
    store: &mut Store,
    text: &mut Text,
    first: u64,
    count: u64,
    from: impl Fn(u64) -> AccountId,
) -> u64 {
    let last = first + count;
    store
        .atomically(|store| {
            for number in first..last {
                let message = received(number, from(number), text);
                let hash = hash(number);
                let expires_at = message.arrival.expires_at;
                assert!(store.remember_seen(Namespace::DEFAULT, &hash, expires_at)?);
                assert!(store.take_in(&message)?.is_some());
            }
            store.set_last_hash(&LastHash {
                node: Ed25519PublicKey::new([1; 32]),
                owner: SwarmPubkey::from(own()),
                namespace: Namespace::DEFAULT,
                hash: hash(last),
                expires_at: Timestamp::from_ms(u64::MAX >> 1),
            })
        })
        .unwrap();
    last
}

/// The number of the first message that is not there yet.
fn newest_number(store: &Store) -> u64 {
    let (mut there, mut not) = (0, MESSAGES * 100);
    while there + 1 < not {
        let middle = u64::midpoint(there, not);
        if store.has_seen(Namespace::DEFAULT, &hash(middle)).unwrap() {
            there = middle;
        } else {
            not = middle;
        }
    }
    not
}

fn fill(profile: &Profile) {
    let started = Instant::now();
    let store = profile.create(&account(), KeyKeeping::File, None);
    let mut store = store.unwrap();
    let mut text = Text(1);
    for batch in 0..MESSAGES / 1000 {
        store
            .atomically(|store| {
                for number in batch * 1000..(batch + 1) * 1000 {
                    let who = whose(number, &mut text);
                    let mut message = received(number, person(who), &mut text);
                    message.outgoing = number % 5 < 2;
                    message.unread = !message.outgoing && number + 3000 > MESSAGES;
                    if message.outgoing {
                        message.sender = own();
                    }
                    let expires_at = message.arrival.expires_at;
                    store.remember_seen(Namespace::DEFAULT, &hash(number), expires_at)?;
                    assert!(store.take_in(&message)?.is_some());
                }
                Ok::<_, session_store::StoreError>(())
            })
            .unwrap();
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("filled in {seconds:.0} s, 1000 at a time");
}

/// Every conversation gets a share; the first ones by far the largest.
fn whose(number: u64, text: &mut Text) -> u64 {
    if number < CONVERSATIONS * 60 {
        return number % CONVERSATIONS;
    }
    zipf(text.next(), CONVERSATIONS)
}

fn received(number: u64, from: AccountId, text: &mut Text) -> ReceivedMessage {
    let sent_at = Timestamp::from_ms(BEGINNING + number * MINUTE);
    ReceivedMessage {
        sender: from,
        conversation: from,
        sent_at,
        outgoing: false,
        message: NewMessage::text(text.message(number)),
        arrival: Arrival {
            hash: Some(hash(number)),
            stored_at: sent_at,
            expires_at: sent_at.plus(Duration::from_secs(14 * 24 * 3600)),
        },
        unread: true,
        mentions_me: number.is_multiple_of(50),
        disappears_at: None,
        content: Vec::new(),
    }
}

/// Numbers that look random, and texts of them.
struct Text(u64);

impl Text {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    fn message(&mut self, number: u64) -> String {
        let words = 3 + self.next() % 18;
        let mut text = String::new();
        for _ in 0..words {
            text.push_str(&word(zipf(self.next(), VOCABULARY)));
            text.push(' ');
        }
        if number.is_multiple_of(1000) {
            text.push_str(&format!("rare{number}"));
        }
        text
    }
}

/// Small numbers far more often than large ones, about as words are in a language.
fn zipf(random: u64, below: u64) -> u64 {
    let unit = (random >> 11) as f64 / (1u64 << 53) as f64;
    let value = ((below + 1) as f64).powf(unit) - 1.0;
    (value as u64).min(below - 1)
}

/// A word of two to five syllables; those of small numbers are short.
fn word(number: u64) -> String {
    const SYLLABLES: [&str; 24] = [
        "a", "ba", "co", "de", "fi", "gu", "he", "in", "jo", "ka", "le", "mi", "no", "or", "pé",
        "qua", "re", "so", "tü", "un", "ve", "wa", "xi", "za",
    ];
    let mut rest = mix(number + 77);
    let syllables = 2 + (number + 2).ilog10() as u64;
    let mut word = String::new();
    for _ in 0..syllables {
        word.push_str(SYLLABLES[(rest % 24) as usize]);
        rest /= 24;
    }
    word
}

fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn account() -> NewAccount {
    NewAccount {
        seed: Zeroizing::new([0x17; 16]),
        account_id: own(),
        display_name: "Carol".into(),
        network: "https://seed.example".into(),
        file_server: None,
        created_at: Timestamp::from_ms(BEGINNING),
    }
}

fn own() -> AccountId {
    AccountId::from_x25519([1; 32].into())
}

fn person(number: u64) -> AccountId {
    let mut key = [2u8; 32];
    for (index, chunk) in key.chunks_exact_mut(8).enumerate() {
        chunk.copy_from_slice(&mix(number * 4 + index as u64).to_le_bytes());
    }
    AccountId::from_x25519(key.into())
}

fn hash(number: u64) -> MessageHash {
    let mut digest = [0u8; 32];
    for (index, chunk) in digest.chunks_exact_mut(8).enumerate() {
        chunk.copy_from_slice(&mix((number << 2) + index as u64).to_le_bytes());
    }
    MessageHash::from_digest(&digest)
}
