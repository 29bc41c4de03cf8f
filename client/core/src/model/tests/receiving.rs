//! Every way a message can come in.

use session_messages::{
    Body, CallId, CallMessage, CommunityInvitation, DataExtraction, Emoji, LinkPreview, Name,
    Quote, Reaction, ReactionAction, ReadReceipt, RequestResponse, Typing, UnsendRequest,
    VisibleMessage, seal_direct,
};
use session_store::{Invitation, MessageKind, MessageState, Preview, QuoteRef};

use super::*;

fn reaction(to: &AccountKeys, sent_ms: u64, emoji: &str, action: ReactionAction) -> Content {
    let emoji = Emoji::new(emoji).unwrap();
    Reaction::new(at(sent_ms), to.account_id(), emoji, action)
        .unwrap()
        .into()
}

fn named(name: &str, updated_at_secs: Option<u64>) -> session_messages::Profile {
    session_messages::Profile {
        updated_at_secs,
        ..session_messages::Profile::named(Name::new(name).unwrap())
    }
}

#[test]
fn a_stranger_becomes_a_request() {
    let mut device = Device::new();
    let changes = device.hears(&bob(), 5, &text("hello").with_profile(named("Bob", None)));
    assert_eq!(changes.received.len(), 1);
    assert!(changes.conversations.contains(&bob().account_id()));
    assert!(changes.configs, "other devices are to know");
    let row = device.only(&bob());
    assert_eq!((row.body.as_str(), row.sent_at), ("hello", at(5)));
    assert_eq!(row.state, MessageState::Received);
    assert!(row.unread && !row.outgoing);
    let settings = device.settings(&bob()).unwrap();
    assert!(settings.approved_me && !settings.approved);
    assert_eq!(settings.name, "Bob");
}

#[test]
fn a_blocked_person_is_not_heard() {
    let mut device = Device::friend_of_bob();
    let id = bob().account_id();
    device.hears(&bob(), 2, &text("before"));
    device.write(|tx| tx.set_blocked(&id, true)).unwrap();
    let before = device.settings(&bob());
    let contents = [
        text("while").with_profile(named("Bobby", Some(99))),
        reaction(&bob(), 2, "👍", ReactionAction::React),
        Typing::Started.into(),
        Content::from(RequestResponse).with_profile(named("Bobby", Some(99))),
        Content::timer_update(after_read(60)),
        DataExtraction::Screenshot.into(),
    ];
    for (sent_ms, content) in (10..).zip(&contents) {
        let element = device.sealed(&bob(), sent_ms, content);
        let hash = element.message.hash.clone();
        let (new, changes) = device.takes(vec![element]);
        let kind = content.kind().name();
        assert_eq!(new, 0, "{kind}");
        assert!(changes.received.is_empty() && changes.typing.is_empty());
        assert!(changes.conversations.is_empty(), "{kind}");
        let seen = device.model.store().has_seen(Namespace::DEFAULT, &hash);
        assert!(seen.unwrap(), "{kind}: it must not be fetched again");
    }
    assert_eq!(device.texts(&bob()), ["before"]);
    let row = device.only(&bob()).id;
    assert!(device.model.store().reactions(&[row]).unwrap().is_empty());
    assert_eq!(device.settings(&bob()), before);

    // What was said meanwhile is gone; what is said from now on is heard.
    device.write(|tx| tx.set_blocked(&id, false)).unwrap();
    device.hears(&bob(), 20, &text("after"));
    assert_eq!(device.texts(&bob()), ["before", "after"]);
}

#[test]
fn copies_of_what_another_device_wrote() {
    let mut device = Device::new();
    let id = bob().account_id();
    device.hears(&bob(), 5, &text("a request"));
    assert!(device.only(&bob()).unread);
    let changes = device.hears_copy(&id, 6, &text("an answer"));
    assert_eq!(changes.received.len(), 1);
    assert!(changes.received[0].outgoing);
    // Whoever is answered is accepted, and what was written before is read.
    let settings = device.settings(&bob()).unwrap();
    assert!(settings.approved && settings.approved_me);
    assert_eq!(settings.last_read, at(6));
    let rows = device.rows(&bob());
    assert!(rows.iter().all(|row| !row.unread));
    assert_eq!(rows[1].state, MessageState::Sent);
    assert!(device.jobs().is_empty(), "the other device sends it");

    // A note to self.
    let own = person(1);
    let own_id = own.account_id();
    device.hears_copy(&own_id, 7, &text("a note"));
    let note = device.only(&own);
    assert!(note.outgoing && !note.unread);
    assert_eq!(note.conversation, own_id);

    // A hidden conversation comes back.
    device.write(|tx| tx.delete_conversation(&id)).unwrap();
    assert_eq!(device.settings(&bob()).unwrap().priority, -1);
    device.hears_copy(&id, 9, &text("again"));
    assert_eq!(device.settings(&bob()).unwrap().priority, 0);
    assert_eq!(device.texts(&bob()), ["again"]);
    // A timer does not bring it back.
    device.write(|tx| tx.delete_conversation(&id)).unwrap();
    device.hears_copy(&id, 10, &Content::timer_update(after_read(60)));
    assert_eq!(device.settings(&bob()).unwrap().priority, -1);
}

#[test]
fn the_copy_of_what_this_device_sends_proves_that_it_arrived() {
    let mut device = Device::friend_of_bob();
    let id = bob().account_id();
    let sent = device
        .write(|tx| tx.send_text(&id, "mine", None, false))
        .unwrap();
    assert_eq!(device.model.store().job_count().unwrap(), 2);
    let sent_ms = sent.sent_at.as_ms() - START;
    let changes = device.hears_copy(&id, sent_ms, &text("mine"));
    assert!(changes.received.is_empty(), "it is not new");
    assert!(changes.conversations.contains(&id));
    assert_eq!(device.model.store().job_count().unwrap(), 0);
    let row = device.only(&bob());
    assert_eq!(row.state, MessageState::Sent);
    assert!(row.hash.is_some());
}

#[test]
fn only_the_two_of_a_conversation_react() {
    let mut device = Device::friend_of_bob();
    let id = bob().account_id();
    device.hears(&mallory(), 2, &text("I am here as well"));
    device.hears(&bob(), 5, &text("a cake"));
    let emojis = |device: &Device, with: &AccountKeys| -> Vec<String> {
        let ids: Vec<_> = device.rows(with).iter().map(|row| row.id).collect();
        let all = device.model.store().reactions(&ids).unwrap();
        all.into_iter().map(|reaction| reaction.emoji).collect()
    };
    let changes = device.hears(
        &mallory(),
        6,
        &reaction(&bob(), 5, "👎", ReactionAction::React),
    );
    assert!(changes.conversations.is_empty());
    assert!(emojis(&device, &bob()).is_empty());
    let changes = device.hears(&bob(), 7, &reaction(&bob(), 5, "👍", ReactionAction::React));
    assert!(changes.conversations.contains(&id));
    device.hears_copy(&id, 8, &reaction(&bob(), 5, "🍰", ReactionAction::React));
    assert_eq!(emojis(&device, &bob()), ["👍", "🍰"]);
    // The newest word counts, whatever comes last.
    let remove = reaction(&bob(), 5, "👍", ReactionAction::Remove);
    device.hears(&bob(), 10, &remove);
    assert_eq!(emojis(&device, &bob()), ["🍰"]);
    device.hears(&bob(), 9, &reaction(&bob(), 5, "👍", ReactionAction::React));
    assert_eq!(emojis(&device, &bob()), ["🍰"]);

    // Those that come before their message: a stranger's has no effect then either.
    device.hears(
        &mallory(),
        31,
        &reaction(&bob(), 30, "👎", ReactionAction::React),
    );
    device.hears(
        &bob(),
        32,
        &reaction(&bob(), 30, "🎉", ReactionAction::React),
    );
    device.hears(&bob(), 30, &text("late"));
    assert_eq!(emojis(&device, &bob()), ["🍰", "🎉"]);
    // A reaction is no introduction and no message.
    device.hears(
        &person(4),
        40,
        &reaction(&bob(), 5, "👎", ReactionAction::React),
    );
    assert!(device.settings(&person(4)).is_none());
    assert!(device.rows(&mallory()).len() == 1);
}

#[test]
fn receipts_are_for_messages_of_their_own_conversation() {
    let mut device = Device::friend_of_bob();
    let id = bob().account_id();
    device.hears(&mallory(), 2, &text("hello"));
    let sent = device
        .write(|tx| tx.send_text(&id, "have you read this?", None, false))
        .unwrap();
    let receipt =
        |times: &[Timestamp]| -> Content { ReadReceipt::new(times.into()).unwrap().into() };
    let changes = device.hears(&mallory(), 50, &receipt(&[sent.sent_at]));
    assert!(changes.conversations.is_empty());
    assert_eq!(device.only(&bob()).read_at, None);
    let unknown = at(77);
    let changes = device.hears(&bob(), 60, &receipt(&[unknown, sent.sent_at]));
    assert!(changes.conversations.contains(&id));
    assert_eq!(device.only(&bob()).read_at, Some(at(60)));
    // The first one counts.
    device.hears(&bob(), 90, &receipt(&[sent.sent_at]));
    assert_eq!(device.only(&bob()).read_at, Some(at(60)));

    // Before the copy of what another device wrote: kept for it, a stranger's without effect.
    device.hears(&mallory(), 95, &receipt(&[at(200)]));
    device.hears(&bob(), 96, &receipt(&[at(201)]));
    device.hears_copy(&id, 200, &text("one"));
    device.hears_copy(&id, 201, &text("two"));
    let rows = device.rows(&bob());
    let read_at = |body: &str| rows.iter().find(|row| row.body == body).unwrap().read_at;
    assert_eq!(read_at("one"), None);
    assert_eq!(read_at("two"), Some(at(96)));
    // Of a received message there is no such thing.
    device.hears(&bob(), 300, &text("mine"));
    device.hears(&bob(), 301, &receipt(&[at(300)]));
    assert!(
        device
            .rows(&bob())
            .iter()
            .any(|row| row.body == "mine" && row.read_at.is_none())
    );
}

/// Two devices of an account may write in one millisecond: in whatever order a device hears of
/// it, it shows what all others show.
#[test]
fn messages_of_one_millisecond_are_all_kept() {
    let mut device = Device::new();
    device.hears(&bob(), 5, &text("one"));
    device.hears(&bob(), 5, &text("two"));
    device.hears(&bob(), 6, &text("three"));
    let times: Vec<_> = device.rows(&bob()).iter().map(|row| row.sent_at).collect();
    assert_eq!(times, [at(5), at(5), at(6)]);
    assert_eq!(device.texts(&bob()), ["one", "two", "three"]);
    // The same bytes under another name, as a sender that repeats itself stores them.
    for (sent_ms, again) in [(5, "one"), (5, "two"), (6, "three")] {
        let changes = device.hears(&bob(), sent_ms, &text(again));
        assert!(changes.received.is_empty());
    }
    assert_eq!(device.rows(&bob()).len(), 3);
    // Others have times of their own.
    device.hears(&mallory(), 5, &text("me too"));
    assert_eq!(device.only(&mallory()).sent_at, at(5));
    // A note and a text to two people in one millisecond, from another own device.
    let own = device.id();
    device.hears_copy(&own, 500, &text("a note"));
    device.hears_copy(&bob().account_id(), 500, &text("to both"));
    device.hears_copy(&mallory().account_id(), 500, &text("to both"));
    for with in [bob(), mallory()] {
        let last = device.rows(&with).pop().unwrap();
        assert_eq!((last.body.as_str(), last.sent_at), ("to both", at(500)));
    }
    let notes = device.model.store().history(&own, 10, None).unwrap();
    assert_eq!(notes[0].sent_at, at(500));
}

#[test]
fn what_is_done_to_one_of_two_messages_of_a_millisecond_is_the_same_everywhere() {
    for order in [["a", "b"], ["b", "a"]] {
        let mut device = Device::new();
        for body in order {
            device.hears(&bob(), 5, &text(body));
        }
        let smile = reaction(&bob(), 5, "🙂", ReactionAction::React);
        device.hears(&bob(), 8, &smile);
        let reacted = |device: &Device| {
            let rows = device.rows(&bob()).into_iter();
            let all = rows.map(|row| {
                let there = device.model.store().reactions(&[row.id]).unwrap();
                (row.body, there.len())
            });
            let mut all: Vec<_> = all.collect();
            all.sort();
            all
        };
        let one_and_none = [("a".to_owned(), 1), ("b".to_owned(), 0)];
        assert_eq!(reacted(&device), one_and_none, "{order:?}");
        // A deletion that comes twice deletes one of them.
        let deletion = Content::from(UnsendRequest {
            sent_at: at(5),
            author: bob().account_id(),
        });
        device.hears(&bob(), 9, &deletion);
        device.hears(&bob(), 10, &deletion);
        assert_eq!(
            reacted(&device),
            [(String::new(), 0), ("b".to_owned(), 0)],
            "{order:?}"
        );
        assert!(device.hears(&bob(), 5, &text("b")).received.is_empty());

        // Of a note and a message to Bob he can only mean the one he has.
        let own = device.id();
        device.hears_copy(&own, 20, &text("a note"));
        device.hears_copy(&bob().account_id(), 20, &text("to Bob"));
        device.hears(
            &bob(),
            21,
            &reaction(&person(1), 20, "🙂", ReactionAction::React),
        );
        assert_eq!(reacted(&device).pop().unwrap(), ("to Bob".to_owned(), 1));
    }
}

#[test]
fn the_newer_profile_counts() {
    let mut device = Device::new();
    let name = |device: &Device| device.settings(&bob()).unwrap().name;
    device.hears(&bob(), 5, &text("1").with_profile(named("of old", None)));
    assert_eq!(name(&device), "of old");
    device.hears(
        &bob(),
        6,
        &text("2").with_profile(named("also old", Some(0))),
    );
    assert_eq!(name(&device), "also old");
    device.hears(&bob(), 7, &text("3").with_profile(named("ten", Some(10))));
    assert_eq!(name(&device), "ten");
    for (sent_ms, older) in [(8, Some(9)), (9, None), (10, Some(10))] {
        device.hears(
            &bob(),
            sent_ms,
            &text("x").with_profile(named("older", older)),
        );
        assert_eq!(name(&device), "ten", "{older:?}");
    }
    let mut newer = named("eleven", Some(11));
    newer.picture = Some(
        session_messages::ProfilePicture::new("http://files.example/file/1", [7; 32]).unwrap(),
    );
    device.hears(&bob(), 11, &text("y").with_profile(newer));
    assert_eq!(name(&device), "eleven");
    assert!(device.settings(&bob()).unwrap().picture.is_some());
    // A newer one without a picture takes it away.
    device.hears(
        &bob(),
        12,
        &text("z").with_profile(named("twelve", Some(12))),
    );
    assert!(device.settings(&bob()).unwrap().picture.is_none());

    // Of a stranger it counts with something that is shown only.
    let hidden = Content::from(RequestResponse).with_profile(named("Mallory", Some(5)));
    device.hears(&mallory(), 5, &hidden);
    let settings = device.settings(&mallory());
    assert!(settings.is_none_or(|settings| settings.name.is_empty()));
    // The own one is no matter of messages.
    let own = person(1);
    let copy = text("note").sync_copy(&own.account_id()).unwrap();
    device.hears(&own, 6, &copy.with_profile(named("somebody", Some(99))));
    assert_eq!(device.model.configs().profile.name(), "");
}

#[test]
fn what_a_text_carries_is_kept() {
    let mut device = Device::friend_of_bob();
    let own = device.id();
    let quote = Quote::new(at(3), own).unwrap();
    let url = "https://example.org/cake";
    let preview = LinkPreview::new(url, Some("A cake".into()), None).unwrap();
    let body = format!("look, @{}: {url}", own.to_hex());
    let message = VisibleMessage::text(Body::new(body).unwrap())
        .with_quote(quote)
        .with_preview(preview)
        .unwrap();
    device.hears(
        &bob(),
        5,
        &Content::from(message).with_expiration(after_read(60)),
    );
    let row = device.only(&bob());
    let quoted = QuoteRef {
        author: own,
        sent_at: at(3),
    };
    assert_eq!(row.details.quote, Some(quoted));
    let preview = Preview {
        url: url.into(),
        title: Some("A cake".into()),
    };
    assert_eq!(row.details.preview, Some(preview));
    assert!(row.mentions_me);
    assert_eq!((row.expiration, row.disappears_at), (after_read(60), None));

    let address = format!("https://open.example/main?public_key={}", "0a".repeat(32));
    let invitation = CommunityInvitation::new(&*address, "Main").unwrap();
    let content = Content::from(VisibleMessage::invitation(invitation));
    device.hears(&bob(), 6, &content);
    let row = device.rows(&bob()).remove(1);
    assert_eq!(row.kind, MessageKind::Invitation);
    let invitation = Invitation {
        url: address,
        name: "Main".into(),
    };
    assert_eq!(row.details.invitation, Some(invitation));
    // A mention in a copy of the own words mentions nobody.
    let mention = text(&format!("I am @{}", own.to_hex()));
    device.hears_copy(&bob().account_id(), 7, &mention);
    assert!(!device.rows(&bob())[2].mentions_me);
}

#[test]
fn a_message_that_disappears_after_sending_does_when_the_swarm_forgets_it() {
    let mut device = Device::friend_of_bob();
    let timer = Expiration::after_send(3600);
    let changes = device.hears(&bob(), 5, &text("soon gone").with_expiration(timer));
    assert!(changes.disappearing);
    let row = device.only(&bob());
    assert_eq!(row.disappears_at, Some(at(5).plus(DAYS_14)));
}

#[test]
fn notices_are_shown_and_count_as_nothing() {
    let mut device = Device::friend_of_bob();
    device.hears(&bob(), 5, &DataExtraction::Screenshot.into());
    let saved = DataExtraction::MediaSaved {
        sent_at: Some(at(3)),
    };
    device.hears(&bob(), 6, &saved.into());
    let (new, _) = {
        let timer = Content::timer_update(Expiration::after_send(60));
        let element = device.sealed(&bob(), 7, &timer);
        device.takes(vec![element])
    };
    assert_eq!(new, 0, "a notice is no message");
    let rows = device.rows(&bob());
    let kinds: Vec<_> = rows.iter().map(|row| row.kind).collect();
    let expected = [
        MessageKind::Screenshot,
        MessageKind::MediaSaved,
        MessageKind::TimerChange,
    ];
    assert_eq!(kinds, expected);
    assert_eq!(rows[1].details.saved, Some(at(3)));
    assert_eq!(rows[2].expiration, Expiration::after_send(60));
    // The other side's timer is not ours.
    assert_eq!(device.settings(&bob()).unwrap().expiration, Expiration::Off);
}

#[test]
fn what_is_not_shown_makes_no_conversation_with_a_stranger() {
    let contents: [Content; 4] = [
        DataExtraction::Screenshot.into(),
        Typing::Started.into(),
        ReadReceipt::new(vec![at(1)]).unwrap().into(),
        CallMessage::EndCall {
            call: CallId::from_random([1; 16]),
        }
        .into(),
    ];
    for (content, sent_ms) in contents.iter().zip(5..) {
        let mut device = Device::new();
        let changes = device.hears(&bob(), sent_ms, content);
        let kind = content.kind().name();
        assert!(device.settings(&bob()).is_none(), "{kind}");
        assert!(device.rows(&bob()).is_empty(), "{kind}");
        assert!(changes.typing.is_empty() && changes.received.is_empty());
        assert!(!changes.configs, "{kind}");
    }
}

#[test]
fn typing_is_told_of_people_who_are_accepted() {
    let mut device = Device::new();
    let id = bob().account_id();
    device.hears(&bob(), 4, &text("a request"));
    let typing = |device: &mut Device, sent_ms, typing: Typing| {
        device.hears(&bob(), sent_ms, &typing.into()).typing
    };
    assert!(typing(&mut device, 5, Typing::Started).is_empty());
    device.write(|tx| tx.accept(&id)).unwrap();
    assert_eq!(typing(&mut device, 6, Typing::Started), [(id, true)]);
    assert_eq!(typing(&mut device, 7, Typing::Stopped), [(id, false)]);
    assert_eq!(device.rows(&bob()).len(), 1);
}

#[test]
fn an_answer_to_a_request_is_told_once() {
    let mut device = Device::new();
    let id = bob().account_id();
    device
        .write(|tx| tx.send_text(&id, "may I?", None, false))
        .unwrap();
    assert!(!device.settings(&bob()).unwrap().approved_me);
    let changes = device.hears(&bob(), 50, &Content::from(RequestResponse));
    assert_eq!(changes.received.len(), 1);
    assert_eq!(changes.received[0].kind, MessageKind::RequestAccepted);
    assert!(device.settings(&bob()).unwrap().approved_me);
    let again = device.hears(&bob(), 60, &Content::from(RequestResponse));
    assert!(again.received.is_empty());
    let accepted = device.rows(&bob());
    let accepted = accepted
        .iter()
        .filter(|row| row.kind == MessageKind::RequestAccepted);
    assert_eq!(accepted.count(), 1);
    // From another own device it says nothing about anybody.
    let own = person(1);
    device.hears(&own, 70, &Content::from(RequestResponse));
    assert!(device.settings(&own).is_none());
}

#[test]
fn what_cannot_be_read_is_passed_over_once() {
    let mut device = Device::new();
    let other = person(9);
    let foreign = encode_direct(
        &text("for somebody else"),
        &bob(),
        &other.account_id(),
        at(5),
        &mut device.rng,
    );
    let copy = text("claimed").sync_copy(&mallory().account_id()).unwrap();
    let claimed = copy.encode(at(6));
    let claimed = seal_direct(&claimed, &bob(), &device.id(), at(6), None, &mut device.rng);
    let good = device.sealed(&bob(), 7, &text("good"));
    let mut elements = vec![
        device.stored(Vec::new(), at(1)),
        device.stored(vec![0xff; 300], at(2)),
        device.stored(foreign.unwrap(), at(5)),
        device.stored(claimed.unwrap(), at(6)),
    ];
    elements.push(good.clone());
    // The same element twice in one answer.
    elements.push(good);
    let (new, _) = device.takes(elements.clone());
    assert_eq!(new, 1);
    assert_eq!(device.texts(&bob()), ["good"]);
    assert!(device.settings(&mallory()).is_none());
    for element in &elements {
        let hash = &element.message.hash;
        assert!(
            device
                .model
                .store()
                .has_seen(Namespace::DEFAULT, hash)
                .unwrap()
        );
    }
    assert_eq!(device.takes(elements).0, 0);
}
