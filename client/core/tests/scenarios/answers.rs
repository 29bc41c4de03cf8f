//! Answers with files and to files; what came before somebody was accepted.

use std::sync::Arc;

use session_core::view::{
    Around, ConversationList, FileStatus, Filter, ItemContent, Live, MessageItem, QuoteState,
    Timeline,
};
use session_core::{Composed, CoreError, NewFile};
use session_store::{AutoDownload, FileState, MessageId};
use session_types::AccountId;

use crate::support::transfers::{friends, person, photo, words};
use crate::support::{Actor, Net, run, within};

/// A message as front ends show it.
async fn shown(actor: &Actor, with: AccountId, message: MessageId) -> MessageItem {
    let reader = actor.account().reader();
    let day_of = Arc::new(|_| "2026-11-21".to_owned());
    let around = Around::Message {
        message_id: message,
    };
    let live = Live::default();
    let timeline = Timeline::open(reader, with, around, &live, day_of);
    let timeline = within(actor.name(), timeline).await.unwrap();
    let item = timeline
        .items()
        .iter()
        .find(|item| item.message_id() == Some(message))
        .unwrap();
    let ItemContent::Message(item) = &item.content else {
        panic!("{item:?}");
    };
    (**item).clone()
}

#[test]
fn an_answer_shows_the_file_it_answers_and_has_files_itself() {
    run(async {
        let net = Net::with_files(441).await;
        let (mut alice, mut bob) = friends(&net).await;
        let rule = bob
            .account()
            .set_auto_download(alice.id(), AutoDownload::Never);
        rule.await.unwrap();
        let files = vec![
            NewFile::named("me.jpg", photo()),
            NewFile::named("b.txt", words(9)),
        ];
        alice.write_files(bob.id(), files, "").await;
        let asked = bob.receive(1).await.remove(0);

        let answer = Composed {
            reply_to: Some(asked.id),
            files: vec![NewFile::named("mine.jpg", photo())],
            ..Composed::text("so do I")
        };
        let sent = bob.account().send(alice.id(), answer).await.unwrap();
        bob.wrote(sent.id);
        let item = shown(&bob, alice.id(), sent.id).await;
        let QuoteState::Found {
            message_id,
            attachments,
            file: Some(file),
            ..
        } = item.quote.unwrap().original
        else {
            panic!("no file is quoted");
        };
        assert_eq!((message_id, attachments, file.index), (asked.id, 2, 0));
        assert_eq!(file.name.unwrap().as_str(), "me.jpg");
        assert_eq!(file.mime.unwrap().as_str(), "image/jpeg");
        // Not here yet: there is nothing to make a small picture of.
        assert_eq!(file.state, FileStatus::Remote);
        assert!(bob.account().download(asked.id, 0).await.unwrap());
        bob.content(asked.id, 0).await;
        let item = shown(&bob, alice.id(), sent.id).await;
        let QuoteState::Found { file, .. } = item.quote.unwrap().original else {
            panic!("the original is gone");
        };
        assert_eq!(file.unwrap().state, FileStatus::Here);
        let small = bob.account().thumbnail(asked.id, 0, 30).await.unwrap();
        assert_eq!(small.dimensions, (30, 20));

        // At the other side the answer has its own file and names the original, which is there.
        let got = alice.receive(1).await.remove(0);
        assert_eq!((got.body.as_str(), got.details.attachments), ("so do I", 1));
        alice.content(got.id, 0).await;
        let item = shown(&alice, bob.id(), got.id).await;
        let quote = item.quote.unwrap();
        assert!(quote.mine);
        let QuoteState::Found {
            file: Some(file), ..
        } = quote.original
        else {
            panic!("no file is quoted");
        };
        assert_eq!(file.state, FileStatus::Here);
        // A message of another conversation cannot be answered here, with files or without.
        let note = alice
            .account()
            .send_text(alice.id(), "a note")
            .await
            .unwrap();
        alice.wrote(note.id);
        let answer = Composed {
            reply_to: Some(note.id),
            files: vec![NewFile::named("a.txt", words(10))],
            ..Composed::default()
        };
        let copies = alice.copies();
        let refused = alice.account().send(bob.id(), answer).await;
        assert!(
            matches!(refused, Err(CoreError::CannotReply)),
            "{refused:?}"
        );
        assert_eq!(alice.copies(), copies, "nothing is left of it");
    });
}

#[test]
fn files_of_a_request_come_when_it_is_accepted() {
    run(async {
        let net = Net::with_files(442).await;
        let mut alice = person(&net, "alice").await;
        let mut bob = person(&net, "bob").await;
        let tablet = bob.second_device().await;
        let file = |length| vec![NewFile::named("a.txt", words(length))];
        for length in [1000, 2000] {
            let sent = alice.write_files(bob.id(), file(length), "hello").await;
            alice.until_sent(sent.id).await;
        }
        let rows = bob.receive(2).await;
        let there = tablet.until_history(alice.id(), 2).await;
        for row in &rows {
            assert_eq!(bob.files(row.id).await[0].state, FileState::Remote);
        }
        assert_eq!((bob.copies(), tablet.copies()), (0, 0));
        within("bob", bob.account().accept(alice.id()))
            .await
            .unwrap();
        assert!(bob.content(rows[0].id, 0).await == words(1000));
        assert!(bob.content(rows[1].id, 0).await == words(2000));
        // So they do at the other device, once it hears of it.
        for (row, length) in there.iter().zip([1000, 2000]) {
            let content = tablet.log().until_state("the file comes", async || {
                tablet.account().file_content(row.id, 0).await.ok()
            });
            assert!(content.await == words(length));
        }

        // As the conversation says, and not of those who are declined.
        let carol = person(&net, "carol").await;
        let mut dave = person(&net, "dave").await;
        for (actor, rule) in [
            (&carol, AutoDownload::Never),
            (&dave, AutoDownload::Accepted),
        ] {
            let rule = bob.account().set_auto_download(actor.id(), rule);
            rule.await.unwrap();
        }
        let mut carol = carol;
        for actor in [&mut carol, &mut dave] {
            let sent = actor.write_files(bob.id(), file(500), "hi").await;
            actor.until_sent(sent.id).await;
        }
        let rows = bob.receive(2).await;
        let of = |id| rows.iter().find(|row| row.conversation == id).unwrap().id;
        within("bob", bob.account().accept(carol.id()))
            .await
            .unwrap();
        within("bob", bob.account().decline(dave.id(), false))
            .await
            .unwrap();
        assert_eq!(bob.files(of(carol.id())).await[0].state, FileState::Remote);
        assert!(bob.files(of(dave.id())).await.is_empty());
        assert_eq!(bob.copies(), 2);
    });
}

#[test]
fn a_person_is_shown_with_the_picture_that_is_here() {
    run(async {
        let net = Net::with_files(443).await;
        let (mut alice, mut bob) = friends(&net).await;
        let list = async |actor: &Actor, of: AccountId| {
            let reader = actor.account().reader();
            let live = Live::default();
            let list = ConversationList::open(reader, Filter::All, &live);
            let list = within(actor.name(), list).await.unwrap();
            let row = list.rows().iter().find(|row| row.id == of).cloned();
            row.map(|row| row.person)
        };
        assert_eq!(list(&bob, alice.id()).await.unwrap().picture, None);
        let mut marks = Vec::new();
        for side in [20, 40] {
            let mut bytes = std::io::Cursor::new(Vec::new());
            image::DynamicImage::new_rgb8(side, side)
                .write_to(&mut bytes, image::ImageFormat::Png)
                .unwrap();
            let set = alice.account().set_picture(bytes.into_inner());
            within("alice", set).await.unwrap();
            alice
                .log()
                .until_state("the picture is up", async || {
                    let row = alice.account().picture(alice.id()).await.unwrap();
                    row.filter(|row| row.state == FileState::Here)
                })
                .await;
            alice.send(&bob, "look at me").await;
            bob.receive(1).await;
            let last = marks.last().copied();
            let mark = bob
                .log()
                .until_state("the picture is here", async || {
                    let mark = list(&bob, alice.id()).await.unwrap().picture;
                    mark.filter(|mark| Some(*mark) != last)
                })
                .await;
            let row = bob.account().picture(alice.id()).await.unwrap().unwrap();
            assert_eq!(row.blob.unwrap().mark(), mark);
            marks.push(mark);
        }
        // The same as long as the picture is.
        assert_eq!(
            list(&bob, alice.id()).await.unwrap().picture,
            Some(marks[1])
        );
        bob.restart().await;
        assert_eq!(
            list(&bob, alice.id()).await.unwrap().picture,
            Some(marks[1])
        );
    });
}
