//! Views of a real database, changed in every way it can be.

mod random;

use std::sync::Arc;
use std::time::Duration;

use session_messages::Expiration;
use session_net::SystemClock;
use session_store::keyring::Unavailable;
use session_store::{
    Arrival, Details, Effect, KeyKeeping, MessageId, MessageKind, NewAccount, NewMessage,
    NewOutgoing, Profile, QuoteRef, ReceivedMessage,
};
use session_types::{AccountId, Timestamp};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use zeroize::Zeroizing;

use super::window::MOST;
use super::*;
use crate::model::Tx;
use crate::{Account, AccountOptions, CoreError, Event};

const DAY: u64 = 24 * 3600 * 1000;
const MINUTE: u64 = 60 * 1000;

/// An account without a network.
struct Bench {
    reader: Reader,
    account: Account,
    _home: TempDir,
}

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn person(number: u8) -> AccountId {
    AccountId::from_x25519([number; 32].into())
}

/// A day of 24 hours.
fn days() -> DayOf {
    Arc::new(|time| format!("day {}", time.as_ms() / DAY))
}

impl Bench {
    async fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let keys = session_crypto::AccountKeys::from_seed16([7; 16]);
        let new = NewAccount {
            seed: Zeroizing::new([7; 16]),
            account_id: keys.account_id(),
            display_name: "Anna".into(),
            network: "http://127.0.0.1:9".into(),
            file_server: None,
            created_at: Timestamp::from_ms(1),
        };
        let profile = Profile::with_keyring(home.path(), Box::new(Unavailable));
        let store = profile.create(&new, KeyKeeping::File, None).unwrap();
        let options = AccountOptions {
            poll_every: None,
            ..AccountOptions::default()
        };
        let network = new.network.parse().unwrap();
        let account = Account::open(store, network, Box::new(SystemClock), options)
            .await
            .unwrap();
        Self {
            reader: account.reader(),
            account,
            _home: home,
        }
    }

    async fn write<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<R, CoreError> + Send + 'static,
    ) -> R {
        let shared = self.reader.shared().unwrap();
        let now = Timestamp::from_ms(100 * DAY);
        shared.model.write(now, work).await.unwrap()
    }

    /// Somebody wrote something.
    async fn receive(&self, from: AccountId, at: u64, message: NewMessage) -> MessageId {
        let received = ReceivedMessage {
            sender: from,
            conversation: from,
            sent_at: Timestamp::from_ms(at),
            outgoing: false,
            message,
            arrival: Arrival::default(),
            unread: true,
            mentions_me: false,
            disappears_at: None,
            content: Vec::new(),
        };
        self.write(move |tx| {
            tx.touch(from);
            let row = tx.store.take_in(&received)?;
            Ok(row.map_or(MessageId::new(0), |row| row.id))
        })
        .await
    }

    /// The user wrote something.
    async fn send(&self, to: AccountId, at: u64, text: &str) -> MessageId {
        let new = NewOutgoing {
            conversation: to,
            message: NewMessage::text(text),
            now: Timestamp::from_ms(at),
            time_unsure: false,
        };
        self.write(move |tx| {
            tx.touch(to);
            Ok(tx.store.queue_outgoing(&new)?.id)
        })
        .await
    }

    async fn open(&self, with: AccountId, around: Around) -> Timeline {
        self.try_open(with, around).await.unwrap()
    }

    async fn try_open(&self, with: AccountId, around: Around) -> Result<Timeline, CoreError> {
        let reader = self.reader.clone();
        Timeline::open(reader, with, around, &Live::default(), days()).await
    }

    async fn rows(&self, with: AccountId) -> Vec<(Timestamp, MessageId)> {
        let rows = self.account.history(with, 100_000).await.unwrap();
        rows.into_iter().map(|row| (row.sent_at, row.id)).collect()
    }
}

fn message(item: &TimelineItem) -> &MessageItem {
    match &item.content {
        ItemContent::Message(message) => message,
        other => panic!("not a message: {other:?}"),
    }
}

/// Items in a short form.
fn short(timeline: &Timeline) -> Vec<String> {
    let items = timeline.items().iter().map(|item| match &item.content {
        ItemContent::Message(message) => {
            let text = match message.spans.first() {
                Some(Span::Text { text }) => text.as_str().to_owned(),
                other => format!("{other:?}"),
            };
            let (first, last) = (message.first_in_run, message.last_in_run);
            format!(
                "{}{text}{}",
                if first { "(" } else { " " },
                if last { ")" } else { " " }
            )
        }
        ItemContent::Notice(notice) => format!("{:?}", notice.notice),
        ItemContent::Deleted { mine, .. } => format!("deleted {mine}"),
        ItemContent::Day { date } => date.clone(),
        ItemContent::Unread { count } => format!("--- {count} new"),
    });
    items.collect()
}

#[test]
fn a_timeline_has_days_runs_and_what_is_new() {
    runtime().block_on(async {
        let bench = Bench::new().await;
        let bob = person(1);
        let text = |text: &str| NewMessage::text(text);
        bench.receive(bob, DAY, text("a")).await;
        bench.receive(bob, DAY + MINUTE, text("b")).await;
        bench.receive(bob, DAY + 4 * MINUTE, text("c")).await;
        bench.send(bob, DAY + 5 * MINUTE, "d").await;
        bench.receive(bob, 2 * DAY - 1, text("e")).await;
        bench.receive(bob, 2 * DAY, text("f")).await;
        let timer = NewMessage {
            expiration: Expiration::after_read(60),
            ..NewMessage::notice(MessageKind::TimerChange)
        };
        bench.receive(bob, 2 * DAY + 1, timer).await;
        bench.receive(bob, 2 * DAY + 2, text("g")).await;
        bench
            .write(move |tx| Ok(tx.store.mark_read(&bob, Timestamp::from_ms(DAY))?))
            .await;
        let mut timeline = bench.open(bob, Around::Unread).await;
        let expected = [
            "day 1",
            "(a)",
            "--- 6 new",
            "(b)",
            "(c)",
            "(d)",
            "(e)",
            "day 2",
            "(f)",
            "TimerChanged { timer: AfterRead { seconds: 60 }, differs: true }",
            "(g)",
        ];
        assert_eq!(short(&timeline), expected);
        assert_eq!(timeline.unread_index(), Some(2));
        assert!(timeline.at_start() && timeline.at_end());
        assert_eq!(timeline.people()[0].name.as_str(), "Anna");

        // Reading moves nothing; writing takes the separator away and changes nothing else.
        bench
            .write(move |tx| Ok(tx.store.mark_read(&bob, Timestamp::from_ms(3 * DAY))?))
            .await;
        let live = Live::default();
        assert!(timeline.refresh(&live).await.unwrap().is_empty());
        bench.send(bob, 2 * DAY + MINUTE, "h").await;
        let ops = timeline.refresh(&live).await.unwrap();
        assert_eq!(timeline.unread_index(), None);
        let mut again = expected.to_vec();
        again[1] = "(a ";
        again[3] = " b)";
        again.remove(2);
        again.push("(h)");
        assert_eq!(short(&timeline), again);
        assert_eq!(ops.len(), 4, "{ops:?}");
        bench.account.close().await;
    });
}

#[test]
fn a_message_shows_all_that_belongs_to_it() {
    runtime().block_on(async {
        let bench = Bench::new().await;
        let (bob, own) = (person(1), bench.reader.own());
        let first = bench.send(bob, DAY, "the first\nof all").await;
        let gone = bench.send(bob, DAY + 1, "deleted").await;
        let quoting = |sent_at| NewMessage {
            details: Details {
                quote: Some(QuoteRef {
                    author: own,
                    sent_at: Timestamp::from_ms(sent_at),
                }),
                ..Details::default()
            },
            ..NewMessage::text(format!("@{own} see https://example.org."))
        };
        for (at, sent_at) in [(2, DAY), (3, DAY + 1), (4, 5)] {
            bench.receive(bob, DAY + at, quoting(sent_at)).await;
        }
        bench
            .write(move |tx| {
                let at = Timestamp::from_ms(DAY + 1);
                let effect = Effect::Deletion;
                tx.store.apply_effect(&own, at, &own, &effect, at)?;
                for (author, emoji, at) in [(bob, "👍", 1), (bob, "❤", 2), (own, "👍", 3)] {
                    let effect = Effect::Reaction {
                        emoji: emoji.into(),
                        present: true,
                    };
                    let (first, at) = (Timestamp::from_ms(DAY), Timestamp::from_ms(at));
                    tx.store.apply_effect(&own, first, &author, &effect, at)?;
                }
                Ok(())
            })
            .await;
        let timeline = bench.open(bob, Around::End).await;
        let items = timeline.items();
        let reactions = &message(&items[1]).reactions;
        assert_eq!(reactions.len(), 2);
        assert_eq!(
            (&*reactions[0].emoji, reactions[0].count, reactions[0].mine),
            ("👍", 2, true)
        );
        assert_eq!(reactions[0].who, [bob, own]);
        assert!(!reactions[1].mine);
        assert_eq!(items[2].message_id(), Some(gone));
        assert!(matches!(
            items[2].content,
            ItemContent::Deleted { mine: true, .. }
        ));
        let quote = |at: usize| message(&items[at]).quote.as_ref().unwrap();
        assert_eq!(quote(4).name.as_str(), "Anna");
        assert_eq!(
            quote(4).original,
            QuoteState::Found {
                message_id: first,
                excerpt: "the first of all".into(),
                attachments: 0,
                file: None,
            }
        );
        assert_eq!(quote(5).original, QuoteState::Deleted);
        assert_eq!(quote(6).original, QuoteState::NotFound);
        let spans = &message(&items[4]).spans;
        assert!(matches!(&spans[0], Span::Mention { me: true, id, .. } if *id == own));
        assert!(matches!(&spans[2], Span::Link { url } if url.as_str() == "https://example.org"));
        assert!(!format!("{items:?}").contains("example.org"));
        bench.account.close().await;
    });
}

#[test]
fn a_timeline_opens_where_it_should_and_grows() {
    runtime().block_on(async {
        let bench = Bench::new().await;
        let bob = person(1);
        let mut ids = Vec::new();
        for n in 0..1500 {
            let text = NewMessage::text(n.to_string());
            ids.push(bench.receive(bob, DAY + n * MINUTE, text).await);
        }
        bench
            .write(move |tx| {
                let up_to = Timestamp::from_ms(DAY + 799 * MINUTE);
                Ok(tx.store.mark_read(&bob, up_to)?)
            })
            .await;
        let holds = |timeline: &Timeline| -> (usize, usize) {
            let shown: Vec<_> = timeline
                .items()
                .iter()
                .filter_map(TimelineItem::message_id)
                .collect();
            let at = |id| ids.iter().position(|known| *known == id).unwrap();
            (at(shown[0]), at(shown[shown.len() - 1]))
        };
        let end = bench.open(bob, Around::End).await;
        assert_eq!(holds(&end), (1440, 1499));
        assert!(end.at_end() && !end.at_start());
        let unread = bench.open(bob, Around::Unread).await;
        assert_eq!(holds(&unread), (780, 839));
        assert_eq!(unread.unread_index(), Some(21));
        let message_id = ids[3];
        let early = bench.open(bob, Around::Message { message_id }).await;
        assert_eq!(holds(&early), (0, 59));
        assert!(early.at_start() && !early.at_end());
        let message_id = ids[1498];
        let late = bench.open(bob, Around::Message { message_id }).await;
        assert_eq!(holds(&late), (1440, 1499));
        let time = Timestamp::from_ms(DAY + 100 * MINUTE - 1);
        let timed = bench.open(bob, Around::Time { time }).await;
        assert_eq!(holds(&timed), (80, 139));
        let time = Timestamp::from_ms(90 * DAY);
        let future = bench.open(bob, Around::Time { time }).await;
        assert_eq!(holds(&future), (1440, 1499));
        let elsewhere = bench.try_open(person(2), Around::Message { message_id });
        assert!(matches!(
            elsewhere.await,
            Err(CoreError::Store(session_store::StoreError::UnknownMessage))
        ));

        // Backwards to the start: the far side goes, and never more than fits is held.
        let live = Live::default();
        let mut timeline = bench.open(bob, Around::End).await;
        let mut shown = timeline.items().to_vec();
        let mut steps = 0;
        while !timeline.at_start() {
            let ops = timeline.more(Direction::Older, 200, &live).await.unwrap();
            apply(&mut shown, &ops).unwrap();
            assert_eq!(shown, timeline.items());
            assert!(shown.len() <= MOST);
            steps += 1;
        }
        assert_eq!(steps, 8);
        assert_eq!(holds(&timeline).0, 0);
        assert!(!timeline.at_end());
        // A message at the end changes nothing here.
        bench.receive(bob, 50 * DAY, NewMessage::text("new")).await;
        assert!(timeline.refresh(&live).await.unwrap().is_empty());
        while !timeline.at_end() {
            let ops = timeline.more(Direction::Newer, 1000, &live).await.unwrap();
            apply(&mut shown, &ops).unwrap();
            assert_eq!(shown, timeline.items());
        }
        assert!(!timeline.at_start() && shown.len() <= MOST);
        // One that comes now is there, for the one at the far side.
        bench
            .receive(bob, 50 * DAY + 1, NewMessage::text("newer"))
            .await;
        let ops = timeline.refresh(&live).await.unwrap();
        assert!(ops.len() <= 4, "{ops:?}");
        assert!(timeline.at_end() && timeline.items().len() <= MOST);
        bench.account.close().await;
    });
}

#[test]
fn much_that_comes_at_once_is_followed() {
    runtime().block_on(async {
        let bench = Bench::new().await;
        let bob = person(1);
        let live = Live::default();
        bench.receive(bob, DAY, NewMessage::text("first")).await;
        let mut timeline = bench.open(bob, Around::End).await;
        let first_days = 40;
        bench
            .write(move |tx| {
                for n in 0..2000u64 {
                    let new = NewOutgoing {
                        conversation: bob,
                        message: NewMessage::text("x"),
                        now: Timestamp::from_ms(2 * DAY + n * DAY / first_days),
                        time_unsure: false,
                    };
                    tx.store.queue_outgoing(&new)?;
                }
                Ok(())
            })
            .await;
        let ops = timeline.refresh(&live).await.unwrap();
        assert!(matches!(ops[..], [Op::Reset { .. }]));
        assert!(timeline.at_end() && timeline.items().len() <= MOST);
        assert!(timeline.items().len() > MOST - 30);
        // All gone: what is left is an empty conversation.
        bench
            .write(move |tx| Ok(tx.store.clear_conversation(&bob, Timestamp::from_ms(9))?))
            .await;
        timeline.refresh(&live).await.unwrap();
        assert!(timeline.items().is_empty() && timeline.at_start() && timeline.at_end());
        bench.send(bob, 90 * DAY, "again").await;
        timeline.refresh(&live).await.unwrap();
        assert_eq!(short(&timeline), ["day 90", "(again)"]);
        bench.account.close().await;
    });
}

#[test]
fn a_list_follows_events() {
    runtime().block_on(async {
        let bench = Bench::new().await;
        let mut events = bench.account.subscribe();
        let mut live = Live::default();
        let reader = bench.reader.clone();
        let mut list = ConversationList::open(reader.clone(), Filter::Chats, &live)
            .await
            .unwrap();
        let mut shown = list.rows().to_vec();
        for n in 1..=3u8 {
            let bob = person(n);
            bench
                .write(move |tx| {
                    tx.accept(&bob)?;
                    tx.set_nickname(&bob, &format!("Person {n}"))
                })
                .await;
            bench
                .receive(bob, u64::from(n) * DAY, NewMessage::text("hi"))
                .await;
        }
        bench.write(|tx| tx.set_pinned(&person(1), true)).await;
        bench
            .write(|tx| {
                tx.store
                    .set_draft(&person(2), "I will")
                    .map(|_| tx.touch(person(2)))
                    .map_err(Into::into)
            })
            .await;
        bench
            .receive(person(2), 90 * DAY, NewMessage::text("yo"))
            .await;
        bench
            .write(|tx| {
                tx.touch(person(3));
                tx.delete_contact(&person(3))
            })
            .await;
        let mut small = 0;
        while let Ok(event) = events.try_recv() {
            assert!(matches!(event, Event::ConversationsChanged { .. }));
            let dirty = live.note(&event, tokio::time::Instant::now());
            let ops = list.refresh(&dirty, &live).await.unwrap();
            small = small.max(ops.len());
            apply(&mut shown, &ops).unwrap();
            assert_eq!(shown, list.rows());
        }
        assert!(small <= 4);
        let fresh = ConversationList::open(reader.clone(), Filter::Chats, &live)
            .await
            .unwrap();
        assert_eq!(shown, fresh.rows());
        let names: Vec<_> = shown.iter().map(|row| row.person.name.as_str()).collect();
        assert_eq!(names, ["Person 1", "Person 2"]);
        assert_eq!(shown[1].draft.as_ref().unwrap().as_str(), "I will");
        assert_eq!(shown[1].unread, 2);
        assert_eq!(shown[1].last.as_ref().unwrap().text.as_str(), "yo");

        // Somebody types, and the account is closed.
        let typing = Event::Typing {
            conversation: person(2),
            begins: true,
        };
        let now = tokio::time::Instant::now();
        let dirty = live.note(&typing, now);
        let ops = list.refresh(&dirty, &live).await.unwrap();
        assert!(matches!(&ops[..], [Op::Set { at: 1, item }] if item.typing));
        let dirty = live.end(now + Duration::from_secs(15));
        assert_eq!(list.refresh(&dirty, &live).await.unwrap().len(), 1);
        bench.account.close().await;
        assert!(matches!(
            list.refresh(&Dirty::everything(), &live).await,
            Err(CoreError::Stopped)
        ));
    });
}
