//! Deleting, here and by others.

use session_messages::{ContentKind, DataExtraction, UnsendRequest, seal_direct};
use session_store::{MessageId, MessageKind, MessageState};

use super::*;
use crate::DeleteFor;
use crate::model::{Begun, listed, undoable};

fn unsend(author: &AccountKeys, sent_ms: u64) -> UnsendRequest {
    UnsendRequest {
        sent_at: at(sent_ms),
        author: author.account_id(),
    }
}

/// Sends everything that waits. Returns the unsend requests in it, each with who got it.
fn requests(device: &mut Device) -> Vec<(UnsendRequest, AccountId)> {
    let mut all = Vec::new();
    while let Some(job) = device.jobs().pop() {
        if job.message.is_none() {
            let content = Content::decode(&job.content, job.sent_at).unwrap();
            if let ContentKind::Unsend(request) = content.kind() {
                all.push((*request, job.recipient));
            }
        }
        device.succeeds(job.id);
    }
    all
}

fn sent(device: &mut Device, to: &AccountKeys, body: &str) -> MessageId {
    let id = to.account_id();
    let row = device.write(|tx| tx.send_text(&id, body, None, false));
    device.nothing_left_to_send();
    row.unwrap().id
}

#[test]
fn a_writer_takes_a_message_back() {
    let mut device = Device::friend_of_bob();
    let id = bob().account_id();
    device.hears(&bob(), 5, &text("a slip"));
    let row = device.only(&bob());
    let changes = device.hears(&bob(), 9, &unsend(&bob(), 5).into());
    assert_eq!(changes.removed, [row.id]);
    assert!(changes.conversations.contains(&id) && changes.tasks);
    let left = device.only(&bob());
    assert_eq!((left.kind, left.body.as_str()), (MessageKind::Deleted, ""));
    assert!(!left.unread);
    assert_eq!(device.tasks(), [(SwarmTaskKind::Delete, row.hash.unwrap())]);
    // Another member of the swarm still has it.
    device.hears(&bob(), 5, &text("a slip"));
    assert_eq!(device.texts(&bob()), [""]);
    assert!(
        device
            .model
            .store()
            .search("slip", None, 9)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn nobody_takes_back_what_another_wrote() {
    let mut device = Device::friend_of_bob();
    device.hears(&mallory(), 2, &text("I am here as well"));
    device.hears(&bob(), 5, &text("stays"));
    let mine = sent(&mut device, &bob(), "stays too");
    let mine = device.model.store().message(mine).unwrap().unwrap();
    // Naming the author: refused before anything is looked for.
    for claimed in [
        unsend(&bob(), 5),
        UnsendRequest {
            sent_at: mine.sent_at,
            author: device.id(),
        },
    ] {
        for liar in [mallory(), bob()] {
            if claimed.author == liar.account_id() {
                continue;
            }
            let bytes = Content::from(claimed).encode(at(20));
            let own = device.id();
            let sealed = seal_direct(&bytes, &liar, &own, at(20), None, &mut device.rng);
            let element = device.stored(sealed.unwrap(), at(20));
            let (_, changes) = device.takes(vec![element]);
            assert!(changes.removed.is_empty());
        }
    }
    // Naming themselves: there is no such message, now and later.
    device.hears(&mallory(), 21, &unsend(&mallory(), 5).into());
    device.hears(&mallory(), 22, &unsend(&mallory(), 30).into());
    device.hears(&bob(), 30, &text("later"));
    let bodies = device.texts(&bob());
    assert_eq!(bodies.len(), 3);
    assert!(bodies.iter().all(|body| !body.is_empty()), "{bodies:?}");
    assert!(device.tasks().is_empty());
}

#[test]
fn a_request_that_comes_before_its_message() {
    let mut device = Device::friend_of_bob();
    device.hears(&bob(), 9, &unsend(&bob(), 5).into());
    assert!(device.rows(&bob()).is_empty());
    device.hears(&bob(), 5, &text("a slip"));
    let left = device.only(&bob());
    assert_eq!((left.kind, left.body.as_str()), (MessageKind::Deleted, ""));
}

#[test]
fn notices_and_notes_leave_nothing() {
    let mut device = Device::friend_of_bob();
    device.hears(&bob(), 5, &DataExtraction::Screenshot.into());
    device.hears(&bob(), 9, &unsend(&bob(), 5).into());
    assert!(device.rows(&bob()).is_empty());
    let own = person(1);
    device.hears_copy(&own.account_id(), 6, &text("a note"));
    device.hears(&own, 9, &unsend(&own, 6).into());
    assert!(device.rows(&own).is_empty());
}

#[test]
fn another_own_device_takes_back_what_this_one_has_still_to_send() {
    let mut device = Device::friend_of_bob();
    device.nothing_left_to_send();
    let id = bob().account_id();
    let row = device
        .write(|tx| tx.send_text(&id, "a slip", None, false))
        .unwrap();
    let own = person(1);
    let request = UnsendRequest {
        sent_at: row.sent_at,
        author: own.account_id(),
    };
    device.hears(&own, 99, &request.into());
    assert_eq!(device.model.store().job_count().unwrap(), 0);
    assert_eq!(device.only(&bob()).kind, MessageKind::Deleted);
}

#[test]
fn who_may_delete_what_for_whom() {
    let mut device = Device::friend_of_bob();
    device.hears(&bob(), 5, &text("theirs"));
    let theirs = device.only(&bob()).id;
    let mine = sent(&mut device, &bob(), "mine");
    let note = sent(&mut device, &person(1), "a note");
    device.hears(&bob(), 6, &DataExtraction::Screenshot.into());
    let notice = device.rows(&bob())[1].id;
    let refused = |device: &mut Device, message, whom| {
        let before = device.rows(&bob()).len();
        let error = device.write(|tx| tx.delete(message, whom)).unwrap_err();
        assert_eq!(device.rows(&bob()).len(), before);
        assert!(device.jobs().is_empty() && device.tasks().is_empty());
        error
    };
    use CoreError::{NotYours, OnlyForOwnDevices, OnlyInNotes};
    use DeleteFor::{Everyone, MyDevices, ThisDevice};
    assert!(matches!(refused(&mut device, theirs, Everyone), NotYours));
    assert!(matches!(refused(&mut device, notice, Everyone), NotYours));
    assert!(matches!(
        refused(&mut device, theirs, MyDevices),
        OnlyInNotes
    ));
    assert!(matches!(refused(&mut device, mine, MyDevices), OnlyInNotes));
    assert!(matches!(
        refused(&mut device, note, Everyone),
        OnlyForOwnDevices
    ));
    let unknown = MessageId::new(9999);
    let error = refused(&mut device, unknown, ThisDevice);
    assert_eq!(error.kind(), session_types::ErrorKind::BadInput);

    // Here: nobody hears of it, and it does not come back.
    device.write(|tx| tx.delete(theirs, ThisDevice)).unwrap();
    device.hears(&bob(), 5, &text("theirs"));
    assert!(!device.texts(&bob()).contains(&"theirs".to_owned()));
    assert!(device.jobs().is_empty() && device.tasks().is_empty());

    // Everywhere: both sides are asked, the own swarm deletes the copy.
    let row = device.model.store().message(mine).unwrap().unwrap();
    device.write(|tx| tx.delete(mine, Everyone)).unwrap();
    let request = UnsendRequest {
        sent_at: row.sent_at,
        author: device.id(),
    };
    let asked = requests(&mut device);
    let expected = [(request, bob().account_id()), (request, device.id())];
    assert_eq!(asked, expected);
    let delete = (SwarmTaskKind::Delete, row.hash.unwrap());
    assert_eq!(device.tasks(), [delete]);
    let left = device.model.store().message(mine).unwrap().unwrap();
    assert_eq!(left.kind, MessageKind::Deleted);

    // A note: the own devices only.
    device.write(|tx| tx.delete(note, MyDevices)).unwrap();
    let asked: Vec<_> = requests(&mut device)
        .into_iter()
        .map(|(_, to)| to)
        .collect();
    assert_eq!(asked, [device.id()]);
    assert!(device.rows(&person(1)).is_empty());
}

#[test]
fn what_nobody_has_yet_is_deleted_without_a_word() {
    let mut device = Device::friend_of_bob();
    device.nothing_left_to_send();
    let id = bob().account_id();
    let row = device
        .write(|tx| tx.send_text(&id, "not yet", None, false))
        .unwrap();
    device
        .write(|tx| tx.delete(row.id, DeleteFor::Everyone))
        .unwrap();
    assert_eq!(device.model.store().job_count().unwrap(), 0);
    assert!(device.rows(&bob()).is_empty() && device.tasks().is_empty());

    // One that was tried may be there, whatever the answer was.
    let row = device
        .write(|tx| tx.send_text(&id, "perhaps", None, false))
        .unwrap();
    let job = device.jobs().remove(0);
    let store = device.model.store_mut();
    assert!(store.begin_try(job.id, b"sealed").unwrap());
    store.job_failed(job.id, "no answer").unwrap();
    let failed = device.only(&bob());
    assert!(matches!(failed.state, MessageState::Failed { .. }));
    device
        .write(|tx| tx.delete(row.id, DeleteFor::Everyone))
        .unwrap();
    assert!(!requests(&mut device).is_empty());
}

#[test]
fn conversations_and_contacts_go() {
    let mut device = Device::friend_of_bob();
    let (own, id) = (device.id(), bob().account_id());
    device.hears(&bob(), 5, &text("one"));
    let begun = Begun {
        text: "to be".to_owned(),
        ..Begun::default()
    };
    device.write(|tx| tx.set_draft(&id, begun)).unwrap();
    // Cleared: the conversation stays.
    device.write(|tx| tx.clear(&id)).unwrap();
    assert!(device.rows(&bob()).is_empty());
    assert_eq!(device.settings(&bob()).unwrap().priority, 0);
    // Deleted: it is hidden, the contact stays.
    device.hears(&bob(), 6, &text("two"));
    device.write(|tx| tx.delete_conversation(&id)).unwrap();
    assert!(device.rows(&bob()).is_empty());
    let settings = device.settings(&bob()).unwrap();
    assert!(settings.approved && settings.priority == -1);
    let row = device.model.store().conversation(&id).unwrap().unwrap();
    assert_eq!(row.draft, "");
    // Forgotten.
    device.write(|tx| tx.delete_contact(&id)).unwrap();
    assert!(device.settings(&bob()).is_none());
    assert!(device.model.configs().contacts.get(&id).is_none());
    let refused = device.write(|tx| tx.delete_contact(&own));
    assert!(matches!(refused, Err(CoreError::OwnAccount)));
    // A new message makes them a stranger who asks.
    device.hears(&bob(), 59 * MINUTE, &text("me again"));
    let settings = device.settings(&bob()).unwrap();
    assert!(!settings.approved && settings.approved_me);
}

/// What a deletion that can be undone leaves, as a list and a search show it.
fn is_shown(device: &Device, message: MessageId) -> bool {
    let store = device.model.store();
    let undoable = undoable(store).unwrap();
    let row = store.conversation(&bob().account_id()).unwrap().unwrap();
    let row = listed(store, &undoable, row).unwrap();
    let is_last = row.last_message.is_some_and(|last| last.id == message);
    assert_eq!(is_last, !undoable.contains_key(&message));
    is_last
}

#[test]
fn a_deletion_here_can_be_undone_for_a_while() {
    let mut device = Device::friend_of_bob();
    device.hears(&bob(), 5, &text("before"));
    device.hears(&bob(), 6, &text("a joke"));
    let joke = device.rows(&bob()).pop().unwrap().id;
    let (now, period) = (device.now, Duration::from_secs(10));
    assert!(is_shown(&device, joke));
    assert!(device.write(|tx| tx.delete_undoably(joke, period)).unwrap());
    assert!(!is_shown(&device, joke));
    // Not before its time.
    let due = device.write(|tx| tx.remove_undoable(now)).unwrap();
    assert_eq!(due, Some(now.plus(period)));
    assert!(device.write(|tx| tx.undelete(joke)).unwrap());
    assert!(is_shown(&device, joke));
    assert_eq!(device.write(|tx| tx.remove_undoable(tx.now)).unwrap(), None);
    assert!(!device.write(|tx| tx.undelete(joke)).unwrap());

    // When its time is over it is gone for good, and a copy of it is not taken in again.
    device.write(|tx| tx.delete_undoably(joke, period)).unwrap();
    let over = now.plus(period);
    assert_eq!(device.write(|tx| tx.remove_undoable(over)).unwrap(), None);
    assert!(!device.write(|tx| tx.undelete(joke)).unwrap());
    device.hears(&bob(), 6, &text("a joke"));
    assert_eq!(device.texts(&bob()), ["before"]);
}

#[test]
fn what_is_gone_otherwise_is_no_hindrance() {
    let mut device = Device::friend_of_bob();
    let id = bob().account_id();
    device.hears(&bob(), 5, &text("one"));
    device.hears(&bob(), 6, &text("two"));
    let period = Duration::from_secs(10);
    for row in device.rows(&bob()) {
        device
            .write(|tx| tx.delete_undoably(row.id, period))
            .unwrap();
    }
    let one = device.rows(&bob())[0].id;
    device
        .write(|tx| tx.delete(one, DeleteFor::ThisDevice))
        .unwrap();
    assert!(!device.write(|tx| tx.undelete(one)).unwrap());
    device.write(|tx| tx.clear(&id)).unwrap();
    let over = device.now.plus(period);
    assert_eq!(device.write(|tx| tx.remove_undoable(over)).unwrap(), None);
    assert!(device.texts(&bob()).is_empty());
}

#[test]
fn what_is_still_to_be_sent_is_not_sent_while_it_could_be_brought_back() {
    let mut device = Device::friend_of_bob();
    let id = bob().account_id();
    let row = device.write(|tx| tx.send_text(&id, "wait", None, false));
    let row = row.unwrap();
    let undo = device.write(|tx| tx.delete_undoably(row.id, Duration::from_secs(10)));
    assert!(!undo.unwrap());
    assert!(device.texts(&bob()).is_empty());
    assert!(device.jobs().iter().all(|job| job.message.is_none()));
}
