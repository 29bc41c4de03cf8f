//! Files of messages: rows, copies in the folder, and what removes them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "support/fixtures.rs"]
mod fixtures;
#[path = "support/schema_one.rs"]
mod schema_one;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use fixtures::{ALICE, BOB, CAROL, at, carol, from, id, outgoing, profile};
use session_messages::{Attachment, AttachmentKey, Body, Content, Expiration, VisibleMessage};
use session_store::{
    AutoDownload, ConversationSettings, Effect, FileInfo, FileRow, FileState, FilesUsage,
    MessageId, MessageState, NewFile, PREVIEW_IMAGE, Pointer, Sound, Store, StoreError,
};
use session_types::AccountId;
use zeroize::Zeroizing;

fn info(name: &str, size: u64) -> FileInfo {
    FileInfo {
        name: Some(name.to_owned()),
        mime: Some("image/png".to_owned()),
        size: Some(size),
        caption: None,
        dimensions: Some((3, 4)),
        is_voice_message: false,
    }
}

fn pointer(number: u8) -> Pointer {
    let key = match number % 3 {
        0 => AttachmentKey::Stream {
            key: Zeroizing::new([number; 32]),
        },
        1 => AttachmentKey::Legacy {
            key: Zeroizing::new([number; 64]),
            digest: [number; 32],
        },
        _ => AttachmentKey::Plain,
    };
    Pointer {
        url: format!("http://files.example/file/{number}"),
        key,
    }
}

fn remote(number: u8) -> NewFile {
    NewFile::Remote {
        info: info("a.png", 10),
        pointer: pointer(number),
    }
}

/// A message of Bob's with files at their server.
fn received(store: &mut Store, sent_at: u64, files: &[NewFile]) -> MessageId {
    let row = store.take_in(&from(BOB, sent_at, "look")).unwrap().unwrap();
    store.add_files(row.id, files).unwrap();
    row.id
}

fn folder_of(data_dir: &Path) -> PathBuf {
    data_dir.join("accounts").join(CAROL).join("files")
}

fn count(data_dir: &Path) -> usize {
    fs::read_dir(folder_of(data_dir)).map_or(0, |folder| folder.count())
}

/// Fetches a file as the client does.
fn fetch(store: &mut Store, file: &FileRow, content: &[u8]) -> bool {
    store.set_file_state(file.id, &FileState::Queued).unwrap();
    let blob = store.blobs().write(content).unwrap();
    store.file_arrived(file.id, &blob, None).unwrap()
}

#[test]
fn rows_are_read_back_as_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let message = received(&mut store, 1, &[remote(0), remote(1), remote(2)]);
    drop(store);
    let mut store = profile(folder.path()).open(id(CAROL), None).unwrap();
    let files = store.files_of(message).unwrap();
    assert_eq!(files.len(), 3);
    for (index, file) in (0u8..).zip(&files) {
        assert_eq!(file.index, u32::from(index));
        assert_eq!((file.message, file.conversation), (message, id(BOB)));
        assert_eq!(file.info, info("a.png", 10));
        assert_eq!(file.pointer, Some(pointer(index)));
        assert_eq!((&file.state, &file.blob), (&FileState::Remote, &None));
        assert_eq!(store.file(message, index.into()).unwrap(), *file);
        assert_eq!(store.file_by_id(file.id).unwrap().as_ref(), Some(file));
        let attachment = file.attachment().unwrap();
        assert_eq!(attachment.url(), pointer(index).url);
        assert_eq!(FileInfo::of(&attachment), file.info);
    }
    assert!(matches!(
        store.file(message, 3),
        Err(StoreError::UnknownFile)
    ));
    // What nothing was told about stays so.
    let bare = NewFile::Remote {
        info: FileInfo::default(),
        pointer: pointer(0),
    };
    let message = received(&mut store, 2, &[bare]);
    assert_eq!(store.file(message, 0).unwrap().info, FileInfo::default());
}

#[test]
fn a_file_is_asked_for_fetched_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let message = received(&mut store, 1, &[remote(0), remote(1)]);
    assert!(store.waiting_downloads(9).unwrap().is_empty());
    let files = store.files_of(message).unwrap();
    let [first, second] = &files[..] else {
        panic!("two files");
    };
    assert!(store.set_file_state(second.id, &FileState::Queued).unwrap());
    assert!(!store.set_file_state(second.id, &FileState::Queued).unwrap());
    store.file_postponed(second.id).unwrap();
    let waiting = store.waiting_downloads(9).unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].id, waiting[0].attempts), (second.id, 1));
    assert!(fetch(&mut store, first, b"content"));
    let row = store.file(message, 0).unwrap();
    assert_eq!(row.state, FileState::Here);
    let blob = row.blob.unwrap();
    assert_eq!(store.blobs().read(&blob).unwrap(), b"content");
    // Twice is once; so is what nobody waits for.
    let other = store.blobs().write(b"other").unwrap();
    assert!(!store.file_arrived(first.id, &other, None).unwrap());
    store.blobs().remove(&other).unwrap();
    let reason = "it expired".to_owned();
    let gone = FileState::Gone { reason };
    assert!(store.set_file_state(second.id, &gone).unwrap());
    assert_eq!(store.file(message, 1).unwrap().state, gone);
    assert!(store.waiting_downloads(9).unwrap().is_empty());
    assert_eq!(count(folder.path()), 1);
}

#[test]
fn a_voice_message_of_somebody_else_is_unheard_until_it_is_played() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let voice = NewFile::Remote {
        info: FileInfo {
            is_voice_message: true,
            ..info("v.ogg", 10)
        },
        pointer: pointer(1),
    };
    let message = received(&mut store, 1, &[remote(0), voice]);
    let unheard = |store: &Store, index| store.file(message, index).unwrap().is_unheard;
    assert!(!unheard(&store, 0), "a picture is not heard");
    assert!(unheard(&store, 1));
    let voice = store.file(message, 1).unwrap();
    store.file_heard(voice.id).unwrap();
    assert!(!unheard(&store, 1));
    // It stays so when it is fetched once more, and in the next run.
    let row = store.file(message, 1).unwrap();
    assert!(fetch(&mut store, &row, b"sounds"));
    drop(store);
    let store = profile(folder.path()).open(id(CAROL), None).unwrap();
    assert!(!unheard(&store, 1));
}

#[test]
fn copies_go_with_their_messages() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let mut messages = Vec::new();
    for number in 1..=5 {
        let message = received(&mut store, number, &[remote(0), remote(1)]);
        for file in store.files_of(message).unwrap() {
            assert!(fetch(&mut store, &file, b"content"));
        }
        messages.push(message);
    }
    assert_eq!(count(folder.path()), 10);
    let usage = store.files_usage(Some(&id(BOB))).unwrap();
    assert_eq!(usage, store.files_usage(None).unwrap());
    assert_eq!((usage.files, usage.bytes), (10, 10 * 4096));
    assert_eq!(
        store.files_usage(Some(&id(ALICE))).unwrap(),
        FilesUsage::default()
    );

    // Removed here, deleted by its writer, disappeared.
    store.remove_message(messages[0], at(9)).unwrap();
    let deletion = Effect::Deletion;
    store
        .apply_effect(&id(BOB), at(2), &id(BOB), &deletion, at(9))
        .unwrap();
    store.set_disappears_at(messages[2], at(8)).unwrap();
    store.remove_disappeared(at(9), 100).unwrap();
    assert_eq!(
        count(folder.path()),
        10,
        "not before the transaction is over"
    );
    assert_eq!(store.remove_dropped_blobs().unwrap(), 6);
    assert_eq!(store.remove_dropped_blobs().unwrap(), 0);
    assert_eq!(count(folder.path()), 4);
    assert!(store.files_of(messages[1]).unwrap().is_empty());
    // Only the copies: the files can be fetched again.
    assert_eq!(store.drop_copies(Some(&id(BOB)), None).unwrap().0.files, 4);
    assert_eq!(store.remove_dropped_blobs().unwrap(), 4);
    assert_eq!(store.file(messages[3], 0).unwrap().state, FileState::Remote);
    let file = store.file(messages[3], 0).unwrap();
    assert!(fetch(&mut store, &file, b"again"));
    // With the whole conversation.
    store.remove_conversation(&id(BOB), at(9)).unwrap();
    store.remove_dropped_blobs().unwrap();
    assert_eq!(count(folder.path()), 0);
    assert_eq!(store.files_usage(None).unwrap(), FilesUsage::default());
}

#[test]
fn a_removal_that_is_undone_removes_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let message = received(&mut store, 1, &[remote(0)]);
    let file = store.file(message, 0).unwrap();
    assert!(fetch(&mut store, &file, b"content"));
    let undone: Result<(), StoreError> = store.atomically(|store| {
        store.remove_message(message, at(2))?;
        Err(StoreError::Busy)
    });
    assert!(undone.is_err());
    assert_eq!(store.remove_dropped_blobs().unwrap(), 0);
    assert_eq!(count(folder.path()), 1);
    let blob = store.file(message, 0).unwrap().blob.unwrap();
    assert_eq!(store.blobs().read(&blob).unwrap(), b"content");
}

#[test]
fn what_a_crash_left_is_swept_unless_it_is_young() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let message = received(&mut store, 1, &[remote(0)]);
    let file = store.file(message, 0).unwrap();
    assert!(fetch(&mut store, &file, b"content"));
    // Written, and never spoken of: one long ago, one by another process just now.
    store.blobs().write(b"left").unwrap();
    let old: Vec<PathBuf> = fs::read_dir(folder_of(folder.path()))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let yesterday = SystemTime::now() - Duration::from_secs(24 * 3600);
    for path in &old {
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(yesterday).unwrap();
    }
    let foreign = folder_of(folder.path()).join("notes.txt");
    fs::write(&foreign, "mine").unwrap();
    store.blobs().write(b"young").unwrap();
    assert_eq!(store.sweep_blobs().unwrap(), 1);
    assert_eq!(store.sweep_blobs().unwrap(), 0);
    assert_eq!(count(folder.path()), 3);
    assert!(foreign.exists());
    let blob = store.file(message, 0).unwrap().blob.unwrap();
    assert_eq!(store.blobs().read(&blob).unwrap(), b"content");
}

#[test]
fn own_files_wait_for_their_upload_and_fail_with_their_message() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let blob = store.blobs().write(b"mine").unwrap();
    let own = NewFile::Own {
        info: info("mine.png", 4),
        blob,
        sound: Some(Sound {
            waveform: vec![0, 128, 255],
            duration_ms: 1_500,
        }),
    };
    let message = store
        .atomically(|store| {
            let row = store.queue_outgoing(&outgoing(BOB, "", 1))?;
            store.add_files(row.id, &[own.clone(), own.clone()])?;
            Ok::<_, StoreError>(row.id)
        })
        .unwrap();
    let files = store.files_of(message).unwrap();
    assert_eq!(files[0].state, FileState::Queued);
    let sound = files[1].sound.clone().unwrap();
    assert_eq!(
        (sound.waveform, sound.duration_ms),
        (vec![0, 128, 255], 1_500)
    );
    assert_eq!((&files[0].pointer, &files[0].attachment()), (&None, &None));
    assert!(store.waiting_downloads(9).unwrap().is_empty());
    assert!(store.file_uploaded(files[0].id, &pointer(0)).unwrap());
    let reason = "too large".to_owned();
    let failed = FileState::Failed { reason };
    store.set_file_state(files[1].id, &failed).unwrap();
    let job = store.due_jobs(at(9)).unwrap().remove(0);
    store.job_failed(job.id, "too large").unwrap();
    let row = store.message(message).unwrap().unwrap();
    assert!(matches!(row.state, MessageState::Failed { .. }));
    assert!(store.retry_failed(message).unwrap());
    let states: Vec<FileState> = store
        .files_of(message)
        .unwrap()
        .into_iter()
        .map(|file| file.state)
        .collect();
    assert_eq!(states, [FileState::Here, FileState::Queued]);
    // Own copies are kept: nobody else can be asked for them later.
    let nothing = FilesUsage::default();
    assert_eq!(store.drop_copies(Some(&id(BOB)), None).unwrap().0, nothing);
}

#[test]
fn files_come_by_themselves_as_each_conversation_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let bob = id(BOB);
    assert_eq!(store.auto_download(&bob).unwrap(), AutoDownload::Accepted);
    for rule in [
        AutoDownload::Never,
        AutoDownload::Always,
        AutoDownload::Accepted,
    ] {
        store.set_auto_download(&bob, rule).unwrap();
        assert_eq!(store.auto_download(&bob).unwrap(), rule);
        // Not touched by what the devices agree on.
        store
            .save_conversation(&ConversationSettings {
                name: format!("{rule:?}"),
                ..ConversationSettings::new(bob)
            })
            .unwrap();
        assert_eq!(store.auto_download(&bob).unwrap(), rule);
    }
}

#[test]
fn pictures_are_missing_until_the_present_one_is_here() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let bob = id(BOB);
    let shows = |store: &mut Store, url: &str, approved| {
        let picture = session_config::Picture::new(url, [1; 32]).unwrap();
        store
            .save_conversation(&ConversationSettings {
                picture: Some(picture),
                approved,
                ..ConversationSettings::new(bob)
            })
            .unwrap();
    };
    shows(&mut store, "http://a/file/1", false);
    assert!(store.missing_pictures(9).unwrap().is_empty());
    shows(&mut store, "http://a/file/1", true);
    assert_eq!(store.missing_pictures(9).unwrap(), [bob]);
    let blobs = store.blobs();
    let blob = blobs.write(b"one").unwrap();
    store
        .keep_picture(&bob, "http://a/file/1", "image/png", &blob)
        .unwrap();
    assert!(store.missing_pictures(9).unwrap().is_empty());
    // Another one: the one before stays until it is here, or cannot be had.
    shows(&mut store, "http://a/file/2", true);
    assert_eq!(store.missing_pictures(9).unwrap(), [bob]);
    let url = "http://a/file/2";
    store
        .set_picture_state(&bob, url, &FileState::Queued, 1)
        .unwrap();
    assert_eq!(store.missing_pictures(9).unwrap(), [bob]);
    let reason = "it expired".to_owned();
    store
        .set_picture_state(&bob, url, &FileState::Gone { reason }, 0)
        .unwrap();
    assert!(store.missing_pictures(9).unwrap().is_empty());
    let kept = store.picture(&bob).unwrap().unwrap();
    assert_eq!(blobs.read(kept.blob.as_ref().unwrap()).unwrap(), b"one");
    let two = blobs.write(b"two").unwrap();
    store.keep_picture(&bob, url, "image/png", &two).unwrap();
    assert_eq!(store.remove_dropped_blobs().unwrap(), 1);
    assert_eq!(store.files_usage(None).unwrap().files, 1);
    assert!(store.forget_picture(&bob).unwrap());
    assert_eq!(store.remove_dropped_blobs().unwrap(), 1);
    assert_eq!(count(folder.path()), 0);
}

#[test]
fn the_own_picture_is_renewed_only_while_it_is_the_own_picture() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let own = id(CAROL);
    let one = store.blobs().write(b"one").unwrap();
    store.keep_picture(&own, "", "image/png", &one).unwrap();
    assert_eq!(
        store.picture(&own).unwrap().unwrap().state,
        FileState::Queued
    );
    let two = store.blobs().write(b"two").unwrap();
    store.keep_picture(&own, "", "image/png", &two).unwrap();
    assert!(
        !store
            .picture_renewed(&one, "http://a/file/1", at(5))
            .unwrap()
    );
    assert!(
        store
            .picture_renewed(&two, "http://a/file/2", at(6))
            .unwrap()
    );
    let row = store.picture(&own).unwrap().unwrap();
    assert_eq!(
        (row.url.as_str(), row.renewed_at, row.state),
        ("http://a/file/2", at(6), FileState::Here)
    );
}

fn content(files: usize, unreadable: bool) -> Vec<u8> {
    let attachments = (0..files).map(|number| {
        let pointer = pointer(u8::try_from(number).unwrap());
        let mut attachment = Attachment::new(pointer.url, pointer.key).unwrap();
        attachment.content_type = Some("image/png".into());
        attachment.file_name = Some("a.png".into());
        attachment.size = Some(10);
        attachment.dimensions = Some((3, 4));
        attachment
    });
    let body = Some(Body::new("look").unwrap());
    let message = VisibleMessage::files(attachments.collect(), body).unwrap();
    let content = Content::from(message).with_expiration(Expiration::Off);
    let mut bytes = content.encode(at(1));
    if unreadable {
        bytes.reverse();
    }
    bytes
}

/// Messages with files of the version before get their files.
#[test]
fn files_of_schema_two_come_over() {
    let folder = tempfile::tempdir().unwrap();
    let old = schema_one::create(folder.path());
    old.execute_batch(include_str!("../migrations/0002_messenger.sql"))
        .unwrap();
    old.pragma_update(None, "user_version", 2).unwrap();
    let plain = schema_one::message(&old, BOB, BOB, 100, "plain", 3);
    let with = schema_one::message(&old, BOB, BOB, 200, "look", 3);
    let broken = schema_one::message(&old, BOB, BOB, 300, "look", 3);
    for (message, content) in [(with, content(3, false)), (broken, content(1, true))] {
        let sql = "UPDATE messages SET content = ?2, details = '{\"attachments\":3}' WHERE id = ?1";
        old.execute(sql, rusqlite::params![message, content])
            .unwrap();
    }
    drop(old);

    let mut store = profile(folder.path()).open(id(CAROL), None).unwrap();
    assert!(store.files_of(MessageId::new(plain)).unwrap().is_empty());
    assert!(store.files_of(MessageId::new(broken)).unwrap().is_empty());
    let files = store.files_of(MessageId::new(with)).unwrap();
    assert_eq!(files.len(), 3);
    for (index, file) in (0u8..).zip(&files) {
        assert_eq!(file.pointer, Some(pointer(index)));
        assert_eq!(file.info, info("a.png", 10));
        assert_eq!(file.state, FileState::Remote);
    }
    assert!(fetch(&mut store, &files[0], b"content"));
    drop(store);
    let old = schema_one::open(folder.path());
    assert_eq!(schema_one::schema(&old), 6);
    let kept: Vec<i64> = old
        .prepare("SELECT id FROM messages WHERE content <> x''")
        .unwrap()
        .query_map((), |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(kept, [broken], "what was understood is not kept twice");
}

#[test]
fn the_image_of_a_link_preview_is_none_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let message = received(&mut store, 1, &[remote(0)]);
    assert_eq!(store.preview_image(message).unwrap(), None);
    store.add_preview_image(message, &remote(1)).unwrap();
    assert!(store.add_preview_image(message, &remote(2)).is_err());
    assert_eq!(store.files_of(message).unwrap().len(), 1);
    assert_eq!(store.transfers_of(message).unwrap().len(), 2);
    let image = store.preview_image(message).unwrap().unwrap();
    assert_eq!((image.index, image.pointer.clone()), (32, Some(pointer(1))));
    assert_eq!(store.file(message, PREVIEW_IMAGE).unwrap(), image);
    // It comes and goes as files do.
    assert!(fetch(&mut store, &image, b"image"));
    assert_eq!(count(folder.path()), 1);
    store.clear_conversation(&id(BOB), at(2)).unwrap();
    store.remove_dropped_blobs().unwrap();
    assert_eq!(count(folder.path()), 0);
}

#[test]
fn all_that_came_in_a_conversation_is_asked_for_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let message = received(&mut store, 1, &[remote(0), remote(1), remote(2)]);
    store.add_preview_image(message, &remote(0)).unwrap();
    let files = store.files_of(message).unwrap();
    assert!(fetch(&mut store, &files[0], b"content"));
    let reason = "it expired".to_owned();
    let gone = FileState::Gone { reason };
    store.set_file_state(files[1].id, &gone).unwrap();
    assert_eq!(store.want_files_of(&id(ALICE)).unwrap(), 0);
    assert_eq!(store.want_files_of(&id(BOB)).unwrap(), 2);
    assert_eq!(store.want_files_of(&id(BOB)).unwrap(), 0);
    let waiting = store.waiting_downloads(9).unwrap();
    let places: Vec<_> = waiting.iter().map(|file| file.index).collect();
    assert_eq!(places, [2, 32]);
}

#[test]
fn a_conversation_tells_which_picture_of_the_other_side_is_here() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    store.take_in(&from(BOB, 1, "hello")).unwrap();
    let shown = |store: &Store| store.conversation(&id(BOB)).unwrap().unwrap().picture;
    assert_eq!(shown(&store), None);
    let state = FileState::Failed {
        reason: "away".to_owned(),
    };
    store
        .set_picture_state(&id(BOB), "http://a.example/1", &state, 1)
        .unwrap();
    assert_eq!(shown(&store), None);
    let mut marks = Vec::new();
    for content in [b"one", b"two"] {
        let blob = store.blobs().write(content).unwrap();
        store
            .keep_picture(&id(BOB), "http://a.example/1", "image/png", &blob)
            .unwrap();
        assert_eq!(shown(&store), Some(blob.mark()));
        assert!(blob.mark() < 1 << 53);
        marks.push(blob.mark());
    }
    assert_ne!(marks[0], marks[1]);
    assert_eq!(store.conversations().unwrap()[0].picture, Some(marks[1]));
}

#[test]
fn copies_go_by_age() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    for sent_at in [100, 200, 300] {
        let message = received(&mut store, sent_at, &[remote(1), remote(2)]);
        for file in store.files_of(message).unwrap() {
            assert!(fetch(&mut store, &file, &[7; 5000]));
        }
    }
    let all = store.files_usage(None).unwrap();
    assert_eq!(all.files, 6);
    let bob = id(BOB);
    let droppable = |store: &Store, whose: Option<AccountId>, before: Option<u64>| {
        let found = store
            .droppable_copies(whose.as_ref(), before.map(at))
            .unwrap();
        (found.files, found.bytes)
    };
    let part = |files| (files, all.bytes / 6 * files);
    assert_eq!(droppable(&store, None, None), part(6));
    assert_eq!(droppable(&store, Some(bob), Some(300)), part(4));
    assert_eq!(droppable(&store, Some(id(ALICE)), None), part(0));
    assert_eq!(droppable(&store, None, Some(100)), part(0));
    let (dropped, touched) = store.drop_copies(None, Some(at(101))).unwrap();
    assert_eq!((dropped.files, touched), (2, vec![bob]));
    assert_eq!(store.files_usage(None).unwrap().files, 4);
    let (dropped, _) = store.drop_copies(Some(&bob), Some(at(300))).unwrap();
    assert_eq!((dropped.files, dropped.bytes), part(2));
    assert_eq!(droppable(&store, None, None), part(2));
    assert_eq!(store.remove_dropped_blobs().unwrap(), 4);
    assert_eq!(count(folder.path()), 2);
}
