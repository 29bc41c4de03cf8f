//! Files of messages: up, down, by themselves or when asked for.

use session_core::{Composed, CoreError, Event, FileForm, FileSource, NewDraft, NewFile};
use session_net::{FileServer, FileUrl};
use session_store::{AutoDownload, FileState, MessageKind, MessageState};

use crate::support::transfers::{device, friends, person, photo, words};
use crate::support::{Actor, Device, Net, run, within};

#[test]
fn files_reach_a_friend_and_the_own_other_device() {
    run(async {
        let net = Net::with_files(401).await;
        let (mut alice, mut bob) = friends(&net).await;
        let tablet = alice.second_device().await;
        let long = words(1_000_000);
        let mut voice = NewFile::named("voice.mp3", words(3_000));
        voice.is_voice_message = true;
        voice.mime = Some("audio/mp3".into());
        let mut report = NewFile::named("/home/alice/report.pdf", long.clone());
        report.caption = Some("the report".into());
        let photo = photo();
        let files = vec![NewFile::named("me.jpg", photo.clone()), report, voice];
        let row = alice.write_files(bob.id(), files, "look").await;
        // What is written later comes later, however long the files take.
        let after = alice.write(bob.id(), "and?").await;
        alice.until_sent(after.id).await;
        assert!(alice.was_sent(row.id));
        let rows = bob.receive(2).await;
        assert_eq!(
            (rows[0].body.as_str(), rows[1].body.as_str()),
            ("look", "and?")
        );
        assert_eq!(rows[0].details.attachments, 3);
        let id = rows[0].id;
        let picture = bob.content(id, 0).await;
        assert!(picture.len() < photo.len());
        assert!(!picture.windows(9).any(|part| part == b"52.5200 N"));
        assert!(bob.content(id, 1).await == long);
        assert!(bob.content(id, 2).await == words(3_000));
        let files = bob.files(id).await;
        let info = |index: usize| files[index].info.clone();
        assert_eq!(info(0).mime.as_deref(), Some("image/jpeg"));
        assert_eq!(info(0).dimensions, Some((60, 40)));
        assert_eq!(info(1).name.as_deref(), Some("report.pdf"));
        assert_eq!(info(1).caption.as_deref(), Some("the report"));
        assert_eq!(
            (info(1).size, info(1).is_voice_message),
            (Some(1_000_000), false)
        );
        assert_eq!(info(2).mime.as_deref(), Some("audio/mp3"));
        assert!(info(2).is_voice_message);
        let small = bob.account().thumbnail(id, 0, 30).await.unwrap();
        assert_eq!(small.dimensions, (30, 20));
        assert!(matches!(
            bob.account().thumbnail(id, 1, 30).await,
            Err(CoreError::BadImage)
        ));

        let copy = tablet.until_history(bob.id(), 4).await;
        let copy = copy.iter().find(|row| row.body == "look").unwrap();
        assert!(tablet.content(copy.id, 1).await == long);
        // All three have their copies, and say how much room they take.
        for actor in [&alice, &bob, &tablet] {
            let usage = actor
                .account()
                .files_usage(Some(bob_or_alice(actor, &alice, &bob)));
            let usage = usage.await.unwrap();
            assert_eq!(usage.files, 3, "{}", actor.name());
            assert!((1_010_000..1_200_000).contains(&usage.bytes), "{usage:?}");
            assert_eq!(actor.copies(), 3);
        }
        // It was told how far they were, on both sides.
        for (actor, message, up) in [(&alice, row.id, true), (&bob, id, false)] {
            let events = actor.log().events();
            let told = events.iter().filter_map(|event| match event {
                Event::FileProgress {
                    message_id,
                    index: 1,
                    upload,
                    done,
                    total,
                } if *message_id == message && *upload == up => Some((*done, *total)),
                _ => None,
            });
            let told: Vec<_> = told.collect();
            assert!(!told.is_empty(), "{}", actor.name());
            assert!(
                told.iter()
                    .all(|(done, total)| done <= total && *total > 1_000_000)
            );
        }
        // Saved where the user wants it, once; the writer is told.
        let place = bob.home().join("report.pdf");
        bob.account().save_file(id, 1, &place).await.unwrap();
        assert!(std::fs::read(&place).unwrap() == long);
        assert!(bob.account().save_file(id, 1, &place).await.is_err());
        alice.assert_tidy();
        bob.assert_tidy();
    });
}

fn bob_or_alice(actor: &Actor, alice: &Actor, bob: &Actor) -> session_types::AccountId {
    if actor.id() == bob.id() {
        alice.id()
    } else {
        bob.id()
    }
}

#[test]
fn both_forms_are_read_and_the_released_one_is_written() {
    run(async {
        let net = Net::with_files(402).await;
        let (mut alice, mut bob) = friends(&net).await;
        let mut newer = device(&net);
        newer.options.file_form = FileForm::Stream;
        let mut carol = Actor::with("carol", rand::random(), newer).await;
        let content = words(50_000);
        let file = || vec![NewFile::named("a.txt", words(50_000))];
        let sent = alice.write_files(bob.id(), file(), "").await;
        let row = bob.receive(1).await.remove(0);
        assert!(bob.content(row.id, 0).await == content);
        let pointer = alice.files(sent.id).await[0].pointer.clone().unwrap();
        let url: FileUrl = pointer.url.parse().unwrap();
        assert!(!url.is_stream());
        let server: FileServer = net.file_server().parse().unwrap();
        assert!(pointer.url.ends_with(&format!("#p={}", server.ed25519())));

        let sent = carol.write_files(bob.id(), file(), "").await;
        carol.until_sent(sent.id).await;
        let row = bob.receive(1).await.remove(0);
        bob.account().download(row.id, 0).await.unwrap();
        assert!(bob.content(row.id, 0).await == content);
        let pointer = carol.files(sent.id).await[0].pointer.clone().unwrap();
        assert!(pointer.url.ends_with("&d"));
    });
}

#[test]
fn files_of_strangers_wait_until_they_are_asked_for() {
    run(async {
        let net = Net::with_files(403).await;
        let mut alice = person(&net, "alice").await;
        let mut bob = person(&net, "bob").await;
        let file = |length| vec![NewFile::named("a.txt", words(length))];
        let first = alice.write_files(bob.id(), file(1000), "hello").await;
        alice.until_sent(first.id).await;
        let row = bob.receive(1).await.remove(0);
        assert_eq!(bob.files(row.id).await[0].state, FileState::Remote);
        assert!(matches!(
            bob.account().file_content(row.id, 0).await,
            Err(CoreError::FileMissing)
        ));
        assert!(bob.account().download(row.id, 0).await.unwrap());
        assert!(bob.content(row.id, 0).await == words(1000));
        assert!(!bob.account().download(row.id, 0).await.unwrap());
        // As this conversation says.
        let rule = bob
            .account()
            .set_auto_download(alice.id(), AutoDownload::Always);
        rule.await.unwrap();
        alice.write_files(bob.id(), file(2000), "").await;
        let row = bob.receive(1).await.remove(0);
        assert!(bob.content(row.id, 0).await == words(2000));
        // Accepted people's files come, unless the user says otherwise.
        bob.send(&alice, "accepted").await;
        let rule = bob
            .account()
            .set_auto_download(alice.id(), AutoDownload::Never);
        rule.await.unwrap();
        alice.write_files(bob.id(), file(3000), "").await;
        let row = bob.receive(1).await.remove(0);
        assert_eq!(bob.files(row.id).await[0].state, FileState::Remote);
        // Copies go on demand, and with the conversation.
        assert_eq!(bob.copies(), 2);
        let dropped = bob.account().drop_copies(Some(alice.id()), None).await;
        assert_eq!(dropped.unwrap().files, 2);
        assert_eq!(bob.copies(), 0);
        assert!(bob.account().download(row.id, 0).await.unwrap());
        assert!(bob.content(row.id, 0).await == words(3000));
        bob.account().clear(alice.id()).await.unwrap();
        assert_eq!(bob.copies(), 0);
        assert_eq!(alice.copies(), 3);
    });
}

#[test]
fn who_saves_a_file_is_named_at_once_even_before_a_first_answer() {
    run(async {
        let net = Net::with_files(410).await;
        let mut alice = person(&net, "alice").await;
        // As in a program that stays at work, where receipts wait.
        let mut patient = device(&net);
        patient.options.quiet_delay = Some(core::time::Duration::from_secs(24 * 3600));
        let mut bob = Actor::with("bob", rand::random(), patient).await;
        let file = vec![NewFile::named("a.txt", words(500))];
        let sent = alice.write_files(bob.id(), file, "hello").await;
        let row = bob.receive(1).await.remove(0);
        bob.account().accept(alice.id()).await.unwrap();
        assert!(bob.content(row.id, 0).await == words(500));
        let place = bob.home().join("a.txt");
        bob.account().save_file(row.id, 0, &place).await.unwrap();
        let notice = alice.log().until_state("the notice", async || {
            let rows = alice.timeline(bob.id()).await;
            let found = rows.iter().find(|row| row.kind == MessageKind::MediaSaved);
            found.map(|row| row.details.saved)
        });
        let row = alice.message(sent.id).await;
        assert_eq!(notice.await, Some(row.sent_at));
    });
}

/// 100 frames of MP3 with nothing in them.
fn silence() -> Vec<u8> {
    let mut frame = vec![0xff, 0xfb, 0x90, 0xc0];
    frame.resize(417, 0);
    frame.repeat(100)
}

#[test]
fn a_draft_with_its_files_survives_a_crash_and_is_sent_as_it_was() {
    run(async {
        let net = Net::with_files(411).await;
        let (mut alice, mut bob) = friends(&net).await;
        let question = alice.history(bob.id()).await.pop().unwrap();
        let away = alice.home().join("gone.txt");
        std::fs::write(&away, words(700)).unwrap();
        let mut untouched = NewFile::named("raw.jpg", photo());
        untouched.as_file = true;
        let draft = NewDraft {
            text: "as promised".into(),
            reply_to: Some(question.id),
            files: Some(vec![
                NewFile::named("me.jpg", photo()),
                NewFile::at(&away),
                untouched,
            ]),
        };
        let kept = alice.account().set_draft(bob.id(), draft).await.unwrap();
        // What was said to be kept is there without the file it came from, and after a crash.
        std::fs::remove_file(&away).unwrap();
        alice.crash();
        alice.open().await;
        let draft = alice.account().draft(bob.id()).await.unwrap();
        assert_eq!(draft, kept);
        assert_eq!(draft.text.as_str(), "as promised");
        let quote = draft.quote.as_ref().unwrap();
        assert_eq!((quote.author, quote.mine), (bob.id(), false));
        let names = draft.files.iter().filter_map(|file| file.name.as_ref());
        let names: Vec<&str> = names.map(|name| name.as_str()).collect();
        assert_eq!(names, ["me.jpg", "gone.txt", "raw.jpg"]);
        let id = |at: usize| draft.files[at].id;
        let content = alice.account().draft_content(bob.id(), id(1)).await;
        assert!(content.unwrap() == words(700));
        let small = alice.account().draft_thumbnail(bob.id(), id(0), 20).await;
        assert_eq!(small.unwrap().dimensions.0, 20);
        // A text saved later leaves the files alone; a voice message leaves all alone.
        let later = NewDraft {
            reply_to: draft.reply_to,
            ..NewDraft::from("as I promised")
        };
        alice.account().set_draft(bob.id(), later).await.unwrap();
        let mut recorded = NewFile::named("voice.mp3", silence());
        recorded.is_voice_message = true;
        let voice = Composed {
            files: vec![recorded],
            keeps_draft: true,
            ..Composed::default()
        };
        let voice = alice.account().send(bob.id(), voice).await.unwrap();
        let draft = alice.account().draft(bob.id()).await.unwrap();
        assert_eq!(
            (draft.text.as_str(), draft.files.len()),
            ("as I promised", 3)
        );
        let message = Composed {
            reply_to: draft.reply_to,
            files: [0, 1, 2]
                .map(|at| NewFile::from(FileSource::Draft(id(at))))
                .into(),
            ..Composed::text("as I promised")
        };
        let sent = alice
            .account()
            .send(bob.id(), message.clone())
            .await
            .unwrap();
        let empty = alice.account().draft(bob.id()).await.unwrap();
        assert_eq!(empty, session_core::view::Draft::default());
        alice.until_sent(sent.id).await;
        let mut rows = bob.receive(2).await;
        let row = rows.pop().unwrap();
        // Both sides see how it goes.
        bob.content(rows[0].id, 0).await;
        for (actor, message) in [(&alice, voice.id), (&bob, rows[0].id)] {
            let sound = actor.files(message).await[0].sound.clone().unwrap();
            assert!((2_500..2_700).contains(&sound.duration_ms), "{sound:?}");
            assert_eq!(sound.waveform, [0; 64]);
        }
        assert_eq!(row.details.quote.unwrap().sent_at, question.sent_at);
        let picture = bob.content(row.id, 0).await;
        assert!(!picture.windows(9).any(|part| part == b"52.5200 N"));
        assert!(bob.content(row.id, 1).await == words(700));
        assert!(bob.content(row.id, 2).await == photo());
        // They belong to that message now, and to no draft.
        let again = alice.account().send(bob.id(), message).await;
        let unknown = session_store::StoreError::UnknownFile;
        assert_eq!(again.unwrap_err().to_string(), unknown.to_string());
        assert_eq!(alice.copies(), 4);
    });
}

#[test]
fn what_cannot_be_sent_is_refused_at_once_and_leaves_nothing() {
    run(async {
        let net = Net::with_files(404).await;
        let alice = person(&net, "alice").await;
        let to = person(&net, "bob").await.id();
        let good = || NewFile::named("a.txt", words(100));
        let half = photo();
        let half = half[..half.len() / 2].to_vec();
        let mut bomb = std::io::Cursor::new(Vec::new());
        let pixels = image::DynamicImage::new_rgb8(4, 4);
        pixels.write_to(&mut bomb, image::ImageFormat::Gif).unwrap();
        let mut bomb = bomb.into_inner();
        bomb[6..10].fill(0xff);
        for (files, error) in [
            (
                vec![good(); 33],
                "33 files are too many; a message can hold 32",
            ),
            (
                vec![good(), NewFile::named("b", vec![0; 10_000_001])],
                "the file has more than 10000000 bytes, which is the most that can be sent",
            ),
            (
                vec![good(), NewFile::named("c.jpg", half)],
                "the picture is damaged",
            ),
            (
                vec![good(), NewFile::named("d.gif", bomb)],
                "a picture of 65535 × 65535 pixels is too large",
            ),
            (vec![], "the message is empty"),
        ] {
            let refused = alice.account().send_files(to, files, "").await.unwrap_err();
            assert_eq!(refused.to_string(), error);
        }
        let away = alice
            .account()
            .send_files(to, vec![NewFile::at("/no/such/file")], "");
        assert!(matches!(away.await, Err(CoreError::FileUnreadable { .. })));
        assert!(alice.history(to).await.is_empty());
        assert_eq!(alice.copies(), 0);
        // Where there is no file server, it is said before anything is queued.
        let poor = Actor::with("carol", rand::random(), Device::on(net.seed_url())).await;
        let refused = poor.account().send_files(to, vec![good()], "").await;
        assert!(matches!(refused, Err(CoreError::NoFileServer)));
    });
}

#[test]
fn notes_to_self_can_have_files_too() {
    run(async {
        let net = Net::with_files(405).await;
        let mut alice = person(&net, "alice").await;
        let mut tablet = alice.second_device().await;
        let own = alice.id();
        let file = vec![NewFile::named("a.txt", words(500))];
        let sent = alice.write_files(own, file, "remember").await;
        alice.until_sent(sent.id).await;
        let row = tablet.receive(1).await.remove(0);
        assert!(tablet.content(row.id, 0).await == words(500));
        // Deleting for all devices removes both copies.
        let deleted = alice
            .account()
            .delete(sent.id, session_core::DeleteFor::MyDevices);
        within("alice", deleted).await.unwrap();
        assert_eq!(alice.copies(), 0);
        let gone = tablet.log().until_state("the copy goes", async || {
            (tablet.copies() == 0).then_some(())
        });
        gone.await;
    });
}

#[test]
fn a_message_deleted_before_its_files_are_up_is_not_sent() {
    run(async {
        let mut net = Net::with_files(406).await;
        let (mut alice, mut bob) = friends(&net).await;
        net.devnet.kill_file_server().unwrap();
        let file = vec![NewFile::named("a.txt", words(500))];
        let sent = alice.write_files(bob.id(), file, "secret").await;
        alice.until_file_failed(sent.id).await;
        let everyone = session_core::DeleteFor::Everyone;
        alice.account().delete(sent.id, everyone).await.unwrap();
        assert_eq!(alice.copies(), 0);
        net.devnet.restart_file_server().await.unwrap();
        alice.send(&bob, "nothing").await;
        assert_eq!(bob.receive(1).await[0].body, "nothing");
        assert_eq!(bob.history(alice.id()).await.len(), 3);
        assert_eq!(alice.store().job_count().unwrap(), 0);
    });
}

#[test]
fn the_largest_file_goes_through_and_a_lost_copy_is_said_to_be_lost() {
    run(async {
        let net = Net::with_files(407).await;
        let (mut alice, bob) = friends(&net).await;
        let file = vec![NewFile::named("a.bin", words(10_000_000))];
        let sent = alice.write_files(bob.id(), file, "").await;
        // The largest there is goes through.
        alice.until_sent(sent.id).await;
        // A copy that somebody took away cannot be sent.
        let file = vec![NewFile::named("a.bin", words(10))];
        alice.close().await;
        for entry in std::fs::read_dir(alice.folder()).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        alice.open().await;
        let lost = alice.files(sent.id).await;
        assert_eq!(lost[0].state, FileState::Here);
        assert!(matches!(
            alice.account().file_content(sent.id, 0).await,
            Err(CoreError::FileMissing)
        ));
        let again = alice.write_files(bob.id(), file, "").await;
        alice.until_sent(again.id).await;
        let row = alice.message(again.id).await;
        assert_eq!(row.state, MessageState::Sent);
    });
}
