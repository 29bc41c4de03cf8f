//! Two people write to each other, with nothing going wrong.

use core::time::Duration;

use session_core::{Account, AccountOptions, CoreError, Event};
use session_net::SystemClock;
use session_store::MessageState;
use session_types::{AccountId, ErrorKind};
use tokio::sync::broadcast::Receiver;

use crate::support::actor::{all_sent, bodies, facts};
use crate::support::clock::real_time;
use crate::support::{Actor, Device, Net, run, within};

/// Enough polls to ask each member of the own swarm that is asked at all.
async fn poll_all(actor: &Actor) {
    for _ in 0..4 {
        actor.account().poll_now().await.unwrap();
    }
}

#[test]
fn a_message_waits_for_its_recipient_and_a_second_device_gets_both_sides() {
    run(async {
        let net = Net::shared().await;
        let mut alice = Actor::new(&net, "alice").await;
        let mut bob = Actor::offline("bob", rand::random(), Device::on(net.seed_url()));

        let sent = alice.send(&bob, "are you there?").await;
        assert_eq!(sent.confirmed_by, 6, "every member of the swarm");
        let two_weeks = Duration::from_secs(14 * 24 * 3600);
        let minute = Duration::from_secs(60);
        assert!(sent.expires_at.distance(real_time().plus(two_weeks)) < minute);
        alice.send(&bob, "whenever you are").await;
        // What bob reads must not need alice any more.
        alice.close().await;

        bob.open().await;
        let got = bob.receive(2).await;
        assert_eq!(bodies(&got), ["are you there?", "whenever you are"]);
        assert!(got.iter().all(|row| row.sender == alice.id()
            && row.conversation == alice.id()
            && !row.outgoing
            && row.state == MessageState::Received));
        bob.send(&alice, "now I am").await;

        alice.open().await;
        let got = alice.receive(1).await;
        assert_eq!(bodies(&got), ["now I am"]);

        let at_alice = alice.until_history(bob.id(), 3).await;
        let at_bob = bob.until_history(alice.id(), 3).await;
        assert_eq!(facts(&at_alice), facts(&at_bob));
        assert!(all_sent(&at_alice) && all_sent(&at_bob));

        // Other devices get what was received and the copies of what was sent.
        let alice2 = alice.second_device().await;
        let bob2 = bob.second_device().await;
        for (device, with, expected) in
            [(&alice2, bob.id(), &at_alice), (&bob2, alice.id(), &at_bob)]
        {
            let restored = device.until_history(with, 3).await;
            assert_eq!(facts(&restored), facts(expected));
            assert!(all_sent(&restored));
            let outgoing = |rows: &[session_store::MessageRow]| -> Vec<bool> {
                rows.iter().map(|row| row.outgoing).collect()
            };
            assert_eq!(outgoing(&restored), outgoing(expected));
        }
        // Names travel with messages; the own copies carry none.
        let name_of = async |actor: &Actor, with: AccountId| {
            let all = actor.account().conversations().await.unwrap();
            let one = all.into_iter().find(|row| row.id() == with);
            one.unwrap().settings.shown_name().map(str::to_owned)
        };
        assert_eq!(name_of(&bob, alice.id()).await.as_deref(), Some("alice"));
        assert_eq!(name_of(&alice2, bob.id()).await.as_deref(), Some("bob"));

        // Whatever member is asked, nothing is shown again; also not after a restart.
        for actor in [&mut alice, &mut bob] {
            actor.restart().await;
        }
        for (actor, with) in [
            (&alice, bob.id()),
            (&bob, alice.id()),
            (&alice2, bob.id()),
            (&bob2, alice.id()),
        ] {
            poll_all(actor).await;
            assert_eq!(actor.history(with).await.len(), 3);
            actor.assert_tidy();
        }
    });
}

#[test]
fn what_a_message_may_be() {
    run(async {
        let net = Net::shared().await;
        let mut alice = Actor::new(&net, "alice").await;
        let mut bob = Actor::new(&net, "bob").await;

        for nothing in ["", " ", "\n\t \u{a0}"] {
            let refused = alice.account().send_text(bob.id(), nothing).await;
            let error = refused.unwrap_err();
            assert!(matches!(error, CoreError::EmptyMessage), "{error:?}");
            assert_eq!(error.kind(), ErrorKind::BadInput);
            assert_eq!(error.to_string(), "the message is empty");
        }
        let long = "é".repeat(2001);
        let error = alice
            .account()
            .send_text(bob.id(), &long)
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the message has 2001 characters; at most 2000 are allowed"
        );
        assert_eq!(error.kind(), ErrorKind::BadInput);
        // What is refused leaves nothing behind, not even a conversation.
        assert_eq!(alice.account().conversations().await.unwrap().len(), 0);

        // 2000 code points of four bytes each, and texts that trip up careless code.
        let longest = "𝔄".repeat(2000);
        let texts = [
            "a",
            "Grüße, Σίσυφος, привет, 你好, שלום, مرحبا",
            "👩‍👩‍👧‍👦 🏳️‍🌈 e\u{301}\u{327} \u{202e}right to left\u{202c}",
            "  spaces around  \n\nand lines\r\n",
            "nul \u{0} escape \u{1b}[31m quote \" backslash \\ tag <b>&amp;</b> '; DROP TABLE--",
            &longest,
        ];
        for text in texts {
            alice.send(&bob, text).await;
        }
        assert_eq!(bodies(&bob.receive(texts.len()).await), texts);
        assert_eq!(bodies(&alice.history(bob.id()).await), texts);
        alice.assert_tidy();
        bob.assert_tidy();
    });
}

#[test]
fn notes_to_self_reach_the_own_other_devices() {
    run(async {
        let net = Net::shared().await;
        let mut carol = Actor::new(&net, "carol").await;
        let mut carol2 = carol.second_device().await;
        let row = carol.write(carol.id(), "buy milk").await;
        let sent = carol.until_sent(row.id).await;
        assert_eq!(sent.confirmed_by, 6);
        let got = carol2.receive(1).await;
        assert_eq!(bodies(&got), ["buy milk"]);
        assert!(got[0].outgoing && got[0].conversation == carol.id());

        let row = carol2.write(carol2.id(), "and bread").await;
        carol2.until_sent(row.id).await;
        assert_eq!(bodies(&carol.receive(1).await), ["and bread"]);
        for device in [&carol, &carol2] {
            poll_all(device).await;
            assert_eq!(
                bodies(&device.history(device.id()).await),
                ["buy milk", "and bread"]
            );
            device.assert_tidy();
        }
    });
}

#[test]
fn a_message_to_an_account_on_no_device_waits_in_its_swarm() {
    run(async {
        let net = Net::shared().await;
        let mut alice = Actor::new(&net, "alice").await;
        // Nobody has ever looked into this mailbox.
        let mut nobody = Actor::offline("nobody", rand::random(), Device::on(net.seed_url()));
        let sent = alice.send(&nobody, "found in a bottle").await;
        assert_eq!(sent.confirmed_by, 6);
        let row = alice.message(sent.message_id).await;
        assert_eq!(row.state, MessageState::Sent);
        nobody.open().await;
        assert_eq!(bodies(&nobody.receive(1).await), ["found in a bottle"]);
    });
}

#[test]
fn the_first_subscriber_hears_everything_since_the_start() {
    run(async {
        let net = Net::shared().await;
        let mut alice = Actor::new(&net, "alice").await;
        let bob = Actor::offline("bob", rand::random(), Device::on(net.seed_url()));
        alice.send(&bob, "first").await;
        let options = AccountOptions {
            poll_every: None,
            ..AccountOptions::default()
        };
        let network = net.seed_url().parse().unwrap();
        let opened = Account::open(bob.store(), network, Box::new(SystemClock), options);
        let account = opened.await.unwrap();
        // A front end that is slow to subscribe, and a second one.
        assert_eq!(account.poll_now().await.unwrap().new_messages, 1);
        let (mut early, mut late) = (account.subscribe(), account.subscribe());
        alice.send(&bob, "second").await;
        assert_eq!(account.poll_now().await.unwrap().new_messages, 1);
        account.close().await;
        let heard = async |events: &mut Receiver<Event>| {
            let mut heard = Vec::new();
            while let Ok(event) = within("an event", events.recv()).await {
                if let Event::MessageReceived { message, .. } = event {
                    heard.push(message.body);
                }
            }
            heard
        };
        assert_eq!(heard(&mut early).await, ["first", "second"]);
        assert_eq!(heard(&mut late).await, ["second"]);
    });
}

/// A poll that was already under way does not count: it may have looked too early.
#[test]
fn polling_on_request_finds_what_was_stored_before() {
    run(async {
        let net = Net::shared().await;
        let mut alice = Actor::new(&net, "alice").await;
        let mut device = Device::on(net.seed_url());
        device.options.poll_every = Some(Duration::from_millis(1));
        let bob = Actor::with("bob", rand::random(), device).await;
        for i in 1..=40 {
            let row = alice.write(bob.id(), &format!("{i}")).await;
            alice.until_sent(row.id).await;
            bob.account().poll_now().await.unwrap();
            assert_eq!(bob.history(alice.id()).await.len(), i);
        }
        // Many who ask at once all get an answer.
        let all = futures_util::future::join_all((0..20).map(|_| bob.account().poll_now())).await;
        assert!(all.iter().all(Result::is_ok));
    });
}
