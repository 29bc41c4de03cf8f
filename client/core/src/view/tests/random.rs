//! Whatever happens, a timeline follows.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU8, Ordering};

use proptest::prelude::*;
use proptest::sample::Index;
use session_store::{Effect, MessageId, NewMessage};
use session_types::{AccountId, Timestamp};

use super::{Bench, DAY, person, runtime};
use crate::view::window::MOST;
use crate::view::{Around, Direction, ItemContent, Live, Row, Timeline, TimelineItem, apply};

/// Something that happens to a conversation or its timeline.
#[derive(Debug, Clone)]
enum Step {
    Receive(u64),
    Send(u64),
    Remove(Index),
    Delete(Index),
    React(Index),
    Read(Index),
    Older(usize),
    Newer(usize),
    Reopen(Index),
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..20 * DAY).prop_map(Step::Receive),
        4 => (0..20 * DAY).prop_map(Step::Send),
        3 => any::<Index>().prop_map(Step::Remove),
        2 => any::<Index>().prop_map(Step::Delete),
        2 => any::<Index>().prop_map(Step::React),
        2 => any::<Index>().prop_map(Step::Read),
        2 => (1..9usize).prop_map(Step::Older),
        2 => (1..9usize).prop_map(Step::Newer),
        1 => any::<Index>().prop_map(Step::Reopen),
        1 => Just(Step::Clear),
    ]
}

async fn take_step(bench: &Bench, bob: AccountId, timeline: &mut Timeline, step: Step) {
    let live = Live::default();
    let own = bench.reader.own();
    let rows = bench.rows(bob).await;
    let chosen = |index: &Index| (!rows.is_empty()).then(|| rows[index.index(rows.len())]);
    match step {
        Step::Receive(at) => drop(bench.receive(bob, at, NewMessage::text("x")).await),
        Step::Send(at) => drop(bench.send(bob, at, "y").await),
        Step::Remove(index) => {
            if let Some((at, id)) = chosen(&index) {
                bench
                    .write(move |tx| Ok(tx.store.remove_message(id, at)?))
                    .await;
            }
        }
        Step::Delete(index) | Step::React(index) => {
            let effect = if matches!(step, Step::Delete(_)) {
                Effect::Deletion
            } else {
                Effect::Reaction {
                    emoji: "👍".into(),
                    present: true,
                }
            };
            if let Some((at, id)) = chosen(&index) {
                let author = bench.account.message(id).await.unwrap().unwrap().sender;
                bench
                    .write(move |tx| Ok(tx.store.apply_effect(&author, at, &own, &effect, at)?))
                    .await;
            }
        }
        Step::Read(index) => {
            if let Some((at, _)) = chosen(&index) {
                bench
                    .write(move |tx| Ok(tx.store.mark_read(&bob, at)?))
                    .await;
            }
        }
        Step::Older(count) | Step::Newer(count) => {
            let direction = if matches!(step, Step::Older(_)) {
                Direction::Older
            } else {
                Direction::Newer
            };
            let mut shown = timeline.items().to_vec();
            let ops = timeline.more(direction, count, &live).await.unwrap();
            apply(&mut shown, &ops).unwrap();
            assert_eq!(shown, timeline.items());
        }
        Step::Reopen(index) => {
            if let Some((_, message_id)) = chosen(&index) {
                *timeline = bench.open(bob, Around::Message { message_id }).await;
            }
        }
        Step::Clear => {
            bench
                .write(move |tx| Ok(tx.store.clear_conversation(&bob, Timestamp::from_ms(9))?))
                .await;
        }
    }
}

/// A timeline is a part of the conversation without gaps, and says truly where it ends.
async fn check(bench: &Bench, bob: AccountId, timeline: &Timeline) {
    let rows: Vec<MessageId> = bench.rows(bob).await.iter().map(|row| row.1).collect();
    let shown: Vec<MessageId> = timeline
        .items()
        .iter()
        .filter_map(TimelineItem::message_id)
        .collect();
    let start = match shown.first() {
        Some(first) => rows.iter().position(|id| id == first).unwrap(),
        None => 0,
    };
    assert_eq!(rows[start..start + shown.len()], shown);
    assert_eq!(timeline.at_start(), start == 0);
    assert_eq!(timeline.at_end(), start + shown.len() == rows.len());
    assert!(timeline.items().len() <= MOST && (rows.is_empty() || !shown.is_empty()));
    let ids: BTreeSet<_> = timeline.items().iter().map(Row::id).collect();
    assert_eq!(ids.len(), timeline.items().len(), "an id comes twice");
    let unread = timeline
        .items()
        .iter()
        .position(|item| matches!(item.content, ItemContent::Unread { .. }));
    assert_eq!(unread, timeline.unread_index());
}

/// Whether nothing new is told when nothing has happened. The account at work under it tells
/// from time to time that a message could not be sent.
async fn comes_to_rest(timeline: &mut Timeline) -> bool {
    for _ in 0..5 {
        if timeline.refresh(&Live::default()).await.unwrap().is_empty() {
            return true;
        }
    }
    false
}

#[test]
fn diffs_follow_whatever_happens() {
    let runtime = runtime();
    let bench = runtime.block_on(Bench::new());
    let next = AtomicU8::new(1);
    let steps = prop::collection::vec(step(), 1..40);
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(60)
    };
    proptest!(config, |(steps in steps)| {
        let bob = person(next.fetch_add(1, Ordering::Relaxed));
        runtime.block_on(async {
            for n in 0..90 {
                bench.send(bob, n * DAY / 7, "z").await;
            }
            let live = Live::default();
            let mut timeline = bench.open(bob, Around::End).await;
            for step in steps {
                take_step(&bench, bob, &mut timeline, step).await;
                let mut shown = timeline.items().to_vec();
                let (at_start, at_end) = (timeline.at_start(), timeline.at_end());
                let ops = timeline.refresh(&live).await.unwrap();
                apply(&mut shown, &ops).unwrap();
                assert_eq!(shown, timeline.items());
                // Whoever looks at an end goes on looking at it.
                assert!(timeline.at_start() || !at_start);
                assert!(timeline.at_end() || !at_end);
                check(&bench, bob, &timeline).await;
                assert!(comes_to_rest(&mut timeline).await);
            }
        });
    });
    runtime.block_on(bench.account.close());
}
