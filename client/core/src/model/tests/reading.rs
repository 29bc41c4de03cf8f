//! Reading, receipts, timers.

use session_messages::ContentKind;

use super::*;
use crate::Settings;

const TIMER: u32 = 300;

fn timer() -> Duration {
    Duration::from_secs(u64::from(TIMER))
}

/// Three messages of Bob, a minute apart.
fn three() -> Device {
    let mut device = Device::friend_of_bob();
    for minute in 1..=3 {
        device.hears(&bob(), minute * MINUTE, &text(&format!("{minute}")));
    }
    device.nothing_left_to_send();
    device
}

fn unread(device: &Device) -> Vec<String> {
    let rows = device.rows(&bob()).into_iter();
    rows.filter(|row| row.unread).map(|row| row.body).collect()
}

#[test]
fn reading_goes_forward_only() {
    let mut device = three();
    let id = bob().account_id();
    let read = |device: &mut Device, up_to| {
        device.write(|tx| tx.mark_read(&id, up_to)).unwrap();
        let settings = device.settings(&bob()).unwrap();
        settings.last_read.as_ms() - START
    };
    assert_eq!(unread(&device), ["1", "2", "3"]);
    // Between two messages.
    assert_eq!(read(&mut device, Some(at(MINUTE + 5))), MINUTE + 5);
    assert_eq!(unread(&device), ["2", "3"]);
    assert_eq!(read(&mut device, Some(at(3))), MINUTE + 5);
    assert_eq!(unread(&device), ["2", "3"]);
    // Never further than there is something to read: what comes later is unread.
    let far = Timestamp::from_ms(u64::MAX >> 1);
    assert_eq!(read(&mut device, Some(far)), 3 * MINUTE);
    assert!(unread(&device).is_empty());
    device.hears(&bob(), 4 * MINUTE, &text("4"));
    assert_eq!(unread(&device), ["4"]);
    assert_eq!(read(&mut device, None), 4 * MINUTE);
    // What was written before that and comes late is read already.
    device.hears(&bob(), 2 * MINUTE + 1, &text("late"));
    assert!(unread(&device).is_empty());
    // In a conversation without messages there is nothing to do.
    let nobody = person(5).account_id();
    device.write(|tx| tx.mark_read(&nobody, None)).unwrap();
    assert!(device.settings(&person(5)).is_none());
}

#[test]
fn reading_and_writing_take_the_unread_mark_away() {
    let mut device = three();
    let id = bob().account_id();
    let marked = |device: &Device| device.settings(&bob()).unwrap().marked_unread;
    device.write(|tx| tx.set_unread_mark(&id, true)).unwrap();
    assert!(marked(&device));
    device.write(|tx| tx.mark_read(&id, None)).unwrap();
    assert!(!marked(&device));
    device.write(|tx| tx.set_unread_mark(&id, true)).unwrap();
    device
        .write(|tx| tx.send_text(&id, "answer", None, false))
        .unwrap();
    assert!(!marked(&device));
}

#[test]
fn receipts_are_sent_when_both_sides_want_them() {
    let receipts = |device: &Device| -> usize {
        let jobs = device.jobs();
        let contents = jobs.iter().filter(|job| job.message.is_none());
        contents
            .map(|job| Content::decode(&job.content, job.sent_at).unwrap())
            .map(|content| match content.kind() {
                ContentKind::Receipt(receipt) => receipt.times().len(),
                _ => 0,
            })
            .sum()
    };
    let on = Settings {
        read_receipts: true,
        typing: false,
        ..Settings::default()
    };
    let id = bob().account_id();
    // Off, as at first.
    let mut device = three();
    device.write(|tx| tx.mark_read(&id, None)).unwrap();
    assert_eq!(receipts(&device), 0);
    // On, for each message once.
    let mut device = three();
    device.write(|tx| tx.set_settings(on)).unwrap();
    device
        .write(|tx| tx.mark_read(&id, Some(at(2 * MINUTE))))
        .unwrap();
    assert_eq!(receipts(&device), 2);
    device.nothing_left_to_send();
    device.write(|tx| tx.mark_read(&id, None)).unwrap();
    assert_eq!(receipts(&device), 1);
    device.nothing_left_to_send();
    device.write(|tx| tx.mark_read(&id, None)).unwrap();
    assert_eq!(receipts(&device), 0);
    // Not for a request, nor for notes.
    let mut device = Device::new();
    device.write(|tx| tx.set_settings(on)).unwrap();
    device.hears(&bob(), 5, &text("a request"));
    device.write(|tx| tx.mark_read(&id, None)).unwrap();
    assert_eq!(receipts(&device), 0);
    // Many are told in several parts.
    let mut device = Device::friend_of_bob();
    device.nothing_left_to_send();
    device.write(|tx| tx.set_settings(on)).unwrap();
    for number in 0..300 {
        device.hears(&bob(), 1000 + number, &text(&format!("{number}")));
    }
    device.write(|tx| tx.mark_read(&id, None)).unwrap();
    assert_eq!(device.model.store().job_count().unwrap(), 2);
    assert_eq!(receipts(&device), 256);
}

#[test]
fn timers_begin_when_a_message_is_read() {
    let mut device = Device::friend_of_bob();
    let id = bob().account_id();
    device.hears(&bob(), 5, &text("burns").with_expiration(after_read(TIMER)));
    device.hears(&bob(), 6, &text("stays"));
    assert_eq!(device.model.store().next_disappearing().unwrap(), None);
    let now = device.now;
    let (_, changes) = device
        .model
        .write(now, |tx| tx.mark_read(&id, None))
        .unwrap();
    assert!(changes.disappearing && changes.tasks);
    let rows = device.rows(&bob());
    assert_eq!(rows[0].disappears_at, Some(now.plus(timer())));
    assert_eq!(rows[1].disappears_at, None);
    let shorten = SwarmTaskKind::Shorten(now.plus(timer()));
    assert_eq!(device.tasks(), [(shorten, rows[0].hash.clone().unwrap())]);
    // Reading again begins nothing anew.
    device.now = now.plus(Duration::from_secs(60));
    device.write(|tx| tx.mark_read(&id, None)).unwrap();
    assert_eq!(
        device.rows(&bob())[0].disappears_at,
        Some(now.plus(timer()))
    );

    device.now = now.plus(timer());
    assert!(!device.write(|tx| tx.remove_disappeared()).unwrap());
    assert_eq!(device.texts(&bob()), ["stays"]);
    // Another member of the swarm still has it.
    device.hears(&bob(), 5, &text("burns").with_expiration(after_read(TIMER)));
    assert_eq!(device.texts(&bob()), ["stays"]);
}

#[test]
fn a_message_read_elsewhere_before_it_comes() {
    let mut device = three();
    let id = bob().account_id();
    device.write(|tx| tx.mark_read(&id, None)).unwrap();
    let now = device.now;
    let burning = |sent_ms: u64| {
        let content = text(&format!("burns {sent_ms}")).with_expiration(after_read(TIMER));
        (sent_ms, content)
    };
    // The other device has told the swarm: that time holds.
    let (sent_ms, content) = burning(11);
    let mut element = device.sealed(&bob(), sent_ms, &content);
    let told = now.plus(Duration::from_secs(100));
    element.message.expiration = told;
    device.takes(vec![element]);
    let by_body = |device: &Device, body: &str| {
        let rows = device.rows(&bob());
        rows.into_iter().find(|row| row.body == body).unwrap()
    };
    let row = by_body(&device, "burns 11");
    assert!(!row.unread);
    assert_eq!(row.disappears_at, Some(told));
    assert!(device.tasks().is_empty());
    // Nobody has: the timer begins now and the swarm is told.
    let (sent_ms, content) = burning(12);
    device.hears(&bob(), sent_ms, &content);
    let row = by_body(&device, "burns 12");
    assert_eq!(row.disappears_at, Some(now.plus(timer())));
    let shorten = SwarmTaskKind::Shorten(now.plus(timer()));
    assert_eq!(device.tasks(), [(shorten, row.hash.unwrap())]);
}

#[test]
fn what_other_devices_read_is_read_here() {
    let mut device = Device::friend_of_bob();
    let id = bob().account_id();
    device.hears(&bob(), 5, &text("burns").with_expiration(after_read(TIMER)));
    device.hears(&bob(), 6, &text("two"));
    device.hears(&bob(), 7, &text("three"));
    let hash = device.rows(&bob())[0].hash.clone().unwrap();
    let mut other = Device::numbered(7);
    let first = device.pushes(at(10 * MINUTE));
    other.takes(first);
    for (sent_ms, body) in [(5, "burns"), (6, "two")] {
        other.hears(&bob(), sent_ms, &text(body));
    }
    other.write(|tx| tx.mark_read(&id, Some(at(6)))).unwrap();
    other.write(|tx| tx.set_unread_mark(&id, true)).unwrap();
    let somebody = person(8).account_id();
    other
        .write(|tx| {
            let name = session_config::Conversation::Account(somebody);
            Ok(tx.configs.reads.mark_read(&name, at(9), tx.now)?)
        })
        .unwrap();
    let second = other.pushes(at(20 * MINUTE));
    let (_, changes) = device.takes(second);
    assert_eq!(unread(&device), ["three"]);
    assert!(device.settings(&bob()).unwrap().marked_unread);
    // The swarm knows until when.
    assert!(changes.tasks);
    assert_eq!(device.tasks(), [(SwarmTaskKind::AskExpiry, hash)]);
    assert!(
        device.settings(&person(8)).is_none(),
        "a read state is no conversation"
    );

    let message = device.rows(&bob())[0].id;
    let until = at(90 * MINUTE);
    device
        .write(|tx| tx.swarm_expiry(message, Some(until)))
        .unwrap();
    assert_eq!(device.rows(&bob())[0].disappears_at, Some(until));
    // The swarm has it no more: it is over.
    device.write(|tx| tx.swarm_expiry(message, None)).unwrap();
    assert!(!device.write(|tx| tx.remove_disappeared()).unwrap());
    assert_eq!(device.texts(&bob()), ["two", "three"]);
}

#[test]
fn an_own_message_from_elsewhere_asks_for_the_timers_of_what_it_read() {
    let mut device = Device::friend_of_bob();
    let id = bob().account_id();
    device.hears(&bob(), 5, &text("burns").with_expiration(after_read(TIMER)));
    let hash = device.rows(&bob())[0].hash.clone().unwrap();
    device.hears_copy(&id, 6, &text("answered elsewhere"));
    assert!(unread(&device).is_empty());
    assert_eq!(device.tasks(), [(SwarmTaskKind::AskExpiry, hash)]);
}

#[test]
fn many_messages_disappear_in_steps() {
    let mut device = Device::friend_of_bob();
    let gone = Expiration::after_send(60);
    for number in 0..150 {
        let content = text(&format!("{number}")).with_expiration(gone);
        device.hears(&bob(), 5 + number, &content);
    }
    device.now = at(0).plus(DAYS_14).plus(timer());
    let now = device.now;
    let (more, changes) = device
        .model
        .write(now, |tx| tx.remove_disappeared())
        .unwrap();
    assert!(more);
    assert_eq!(changes.removed.len(), 100);
    assert!(!device.write(|tx| tx.remove_disappeared()).unwrap());
    assert!(device.rows(&bob()).is_empty());
}

#[test]
fn the_database_remembers_what_the_config_forgets() {
    let mut device = three();
    let id = bob().account_id();
    // A month later: the shared config refuses to hold so old a time.
    device.now = device.now.plus(Duration::from_secs(40 * 24 * 3600));
    device.write(|tx| tx.mark_read(&id, None)).unwrap();
    assert!(unread(&device).is_empty());
    device
        .write(|tx| tx.set_nickname(&id, "old friend"))
        .unwrap();
    device.hears(&bob(), 2 * MINUTE + 5, &text("very late"));
    assert!(unread(&device).is_empty());
}
