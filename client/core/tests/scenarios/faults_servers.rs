//! File servers that end in the middle of a download, and others that take their place.

use session_core::NewFile;
use session_store::{FileState, MessageState};

use crate::support::sluice::Sluice;
use crate::support::transfers::device_behind;
use crate::support::{Actor, Net, run};

/// A content in which no part is like another.
fn content(length: u32) -> Vec<u8> {
    (0..length / 4).flat_map(u32::to_be_bytes).collect()
}

fn file(length: u32) -> Vec<NewFile> {
    vec![NewFile::named("a.bin", content(length))]
}

/// Two who have written to each other, with the file server behind a sluice.
async fn friends(net: &Net, sluice: &Sluice) -> (Actor, Actor) {
    let device = device_behind(net, sluice);
    let mut alice = Actor::with("alice", rand::random(), device.clone()).await;
    let mut bob = Actor::with("bob", rand::random(), device).await;
    alice.send(&bob, "hello").await;
    bob.receive(1).await;
    bob.send(&alice, "hello yourself").await;
    alice.receive(1).await;
    (alice, bob)
}

#[test]
fn a_file_server_killed_in_the_middle_of_a_download() {
    run(async {
        let mut net = Net::with_files(431).await;
        let sluice = Sluice::before(&net.file_server()).await;
        let (mut alice, mut bob) = friends(&net, &sluice).await;
        sluice.let_through(1_000_000);
        let sent = alice.write_files(bob.id(), file(3_000_000), "").await;
        alice.until_sent(sent.id).await;
        let row = bob.receive(1).await.remove(0);
        // A third has come when the server goes.
        sluice.until_held().await;
        net.devnet.kill_file_server().unwrap();
        sluice.cut();
        let reason = bob.until_file_failed(row.id).await;
        assert!(reason.contains("the server cannot be reached"), "{reason}");
        assert_eq!(bob.files(row.id).await[0].state, FileState::Queued);
        assert_eq!(bob.copies(), 0, "a part is of no use");
        net.devnet.restart_file_server().await.unwrap();
        sluice.let_through(usize::MAX);
        assert!(bob.content(row.id, 0).await == content(3_000_000));
        assert_eq!(bob.copies(), 1);

        // The same when the program ends in the middle.
        sluice.let_through(1_000_000);
        alice.write_files(bob.id(), file(2_000_000), "").await;
        let row = bob.receive(1).await.remove(0);
        sluice.until_held().await;
        bob.crash();
        sluice.cut();
        sluice.let_through(usize::MAX);
        bob.open().await;
        assert!(bob.content(row.id, 0).await == content(2_000_000));
        assert_eq!(bob.copies(), 2);
        alice.assert_tidy();
    });
}

#[test]
fn another_file_server_takes_the_place_between_two_tries() {
    run(async {
        let mut net = Net::with_files(432).await;
        let other = Net::with_files(433).await;
        let sluice = Sluice::before(&net.file_server()).await;
        let (mut alice, mut bob) = friends(&net, &sluice).await;
        let sent = alice.write_files(bob.id(), file(400_000), "").await;
        alice.until_sent(sent.id).await;
        let row = bob.receive(1).await.remove(0);
        bob.content(row.id, 0).await;
        bob.account()
            .drop_copies(Some(alice.id()), None)
            .await
            .unwrap();

        // Down: it is not asked for what it cannot have, and nothing else is taken for the file.
        net.devnet.kill_file_server().unwrap();
        assert!(bob.account().download(row.id, 0).await.unwrap());
        bob.until_file_failed(row.id).await;
        sluice.lead_to(&other.file_server());
        let state = bob.until_settled(row.id, 0).await;
        let FileState::Failed { reason } = state else {
            panic!("{state:?}");
        };
        assert_eq!(
            reason,
            "its file server has another key than the message says"
        );
        assert_eq!(bob.copies(), 0);
        let asked = other.devnet.file_server_metrics().unwrap().unwrap();
        assert_eq!((asked.files, asked.bytes), (0, 0));

        // Up: the message waits for the right one.
        let sent = alice.write_files(bob.id(), file(300_000), "again").await;
        let reason = alice.until_postponed(sent.id).await;
        assert!(
            reason.contains("refused the request (status 400)"),
            "{reason}"
        );
        sluice.lead_to(&net.file_server());
        net.devnet.restart_file_server().await.unwrap();
        alice.until_outbox_empty().await;
        assert_eq!(alice.message(sent.id).await.state, MessageState::Sent);
        let got = bob.receive(1).await.remove(0);
        assert!(bob.content(got.id, 0).await == content(300_000));
        assert!(bob.account().download(row.id, 0).await.unwrap());
        assert!(bob.content(row.id, 0).await == content(400_000));
        let asked = other.devnet.file_server_metrics().unwrap().unwrap();
        assert_eq!(asked.files, 0);
        alice.assert_tidy();
    });
}
