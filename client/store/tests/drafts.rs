//! Drafts with what they answer and their files.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "support/fixtures.rs"]
mod fixtures;

use std::path::Path;

use fixtures::{ALICE, BOB, CAROL, at, carol, from, id, profile};
use session_store::{DraftFile, DraftFileId, DraftRow, FileInfo, Store, StoreError};

fn count(data_dir: &Path) -> usize {
    let folder = data_dir.join("accounts").join(CAROL).join("files");
    std::fs::read_dir(folder).map_or(0, |folder| folder.count())
}

fn chosen(store: &Store, name: &str, content: &[u8]) -> DraftFile {
    DraftFile::New {
        info: FileInfo {
            name: Some(name.to_owned()),
            mime: Some("image/png".to_owned()),
            size: None,
            caption: Some("a caption".to_owned()),
            dimensions: Some((3, 4)),
            is_voice_message: true,
        },
        as_file: false,
        blob: store.blobs().write(content).unwrap(),
    }
}

fn names(draft: &DraftRow) -> Vec<&str> {
    draft
        .files
        .iter()
        .map(|file| file.info.name.as_deref().unwrap())
        .collect()
}

#[test]
fn everything_of_a_draft_outlives_a_restart_and_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let bob = id(BOB);
    assert_eq!(store.draft(&bob).unwrap(), DraftRow::default());
    let row = store.take_in(&from(BOB, 1, "well?")).unwrap().unwrap();
    let new = [
        chosen(&store, "a.png", b"first"),
        chosen(&store, "b.png", b"second"),
    ];
    assert!(store.set_draft_files(&bob, &new).unwrap());
    assert!(store.set_draft_reply(&bob, Some(row.id)).unwrap());
    assert!(!store.set_draft_reply(&bob, Some(row.id)).unwrap());
    assert!(store.set_draft(&bob, "Dear Bob").unwrap());
    drop(store);

    let mut store = profile(folder.path()).open(id(CAROL), None).unwrap();
    let draft = store.draft(&bob).unwrap();
    assert_eq!(
        (draft.text.as_str(), draft.reply_to),
        ("Dear Bob", Some(row.id))
    );
    assert_eq!(names(&draft), ["a.png", "b.png"]);
    let first = &draft.files[0];
    assert_eq!(store.blobs().read(&first.blob).unwrap(), b"first");
    let info = &first.info;
    assert_eq!((info.size, info.dimensions), (Some(5), Some((3, 4))));
    assert_eq!(info.mime.as_deref(), Some("image/png"));
    assert_eq!(info.caption.as_deref(), Some("a caption"));
    assert!(info.is_voice_message && !first.as_file);
    assert_eq!(store.draft_file(&bob, first.id).unwrap(), *first);
    // No file of another conversation.
    assert!(matches!(
        store.draft_file(&id(ALICE), first.id),
        Err(StoreError::UnknownFile)
    ));
    let listed = store.conversation(&bob).unwrap().unwrap();
    assert_eq!((listed.draft.as_str(), listed.draft_files), ("Dear Bob", 2));
    assert_eq!(store.files_usage(None).unwrap().files, 2);

    assert!(store.clear_draft(&bob).unwrap());
    assert!(!store.clear_draft(&bob).unwrap());
    assert_eq!(store.draft(&bob).unwrap(), DraftRow::default());
    assert_eq!(count(folder.path()), 2);
    assert_eq!(store.remove_dropped_blobs().unwrap(), 2);
    assert_eq!(count(folder.path()), 0);
    assert_eq!(store.files_usage(None).unwrap().files, 0);
}

#[test]
fn files_of_a_draft_are_added_moved_and_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = carol(folder.path());
    let bob = id(BOB);
    let new = ["a", "b", "c"].map(|name| chosen(&store, name, name.as_bytes()));
    store.set_draft_files(&bob, &new).unwrap();
    let ids: Vec<DraftFileId> = store
        .draft(&bob)
        .unwrap()
        .files
        .iter()
        .map(|file| file.id)
        .collect();
    let kept = |at: usize, as_file| DraftFile::Kept {
        id: ids[at],
        as_file,
    };
    let same = [kept(0, false), kept(1, false), kept(2, false)];
    assert!(!store.set_draft_files(&bob, &same).unwrap());
    let wanted = [kept(2, true), chosen(&store, "d", b"d"), kept(0, false)];
    assert!(store.set_draft_files(&bob, &wanted).unwrap());
    let draft = store.draft(&bob).unwrap();
    assert_eq!(names(&draft), ["c", "d", "a"]);
    let as_files: Vec<bool> = draft.files.iter().map(|file| file.as_file).collect();
    assert_eq!(as_files, [true, false, false]);
    // One that is gone, one named twice: nothing is changed.
    for wrong in [vec![kept(1, false)], vec![kept(0, false), kept(0, false)]] {
        assert!(matches!(
            store.set_draft_files(&bob, &wrong),
            Err(StoreError::UnknownFile)
        ));
        assert_eq!(store.draft(&bob).unwrap(), draft);
    }
    assert_eq!(store.remove_dropped_blobs().unwrap(), 1);
    assert_eq!(count(folder.path()), 3);
    // Copies of drafts are no leftovers, however old.
    let files = folder.path().join("accounts").join(CAROL).join("files");
    for file in std::fs::read_dir(&files).unwrap() {
        let file = std::fs::File::options()
            .write(true)
            .open(file.unwrap().path());
        let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(86_400);
        file.unwrap().set_modified(long_ago).unwrap();
    }
    assert_eq!(store.sweep_blobs().unwrap(), 0);
    store.remove_conversation(&bob, at(9)).unwrap();
    assert_eq!(store.draft(&bob).unwrap(), DraftRow::default());
    assert_eq!(store.remove_dropped_blobs().unwrap(), 3);
}
