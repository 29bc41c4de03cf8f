//! What other devices agreed on meanwhile, and messages of conversations they deleted.

use session_messages::{DataExtraction, RequestResponse};
use session_types::Namespace;

use super::*;

/// When the other device stored its configs.
const STORED: u64 = 30 * MINUTE;
/// The last sent time that belongs to what was deleted: two minutes before.
const LAST_DELETED: u64 = 28 * MINUTE;

/// A device, and the configs of another one after that one did something.
fn other_device(work: impl FnOnce(&mut Device)) -> (Device, Vec<Fetched>) {
    let mut other = Device::numbered(7);
    work(&mut other);
    let pushes = other.pushes(at(STORED));
    (Device::new(), pushes)
}

#[test]
fn a_deleted_conversation_stays_away_and_a_new_message_brings_it_back() {
    let bob_id = bob().account_id();
    let (mut device, configs) = other_device(|other| {
        other.hears(&bob(), 5, &text("old"));
        other.write(|tx| tx.accept(&bob_id)).unwrap();
        other.write(|tx| tx.delete_conversation(&bob_id)).unwrap();
    });
    device.takes(configs);
    assert_eq!(device.settings(&bob()).unwrap().priority, -1);
    for (sent_ms, content) in [
        (5, text("old")),
        (LAST_DELETED, text("just before")),
        (LAST_DELETED - 1, Content::timer_update(after_read(60))),
        (LAST_DELETED - 2, DataExtraction::Screenshot.into()),
    ] {
        device.hears(&bob(), sent_ms, &content);
        device.hears_copy(&bob_id, sent_ms - 3, &text("a copy"));
    }
    assert!(device.rows(&bob()).is_empty());
    assert_eq!(device.settings(&bob()).unwrap().priority, -1);
    device.hears(&bob(), LAST_DELETED + 1, &text("new"));
    assert_eq!(device.texts(&bob()), ["new"]);
    assert_eq!(device.settings(&bob()).unwrap().priority, 0);
}

#[test]
fn old_messages_come_with_the_configs_of_a_restored_account_in_one_poll() {
    let bob_id = bob().account_id();
    let (mut device, configs) = other_device(|other| {
        other.hears(&bob(), 5, &text("old"));
        other.write(|tx| tx.delete_conversation(&bob_id)).unwrap();
        other.hears(&mallory(), 6, &text("kept"));
    });
    // Messages before the configs, as one answer brings them.
    let mut all = vec![
        device.sealed(&bob(), 5, &text("old")),
        device.sealed(&mallory(), 6, &text("kept")),
        device.sealed(&bob(), LAST_DELETED + 1, &text("new")),
        // Of somebody the configs do not know: deleted, or declined.
        device.sealed(&person(4), 7, &text("gone")),
        device.sealed(&person(4), LAST_DELETED + 5, &text("asks again")),
    ];
    all.extend(configs);
    assert_eq!(device.takes(all).0, 3);
    assert_eq!(device.texts(&bob()), ["new"]);
    assert_eq!(device.texts(&mallory()), ["kept"]);
    assert_eq!(device.texts(&person(4)), ["asks again"]);
}

#[test]
fn without_configs_everything_is_taken() {
    let mut device = Device::new();
    device.hears(&bob(), 1, &text("hello"));
    device.hears_copy(&device.id(), 2, &text("a note"));
    assert_eq!(device.texts(&bob()), ["hello"]);
    assert_eq!(device.texts(&person(1)), ["a note"]);
}

#[test]
fn hidden_notes_stay_away() {
    let own = person(1);
    let own_id = own.account_id();
    let (mut device, configs) = other_device(|other| {
        other.hears_copy(&own_id, 5, &text("old"));
        other.write(|tx| tx.delete_conversation(&own_id)).unwrap();
    });
    device.takes(configs);
    device.hears_copy(&own_id, 5, &text("old"));
    device.hears_copy(&own_id, LAST_DELETED, &text("just before"));
    assert!(device.rows(&own).is_empty());
    device.hears_copy(&own_id, LAST_DELETED + 1, &text("new"));
    assert_eq!(device.texts(&own), ["new"]);
    assert_eq!(device.settings(&own).unwrap().priority, 0);
}

#[test]
fn an_old_answer_does_not_bring_a_deleted_contact_back() {
    let bob_id = bob().account_id();
    let (mut device, configs) = other_device(|other| {
        other.hears(&bob(), 5, &text("old"));
        other.write(|tx| tx.accept(&bob_id)).unwrap();
        other.write(|tx| tx.delete_contact(&bob_id)).unwrap();
        // Somebody has to be left, or there is nothing to be stored.
        other.hears(&mallory(), 6, &text("kept"));
    });
    device.takes(configs);
    let answer = Content::from(RequestResponse);
    let changes = device.hears(&bob(), LAST_DELETED, &answer);
    assert!(device.model.configs().contacts.get(&bob_id).is_none());
    assert!(device.settings(&bob()).is_none());
    assert!(!changes.configs);
    // One that comes after it was deleted is of somebody who accepts anew.
    device.hears(&bob(), LAST_DELETED + 1, &answer);
    let contact = device.model.configs().contacts.get(&bob_id).unwrap();
    assert!(contact.approved_me && !contact.approved);
}

#[test]
fn what_is_deleted_on_another_device_goes_here() {
    let bob_id = bob().account_id();
    let mut device = Device::new();
    device.hears(&bob(), 5, &text("here"));
    device.hears(&mallory(), 6, &text("here too"));
    let first = device.pushes(at(10 * MINUTE));
    let mut other = Device::numbered(7);
    other.takes(first);
    // The one is hidden, the other forgotten.
    other.write(|tx| tx.delete_conversation(&bob_id)).unwrap();
    let id = mallory().account_id();
    other.write(|tx| tx.delete_contact(&id)).unwrap();
    let second = other.pushes(at(STORED));
    let (_, changes) = device.takes(second);
    assert!(device.rows(&bob()).is_empty() && device.rows(&mallory()).is_empty());
    assert_eq!(device.settings(&bob()).unwrap().priority, -1);
    assert!(device.settings(&mallory()).is_none());
    assert!(changes.conversations.contains(&bob_id));
    assert!(changes.conversations.contains(&id));
    // The messages do not come back by another member of the swarm.
    device.hears(&bob(), 5, &text("here"));
    device.hears(&mallory(), 6, &text("here too"));
    assert!(device.rows(&bob()).is_empty() && device.rows(&mallory()).is_empty());
}

#[test]
fn names_pins_and_blocks_of_another_device_are_taken_over() {
    let bob_id = bob().account_id();
    let (mut device, configs) = other_device(|other| {
        other.hears(&bob(), 5, &text("hello"));
        other.write(|tx| tx.set_name("Me")).unwrap();
        other.write(|tx| tx.set_nickname(&bob_id, "Bobby")).unwrap();
        other.write(|tx| tx.set_pinned(&bob_id, true)).unwrap();
        let id = mallory().account_id();
        other.write(|tx| tx.set_blocked(&id, true)).unwrap();
    });
    let (_, changes) = device.takes(configs);
    assert!(changes.profile);
    let identity = device.model.store().identity().unwrap();
    assert_eq!(identity.display_name, "Me");
    let settings = device.settings(&bob()).unwrap();
    assert_eq!(
        (settings.nickname.as_str(), settings.priority),
        ("Bobby", 1)
    );
    assert!(device.settings(&mallory()).unwrap().blocked);
    assert!(!changes.configs, "nothing new to store");
}

#[test]
fn a_config_nobody_can_read_changes_nothing() {
    let mut device = Device::new();
    device.hears(&bob(), 5, &text("here"));
    let mut element = device.stored(vec![0x55; 400], at(STORED));
    element.namespace = Namespace::CONTACTS;
    let (new, changes) = device.takes(vec![element.clone()]);
    assert_eq!(new, 0);
    assert!(changes.conversations.is_empty());
    let seen = device
        .model
        .store()
        .has_seen(Namespace::CONTACTS, &element.message.hash);
    assert!(seen.unwrap());
    assert!(device.settings(&bob()).unwrap().approved_me);
    let told_at = device.model.store().config(Namespace::CONTACTS).unwrap();
    assert_eq!(told_at.unwrap().stored_at, Timestamp::default());
}

#[test]
fn another_process_changes_the_configs() {
    let mut device = Device::new();
    let id = device.id();
    let folder = device._folder.path().to_owned();
    let store = Profile::with_keyring(&folder, Box::new(Unavailable)).open(id, None);
    let mut second = Model::open(store.unwrap()).unwrap();
    for round in 0..20u8 {
        let (one, other) = (person(10 + 2 * round), person(11 + 2 * round));
        let (one, other) = (one.account_id(), other.account_id());
        device.write(|tx| tx.set_nickname(&one, "here")).unwrap();
        let there = second.write(at(0), |tx| tx.set_nickname(&other, "there"));
        there.unwrap();
        // What one of them pushed, the other one has pushed as well.
        device.write(|tx| tx.config_pushes()).unwrap();
    }
    assert_eq!(
        second
            .write(at(0), |tx| Ok(tx.configs.contacts.len()))
            .unwrap()
            .0,
        40
    );
    assert_eq!(
        device.write(|tx| Ok(tx.configs.contacts.len())).unwrap(),
        40
    );
    // Also for those who only read.
    second.write(at(0), |tx| tx.set_name("New")).unwrap();
    device.model.follow().unwrap();
    assert_eq!(device.model.configs().profile.name(), "New");
}

#[test]
fn a_failed_transaction_leaves_the_configs_as_they_were() {
    let mut device = Device::friend_of_bob();
    let id = bob().account_id();
    let failed: Result<(), _> = device.write(|tx| {
        tx.set_nickname(&id, "gone")?;
        tx.set_name("gone")?;
        Err(CoreError::Gone)
    });
    assert!(matches!(failed, Err(CoreError::Gone)));
    assert_eq!(device.settings(&bob()).unwrap().nickname, "");
    assert_eq!(device.model.configs().profile.name(), "");
    let contact = device.model.configs().contacts.get(&id).unwrap();
    assert!(contact.nickname.is_empty() && contact.approved);
    device.write(|tx| tx.set_nickname(&id, "kept")).unwrap();
    assert_eq!(device.settings(&bob()).unwrap().nickname, "kept");
}
