//! Transfers that go wrong: servers that end, files that are not what they should be, programs
//! that are killed, disks without room.

use session_core::{CoreError, Event, NewFile};
use session_crypto::attachment::{self, Domain, legacy};
use session_messages::{Attachment, AttachmentKey};
use session_store::{FileState, MessageState, StoreError};
use zeroize::Zeroizing;

use crate::support::transfers::{device, friends, person, words};
use crate::support::{Net, run, until};

fn file(length: usize) -> Vec<NewFile> {
    vec![NewFile::named("a.bin", words(length))]
}

#[test]
fn a_file_server_that_ends_during_an_upload() {
    run(async {
        let mut net = Net::with_files(411).await;
        let (mut alice, mut bob) = friends(&net).await;
        let sent = alice.write_files(bob.id(), file(3_000_000), "long").await;
        let after = alice.write(bob.id(), "after").await;
        let moving = alice.log().until("the upload begins", |events| {
            let moves = |event: &Event| matches!(event, Event::FileProgress { upload: true, .. });
            events.iter().any(moves).then_some(())
        });
        moving.await;
        net.devnet.kill_file_server().unwrap();
        // It may have been quick enough; otherwise it is said why it waits.
        if !alice.was_sent(sent.id) {
            let reason = alice.until_postponed(sent.id).await;
            assert!(reason.contains("server"), "{reason}");
        }
        net.devnet.restart_file_server().await.unwrap();
        alice.until_sent(after.id).await;
        let rows = bob.receive(2).await;
        assert_eq!(
            (rows[0].body.as_str(), rows[1].body.as_str()),
            ("long", "after")
        );
        assert!(bob.content(rows[0].id, 0).await == words(3_000_000));
        alice.assert_tidy();
    });
}

#[test]
fn a_file_server_that_is_away_when_a_file_is_asked_for() {
    run(async {
        let mut net = Net::with_files(412).await;
        let mut alice = person(&net, "alice").await;
        let mut bob = person(&net, "bob").await;
        let sent = alice.write_files(bob.id(), file(5_000), "").await;
        alice.until_sent(sent.id).await;
        net.devnet.kill_file_server().unwrap();
        let row = bob.receive(1).await.remove(0);
        assert!(bob.account().download(row.id, 0).await.unwrap());
        let reason = bob.until_file_failed(row.id).await;
        assert!(reason.contains("the server cannot be reached"), "{reason}");
        assert_eq!(bob.files(row.id).await[0].state, FileState::Queued);
        // Across a restart, by itself.
        bob.restart().await;
        net.devnet.restart_file_server().await.unwrap();
        assert!(bob.content(row.id, 0).await == words(5_000));
        // What is asked for no more stops.
        net.devnet.kill_file_server().unwrap();
        alice.write_files(bob.id(), file(6_000), "").await;
        net.devnet.restart_file_server().await.unwrap();
        let row = bob.receive(1).await.remove(0);
        net.devnet.kill_file_server().unwrap();
        assert!(bob.account().download(row.id, 0).await.unwrap());
        bob.until_file_failed(row.id).await;
        assert!(bob.account().cancel_download(row.id, 0).await.unwrap());
        assert!(!bob.account().cancel_download(row.id, 0).await.unwrap());
        assert_eq!(bob.files(row.id).await[0].state, FileState::Remote);
    });
}

#[test]
fn after_the_last_pause_a_file_has_failed_until_it_is_asked_for_again() {
    run(async {
        let mut net = Net::with_files(413).await;
        let mut alice = person(&net, "alice").await;
        let mut impatient = device(&net);
        impatient.options.file_retries.truncate(1);
        let mut bob = crate::support::Actor::with("bob", rand::random(), impatient).await;
        let sent = alice.write_files(bob.id(), file(5_000), "").await;
        alice.until_sent(sent.id).await;
        let row = bob.receive(1).await.remove(0);
        net.devnet.kill_file_server().unwrap();
        bob.account().download(row.id, 0).await.unwrap();
        let state = bob.until_settled(row.id, 0).await;
        assert!(matches!(state, FileState::Failed { .. }), "{state:?}");
        net.devnet.restart_file_server().await.unwrap();
        assert!(bob.account().download(row.id, 0).await.unwrap());
        assert!(bob.content(row.id, 0).await == words(5_000));
    });
}

#[test]
fn programs_killed_while_files_go_up_lose_nothing_and_send_nothing_twice() {
    run(async {
        let net = Net::with_files(414).await;
        let (mut alice, mut bob) = friends(&net).await;
        let mut sent = Vec::new();
        for number in 0..5usize {
            let text = format!("file {number}");
            let length = 200_000 * (number + 1);
            let row = alice.write_files(bob.id(), file(length), &text).await;
            sent.push(row.id);
            alice.crash();
            // What the crash left under way is over before the next program starts.
            alice.open().await;
        }
        for id in &sent {
            alice.until_outbox_empty().await;
            assert_eq!(alice.message(*id).await.state, MessageState::Sent);
        }
        let rows = bob.receive(5).await;
        for (number, row) in rows.iter().enumerate() {
            assert_eq!(row.body, format!("file {number}"));
            assert!(bob.content(row.id, 0).await == words(200_000 * (number + 1)));
        }
        bob.assert_tidy();
        assert_eq!(bob.copies(), 5);
    });
}

/// A pointer that says of a content what a stock client says.
fn pointer(url: &str, key: AttachmentKey, size: usize) -> Attachment {
    let mut pointer = Attachment::new(url, key).unwrap();
    pointer.size = Some(u32::try_from(size).unwrap());
    pointer.file_name = Some("a.txt".into());
    pointer
}

fn legacy_key(pointer: &legacy::Pointer) -> AttachmentKey {
    AttachmentKey::Legacy {
        key: pointer.key.clone(),
        digest: pointer.digest,
    }
}

#[test]
fn files_that_are_not_what_they_should_be_are_refused_and_said_to_be() {
    run(async {
        let net = Net::with_files(415).await;
        let mut bob = person(&net, "bob").await;
        let content = words(40_000);
        let size = content.len();
        let (whole, right) = legacy::encrypt(&content, &mut rand::rng()).unwrap();
        let (stream, stream_right) =
            attachment::encrypt(&[3; 32], Domain::Attachment, &content).unwrap();
        let stream_key = |key: [u8; 32]| AttachmentKey::Stream {
            key: Zeroizing::new(key),
        };
        let changed = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            bytes
        };
        let url = bob.upload(whole.clone(), false).await;
        let stream_url = bob.upload(stream.clone(), true).await;
        let other_key = AttachmentKey::Legacy {
            key: Zeroizing::new([9; 64]),
            digest: right.digest,
        };
        let other_digest = AttachmentKey::Legacy {
            key: right.key.clone(),
            digest: [9; 32],
        };
        let mut files = vec![
            pointer(&url, legacy_key(&right), size),
            pointer(&stream_url, stream_key(*stream_right.key()), size),
        ];
        let damaged = "it was changed or cut, or the message has the key of another file";
        let mut reasons = Vec::new();
        for (bytes, key) in [
            (changed(&whole), legacy_key(&right)),
            (whole[..whole.len() - 16].to_vec(), legacy_key(&right)),
            (changed(&stream), stream_key(*stream_right.key())),
            (
                stream[..stream.len() - 4096].to_vec(),
                stream_key(*stream_right.key()),
            ),
        ] {
            let url = bob.upload(bytes, false).await;
            files.push(pointer(&url, key, size));
            reasons.push(damaged);
        }
        for key in [other_key, other_digest, stream_key([9; 32])] {
            files.push(pointer(&url, key, size));
            reasons.push(damaged);
        }
        let server = net.file_server();
        let (place, _) = server.split_once('#').unwrap();
        let of_another = format!("{place}/file/abc#p={}", "09".repeat(32));
        for (url, reason) in [
            (
                of_another.as_str(),
                "its file server has another key than the message says",
            ),
            (
                "http://files.example/file/1",
                "nobody knows the key of its file server",
            ),
            ("nonsense", "its address cannot be read"),
        ] {
            files.push(pointer(url, legacy_key(&right), size));
            reasons.push(reason);
        }
        let gone = url.replace("/file/", "/file/x");
        files.push(pointer(&gone, legacy_key(&right), size));
        let count = u32::try_from(files.len()).unwrap();
        let message = bob.is_told_of(files).await;
        for index in 0..count {
            assert!(bob.account().download(message, index).await.unwrap());
        }
        for index in 0..2 {
            assert!(bob.content(message, index).await == content, "{index}");
        }
        for (index, expected) in (2..).zip(reasons) {
            match bob.until_settled(message, index).await {
                FileState::Failed { reason } => assert_eq!(reason, expected, "{index}"),
                other => panic!("file {index}: {other:?}"),
            }
        }
        let state = bob.until_settled(message, count - 1).await;
        let FileState::Gone { reason } = state else {
            panic!("{state:?}");
        };
        assert_eq!(reason, "it has expired or was deleted at its file server");
        assert_eq!(bob.copies(), 2, "nothing of the others is kept");
    });
}

#[test]
fn a_disk_without_room() {
    run(async {
        let net = Net::with_files(416).await;
        let (mut alice, bob) = friends(&net).await;
        alice.until_outbox_empty().await;
        alice.close().await;
        alice.open_on_full_disk().await;
        let refused = until("no more room", async || {
            let text = "x".repeat(1_500);
            let sending = alice.account().send_files(bob.id(), file(100), &text);
            sending.await.err()
        });
        let refused = refused.await;
        assert!(
            matches!(refused, CoreError::Store(StoreError::DiskFull)),
            "{refused:?}"
        );
        let queued = alice.store().history(&bob.id(), 1000, None).unwrap();
        let queued = queued.iter().filter(|row| row.details.attachments == 1);
        assert_eq!(
            alice.copies(),
            queued.count(),
            "what was refused left nothing"
        );
        alice.close().await;

        // Nothing can be written where files are kept.
        let mut carol = person(&net, "carol").await;
        let content = words(100);
        let (bytes, right) = legacy::encrypt(&content, &mut rand::rng()).unwrap();
        let url = carol.upload(bytes, false).await;
        drop(std::fs::remove_dir_all(carol.folder()));
        std::fs::write(carol.folder(), "in the way").unwrap();
        let pointer = pointer(&url, legacy_key(&right), content.len());
        let message = carol.is_told_of(vec![pointer]).await;
        carol.account().download(message, 0).await.unwrap();
        let reason = carol.until_file_failed(message).await;
        assert!(reason.starts_with("cannot "), "{reason}");
        assert_eq!(carol.files(message).await[0].state, FileState::Queued);
        std::fs::remove_file(carol.folder()).unwrap();
        assert!(carol.content(message, 0).await == content);
    });
}
