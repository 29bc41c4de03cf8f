//! Deletions that can be undone, across the end of the program.

use core::time::Duration;

use session_types::AccountId;

use crate::support::actor::bodies;
use crate::support::{Actor, Net, run, until};

const LONG: Duration = Duration::from_secs(60);

/// What the list shows last of a conversation, and what a search finds.
async fn shown(who: &Actor, with: AccountId, words: &str) -> bool {
    let found = who.account().search(words, Some(with), 10).await.unwrap();
    !found.is_empty()
}

#[test]
fn what_was_deleted_stays_so_however_the_program_ends() {
    run(async {
        let net = Net::shared().await;
        let mut alice = Actor::new(&net, "alice").await;
        let mut bob = Actor::new(&net, "bob").await;
        alice.send(&bob, "hello").await;
        bob.receive(1).await;
        for text in ["first", "second", "third"] {
            bob.send(&alice, text).await;
        }
        let rows = alice.receive(3).await;
        let of = |text: &str| rows.iter().find(|row| row.body == text).unwrap().id;
        let account = alice.account();
        assert_eq!(account.message_count(Some(bob.id())).await.unwrap(), 4);

        // Taken back in time.
        assert!(account.delete_undoably(of("first"), LONG).await.unwrap());
        assert!(!shown(&alice, bob.id(), "first").await);
        assert!(alice.account().undelete(of("first")).await.unwrap());
        assert!(shown(&alice, bob.id(), "first").await);

        // The time runs out.
        let soon = Duration::from_millis(50);
        let account = alice.account();
        assert!(account.delete_undoably(of("first"), soon).await.unwrap());
        until("a removal", async || {
            let found = alice.account().message(of("first")).await.unwrap();
            found.is_none().then_some(())
        })
        .await;
        assert!(!alice.account().undelete(of("first")).await.unwrap());

        // A crash: still not shown, and it goes when its time is over.
        let while_down = Duration::from_secs(2);
        let account = alice.account();
        assert!(
            account
                .delete_undoably(of("second"), while_down)
                .await
                .unwrap()
        );
        alice.crash();
        alice.open().await;
        assert!(!shown(&alice, bob.id(), "second").await);
        until("a removal after a crash", async || {
            let found = alice.account().message(of("second")).await.unwrap();
            found.is_none().then_some(())
        })
        .await;

        // An end in order: at once.
        let account = alice.account();
        assert!(account.delete_undoably(of("third"), LONG).await.unwrap());
        alice.close().await;
        assert!(alice.store().message(of("third")).unwrap().is_none());
        alice.open().await;
        assert_eq!(bodies(&alice.history(bob.id()).await), ["hello"]);
        alice.close().await;
        bob.close().await;
    });
}
