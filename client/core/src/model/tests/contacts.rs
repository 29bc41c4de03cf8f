//! Limits and refusals.

use session_store::MessageKind;

use super::*;

#[test]
fn five_conversations_are_pinned_at_most() {
    let mut device = Device::new();
    let ids: Vec<_> = (10..16).map(|n| person(n).account_id()).collect();
    for id in &ids[..5] {
        device.write(|tx| tx.set_pinned(id, true)).unwrap();
    }
    let sixth = ids[5];
    let refused = device.write(|tx| tx.set_pinned(&sixth, true));
    assert!(matches!(
        refused,
        Err(CoreError::TooManyPinned { limit: 5 })
    ));
    let own = device.id();
    let refused = device.write(|tx| tx.set_pinned(&own, true));
    assert!(matches!(
        refused,
        Err(CoreError::TooManyPinned { limit: 5 })
    ));
    // One that is pinned may be so again; one that is let go makes room.
    device.write(|tx| tx.set_pinned(&ids[0], true)).unwrap();
    device.write(|tx| tx.set_pinned(&ids[0], false)).unwrap();
    device.write(|tx| tx.set_pinned(&own, true)).unwrap();
    assert_eq!(device.settings(&person(1)).unwrap().priority, 1);
}

#[test]
fn names_have_a_length() {
    let mut device = Device::new();
    let id = bob().account_id();
    let longest = "é".repeat(50);
    device.write(|tx| tx.set_nickname(&id, &longest)).unwrap();
    let longer = "x".repeat(101);
    let refused = device.write(|tx| tx.set_nickname(&id, &longer));
    assert!(matches!(refused, Err(CoreError::Config(_))), "{refused:?}");
    assert_eq!(device.settings(&bob()).unwrap().nickname, longest);
    device.write(|tx| tx.set_nickname(&id, "  ")).unwrap();
    assert_eq!(device.settings(&bob()).unwrap().nickname, "");
    device.write(|tx| tx.set_name(&longest)).unwrap();
    for bad in ["", longer.as_str()] {
        assert!(matches!(
            device.write(|tx| tx.set_name(bad)),
            Err(CoreError::Build(_))
        ));
    }
    assert_eq!(device.model.configs().profile.name(), longest);
    assert_eq!(
        device.model.store().identity().unwrap().display_name,
        longest
    );
}

#[test]
fn texts_have_a_length() {
    let mut device = Device::new();
    let id = bob().account_id();
    let mut send = |text: &str| device.write(|tx| tx.send_text(&id, text, None, false));
    assert!(matches!(send(" \n "), Err(CoreError::EmptyMessage)));
    let too_long = send(&"é".repeat(2001));
    assert!(matches!(
        too_long,
        Err(CoreError::MessageTooLong {
            found: 2001,
            limit: 2000
        })
    ));
    send(&"é".repeat(2000)).unwrap();
    assert_eq!(device.rows(&bob()).len(), 1);
}

#[test]
fn only_the_timers_other_clients_offer() {
    let mut device = Device::friend_of_bob();
    let (own, id) = (device.id(), bob().account_id());
    for seconds in crate::model::contacts::TIMERS {
        let set = device.write(|tx| tx.set_timer(&id, after_read(seconds), false));
        assert!(set.unwrap().is_some(), "{seconds}");
    }
    for seconds in [1, 6, 61, 1_209_601, u32::MAX] {
        let refused = device.write(|tx| tx.set_timer(&id, after_read(seconds), false));
        assert!(matches!(refused, Err(CoreError::BadTimer { .. })));
    }
    let week = Expiration::after_send(604_800);
    assert!(
        device
            .write(|tx| tx.set_timer(&id, week, false))
            .unwrap()
            .is_some()
    );
    assert!(
        device
            .write(|tx| tx.set_timer(&id, week, false))
            .unwrap()
            .is_none()
    );
    let notices = device.rows(&bob()).into_iter();
    let notices = notices.filter(|row| row.kind == MessageKind::TimerChange);
    assert_eq!(notices.count(), 13);
    let refused = device.write(|tx| tx.set_timer(&own, after_read(60), false));
    assert!(matches!(refused, Err(CoreError::NoteTimer)));
    device.write(|tx| tx.set_timer(&own, week, false)).unwrap();
    // What is written from now on disappears by it.
    device
        .write(|tx| tx.send_text(&own, "a note", None, false))
        .unwrap();
    assert_eq!(device.rows(&person(1))[1].expiration, week);
    device
        .write(|tx| tx.set_timer(&id, Expiration::Off, false))
        .unwrap();
    device
        .write(|tx| tx.send_text(&id, "stays", None, false))
        .unwrap();
    assert_eq!(
        device.rows(&bob()).pop().unwrap().expiration,
        Expiration::Off
    );
}

#[test]
fn twenty_reactions_in_a_minute() {
    let mut device = Device::friend_of_bob();
    for number in 0..11u64 {
        device.hears(&bob(), 5 + number, &text(&format!("{number}")));
    }
    let rows = device.rows(&bob());
    for row in &rows[..10] {
        device.write(|tx| tx.react(row.id, "👍", true)).unwrap();
        device.write(|tx| tx.react(row.id, "👍", false)).unwrap();
    }
    let last = rows[10].id;
    let refused = device.write(|tx| tx.react(last, "👍", true));
    assert!(matches!(refused, Err(CoreError::TooManyReactions)));
    assert!(device.model.store().reactions(&[last]).unwrap().is_empty());
    // What is so already costs nothing.
    device.write(|tx| tx.react(last, "👍", false)).unwrap();
    device.now = device.now.plus(Duration::from_secs(61));
    device.write(|tx| tx.react(last, "👍", true)).unwrap();
    assert_eq!(device.model.store().reactions(&[last]).unwrap().len(), 1);
    for bad in ["", "no", "👍 👍", "\u{7}"] {
        assert!(
            device.write(|tx| tx.react(last, bad, true)).is_err(),
            "{bad:?}"
        );
    }
}

#[test]
fn the_own_account_is_no_contact() {
    let mut device = Device::new();
    let own = device.id();
    let refused = [
        device.write(|tx| tx.accept(&own)),
        device.write(|tx| tx.decline(&own, true)),
        device.write(|tx| tx.set_blocked(&own, true)),
        device.write(|tx| tx.set_nickname(&own, "me")),
        device.write(|tx| tx.set_notifications(&own, session_config::Notify::Off, None)),
        device.write(|tx| tx.tell_extraction(&own, None, true)),
    ];
    for (index, refused) in refused.into_iter().enumerate() {
        assert!(matches!(refused, Err(CoreError::OwnAccount)), "{index}");
    }
    assert!(device.model.configs().contacts.is_empty());
}

#[test]
fn nothing_goes_to_a_blocked_person() {
    let mut device = Device::friend_of_bob();
    let id = bob().account_id();
    device.hears(&bob(), 5, &text("hello"));
    let row = device.only(&bob()).id;
    device.nothing_left_to_send();
    device.write(|tx| tx.set_blocked(&id, true)).unwrap();
    let send = device.write(|tx| tx.send_text(&id, "x", None, false));
    assert!(matches!(send, Err(CoreError::Blocked)));
    let react = device.write(|tx| tx.react(row, "👍", true));
    assert!(matches!(react, Err(CoreError::Blocked)));
    device
        .write(|tx| tx.tell_extraction(&id, None, true))
        .unwrap();
    assert!(device.jobs().is_empty());
    let timer = device.write(|tx| tx.set_timer(&id, after_read(60), false));
    assert!(matches!(timer, Err(CoreError::Blocked)));
    // Undone as a whole.
    assert_eq!(device.settings(&bob()).unwrap().expiration, Expiration::Off);
    // Being declined is for those who were not accepted.
    let declined = device.write(|tx| tx.decline(&id, false));
    assert!(matches!(declined, Err(CoreError::NoRequest)));
}
