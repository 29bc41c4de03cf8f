//! Two programs have one account open at once.

use session_types::AccountId;

use crate::support::actor::facts;
use crate::support::state::until_equal;
use crate::support::{Actor, Net, run};

/// Changes each program makes.
const EACH: u8 = 100;

/// Somebody who only has an id.
fn somebody(number: u8, side: u8) -> AccountId {
    session_crypto::AccountKeys::from_seed16([
        number, side, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9,
    ])
    .account_id()
}

/// Names people, one after another; every third is blocked, every fourth muted.
async fn change(program: &Actor, side: u8) {
    let account = program.account();
    for number in 0..EACH {
        let id = somebody(number, side);
        let name = format!("{side} {number}");
        account.set_nickname(id, &name).await.unwrap();
        if number.is_multiple_of(3) {
            account.set_blocked(id, true).await.unwrap();
        }
        if number.is_multiple_of(4) {
            let off = session_config::Notify::Off;
            account.set_notifications(id, off, None).await.unwrap();
        }
    }
}

async fn assert_all_there(device: &Actor) {
    for side in 0..2 {
        for number in 0..EACH {
            let row = device.account().conversation(somebody(number, side)).await;
            let row = row.unwrap();
            let settings = row.expect("a person is lost").settings;
            assert_eq!(settings.nickname, format!("{side} {number}"));
            assert_eq!(settings.blocked, number.is_multiple_of(3));
            let off = settings.notify == session_config::Notify::Off;
            assert_eq!(off, number.is_multiple_of(4));
        }
    }
}

#[test]
fn no_change_of_two_programs_is_lost() {
    run(async {
        let net = Net::shared().await;
        let alice = Actor::new(&net, "alice").await;
        let again = alice.second_program().await;
        // Both change, push and poll at once.
        tokio::join!(change(&alice, 0), change(&again, 1));
        for program in [&alice, &again] {
            assert_all_there(program).await;
        }
        // The name, which is in no row of a conversation.
        again.account().set_name("Alice of two").await.unwrap();
        assert_eq!(alice.account().name().await.unwrap(), "Alice of two");

        let alice2 = alice.second_device().await;
        let last = somebody(EACH - 1, 0);
        let there = |row: &session_store::ConversationRow| !row.settings.nickname.is_empty();
        alice2.until_conversation(last, "the last one", there).await;
        until_equal(&[&alice, &again, &alice2]).await;
        assert_all_there(&alice2).await;
    });
}

#[test]
fn two_programs_write_and_receive_at_once() {
    run(async {
        let net = Net::shared().await;
        let mut alice = Actor::new(&net, "alice").await;
        let mut bob = Actor::new(&net, "bob").await;
        alice.send(&bob, "hello").await;
        bob.receive(1).await;
        let mut again = alice.second_program().await;
        let write = async |from: &mut Actor, to: AccountId, name: &str| {
            for number in 0..15 {
                from.write(to, &format!("{name} {number}")).await;
            }
        };
        let (to_bob, to_alice) = (bob.id(), alice.id());
        tokio::join!(
            write(&mut alice, to_bob, "one"),
            write(&mut again, to_bob, "two"),
            write(&mut bob, to_alice, "bob"),
        );
        let at_bob = bob.until_history(alice.id(), 46).await;
        let at_alice = alice.until_history(bob.id(), 46).await;
        assert_eq!(facts(&at_alice), facts(&at_bob));
        let at_again = again.until_history(bob.id(), 46).await;
        assert_eq!(facts(&at_again), facts(&at_bob));
        bob.assert_tidy();
    });
}
