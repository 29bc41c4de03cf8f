//! Files and pictures, through the API alone.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use data_encoding::BASE64;
use image::{ImageFormat, RgbImage};
use serde_json::{Value, json};

use crate::support::{Person, network, own_network, run, says};

/// The methods that are called here.
pub(crate) const METHODS: [&str; 17] = [
    "conversations.auto_download",
    "conversations.draft_file",
    "conversations.draft_thumbnail",
    "conversations.set_auto_download",
    "files.cancel",
    "files.content",
    "files.download",
    "files.drop_copies",
    "files.heard",
    "files.list",
    "files.save",
    "files.thumbnail",
    "files.usage",
    "messages.send_files",
    "pictures.get",
    "profile.remove_picture",
    "profile.set_picture",
];

/// More than one call gives back, and than moves at once.
const LONG: usize = 1_500_000;

fn photo() -> Vec<u8> {
    let pixels = RgbImage::from_fn(60, 40, |x, y| {
        let (x, y) = (u8::try_from(x).unwrap(), u8::try_from(y).unwrap());
        image::Rgb([x * 4, y * 6, 9])
    });
    let mut bytes = Cursor::new(Vec::new());
    pixels.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

fn long() -> Vec<u8> {
    b"words and more words. "
        .iter()
        .copied()
        .cycle()
        .take(LONG)
        .collect()
}

/// Two who have written to each other, and their timelines.
async fn friends(anna: &mut Person, bob: &mut Person) -> (u64, u64) {
    let with_bob = json!({ "conversation": bob.account });
    let annas = anna.open("timeline.open", with_bob).await;
    let with_anna = json!({ "conversation": anna.account });
    let bobs = bob.open("timeline.open", with_anna).await;
    let hello = json!({ "to": bob.account, "text": "hello" });
    anna.call("messages.send", hello).await;
    bob.until_item("a message", bobs, says("hello")).await;
    let hello = json!({ "to": anna.account, "text": "hello yourself" });
    bob.call("messages.send", hello).await;
    anna.until_item("an answer", annas, says("hello yourself"))
        .await;
    (annas, bobs)
}

fn all_here(item: &Value) -> bool {
    let files = item["files"].as_array().unwrap();
    files.iter().all(|file| file["state"]["is"] == "here")
}

/// Waits until all files of a message are here.
async fn until_here(person: &mut Person, timeline: u64, text: &str) -> Value {
    person
        .until_item("files", timeline, |item| says(text)(item) && all_here(item))
        .await
}

/// Anna begins to write, with an answer and files, and ends otherwise than she began.
async fn drafts(anna: &mut Person, bob: &mut Person, annas: u64, bobs: u64) {
    let asked = anna
        .until_item("an answer", annas, says("hello yourself"))
        .await;
    let with = bob.account.clone();
    let about = |mut extra: Value| {
        extra["conversation"] = with.clone();
        extra
    };
    let content = BASE64.encode(&photo());
    let draft = about(json!({
        "text": "look", "reply_to": asked["message_id"],
        "files": [
            { "content": content, "name": "tea.jpg" },
            { "content": BASE64.encode(b"words"), "name": "notes.txt", "as_file": true },
        ],
    }));
    let kept = anna.call("conversations.set_draft", draft).await;
    assert_eq!(
        anna.call("conversations.draft", about(json!({}))).await,
        kept
    );
    assert_eq!(kept["reply_to"], asked["message_id"]);
    assert_eq!(kept["quote"]["original"]["excerpt"], "hello yourself");
    let files = kept["files"].as_array().unwrap().clone();
    assert_eq!(
        (&files[0]["width"], &files[0]["mime"]),
        (&json!(60), &json!("image/jpeg"))
    );
    assert_eq!(
        (&files[1]["as_file"], &files[1]["size"]),
        (&json!(true), &json!(5))
    );
    let one = about(json!({ "id": files[1]["id"] }));
    let part = anna.call("conversations.draft_file", one).await;
    assert_eq!(part["content"], BASE64.encode(b"words"));
    let small = about(json!({ "id": files[0]["id"], "side": 30 }));
    let small = anna.call("conversations.draft_thumbnail", small).await;
    assert_eq!(
        (&small["width"], &small["height"]),
        (&json!(30), &json!(20))
    );

    // The other way round, one less, one more; the text alone leaves them.
    let other = about(json!({
        "text": "", "files": [
            { "draft": files[1]["id"] },
            { "content": content, "name": "more.jpg" },
        ],
    }));
    let kept = anna.call("conversations.set_draft", other).await;
    let names = [&kept["files"][0]["name"], &kept["files"][1]["name"]];
    assert_eq!(names, ["notes.txt", "more.jpg"]);
    assert_eq!(kept["reply_to"], Value::Null);
    let text = about(json!({ "text": "look here" }));
    let kept = anna.call("conversations.set_draft", text).await;
    assert_eq!(kept["files"].as_array().unwrap().len(), 2);
    for wrong in [
        json!([{ "draft": files[0]["id"] }]),
        json!([{ "draft": kept["files"][0]["id"] }, { "draft": kept["files"][0]["id"] }]),
    ] {
        let wrong = about(json!({ "text": "", "files": wrong }));
        let code = anna.fail("conversations.set_draft", wrong).await;
        assert_eq!(code, "store.unknown_file");
    }
    let both = about(json!({ "text": "", "files": [{ "draft": 1, "content": content }] }));
    assert_eq!(
        anna.fail("conversations.set_draft", both).await,
        "api.bad_params"
    );

    let sent = json!({
        "to": bob.account, "text": "look here",
        "files": [{ "draft": kept["files"][1]["id"] }, { "draft": kept["files"][0]["id"] }],
    });
    anna.call("messages.send_files", sent).await;
    let came = bob.until_item("files", bobs, says("look here")).await;
    let names = [&came["files"][0]["name"], &came["files"][1]["name"]];
    assert_eq!(names, ["more.jpg", "notes.txt"]);
    let empty = anna.call("conversations.draft", about(json!({}))).await;
    assert_eq!(empty, json!({ "text": "" }));
}

/// The whole content of a file, part by part.
async fn content(person: &mut Person, message_id: &Value, index: usize) -> Vec<u8> {
    let mut content = Vec::new();
    loop {
        let from = json!({ "message_id": message_id, "index": index, "from": content.len() });
        let part = person.call("files.content", from).await;
        let bytes = BASE64.decode(part["content"].as_str().unwrap().as_bytes());
        content.extend(bytes.unwrap());
        if content.len() == usize::try_from(part["size"].as_u64().unwrap()).unwrap() {
            return content;
        }
    }
}

#[test]
fn two_people_exchange_files_and_pictures() {
    run(async {
        let network = network().await;
        let mut anna = Person::with_files(&network, "Anna").await;
        let mut bob = Person::with_files(&network, "Bob").await;
        let (annas, bobs) = friends(&mut anna, &mut bob).await;
        let message = sending(&mut anna, &mut bob, annas, bobs).await;
        looking_and_saving(&mut anna, &mut bob, annas, &message).await;
        copies(&mut anna, &mut bob, bobs, &message).await;
        pictures(&mut anna, &mut bob, bobs).await;
        drafts(&mut anna, &mut bob, annas, bobs).await;
        for method in METHODS {
            let is_called = anna.called.contains(method) || bob.called.contains(method);
            assert!(is_called, "nobody called {method}");
        }
        anna.session.close().await;
        bob.session.close().await;
    });
}

/// Anna sends three files. Gives back the number of the message that Bob has.
async fn sending(anna: &mut Person, bob: &mut Person, annas: u64, bobs: u64) -> Value {
    let path = anna.home.path().join("me.jpg");
    fs::write(&path, photo()).unwrap();
    let report = anna.home.path().join("report.pdf");
    fs::write(&report, long()).unwrap();
    let files = json!([
        { "path": path },
        { "path": report, "caption": "the report" },
        { "content": BASE64.encode(b"sounds"), "name": "v.ogg", "mime": "audio/mpeg", "voice": true },
    ]);
    let send = json!({ "to": bob.account, "text": "look", "files": files });
    let queued = anna.call("messages.send_files", send).await;
    // What becomes of the path later is of no interest.
    fs::remove_file(&path).unwrap();
    let id = queued["message_id"].clone();
    anna.until_item("the own message", annas, |item| {
        item["message_id"] == id
            && item["files"]
                .as_array()
                .is_some_and(|files| files.len() == 3)
    })
    .await;
    anna.until_heard("file.done", |told| {
        told["message_id"] == id && told["index"] == 2 && told["upload"] == true
    })
    .await;
    anna.until_told("message.sent", &id).await;

    let item = until_here(bob, bobs, "look").await;
    let message = item["message_id"].clone();
    let listed = bob
        .call("files.list", json!({ "message_id": message }))
        .await;
    assert_eq!(listed["files"], item["files"]);
    let here = json!({ "is": "here" });
    let picture = &item["files"][0];
    assert_eq!(
        (&picture["width"], &picture["height"]),
        (&json!(60), &json!(40))
    );
    assert_eq!(picture["mime"], "image/jpeg");
    assert_eq!(picture["name"], "me.jpg");
    assert_eq!(
        item["files"][1],
        json!({ "index": 1, "name": "report.pdf", "mime": "application/pdf", "size": LONG, "caption": "the report", "voice": false, "state": here })
    );
    assert_eq!(
        item["files"][2],
        json!({ "index": 2, "name": "v.ogg", "mime": "audio/mpeg", "size": 6, "voice": true, "unheard": true, "state": here })
    );
    bob.until_heard("file.done", |told| {
        told["message_id"] == message && told["index"] == 1 && told["upload"] == false
    })
    .await;
    // How far the long one was, on both sides.
    for (person, id, upload) in [(&*anna, &id, true), (&*bob, &message, false)] {
        let mut told = person.all_heard("file.progress");
        told.retain(|told| told["message_id"] == *id && told["index"] == 1);
        assert!(!told.is_empty(), "{}", person.name);
        for told in told {
            assert_eq!(told["upload"], upload);
            let (done, total) = (told["done"].as_u64(), told["total"].as_u64());
            assert!(done <= total && total >= Some(LONG as u64), "{told}");
        }
    }
    message
}

/// Bob looks at what came, and saves it.
async fn looking_and_saving(anna: &mut Person, bob: &mut Person, annas: u64, message: &Value) {
    let about = |index: u32| json!({ "message_id": message, "index": index });
    assert!(content(bob, message, 1).await == long());
    // Played: for good, and nobody is told.
    for _ in 0..2 {
        bob.call("files.heard", about(2)).await;
        let listed = bob.call("files.list", json!({ "message_id": message }));
        assert_eq!(listed.await["files"][2].get("unheard"), None);
    }
    assert_eq!(
        bob.fail("files.heard", about(9)).await,
        "store.unknown_file"
    );
    let picture = content(bob, message, 0).await;
    assert!(image::load_from_memory(&picture).is_ok());
    let mut small = about(0);
    small["side"] = json!(30);
    let small = bob.call("files.thumbnail", small).await;
    assert_eq!(small["mime"], "image/jpeg");
    assert_eq!(
        (&small["width"], &small["height"]),
        (&json!(30), &json!(20))
    );
    let bytes = BASE64.decode(small["content"].as_str().unwrap().as_bytes());
    let decoded = image::load_from_memory(&bytes.unwrap()).unwrap();
    assert_eq!((decoded.width(), decoded.height()), (30, 20));
    assert_eq!(
        bob.fail("files.thumbnail", about(1)).await,
        "core.bad_image"
    );

    let folder = bob.home.path().join("saved");
    fs::create_dir(&folder).unwrap();
    let place = folder.join("report.pdf");
    let at = |place: &Path, overwrite: bool| {
        let mut params = about(1);
        params["path"] = json!(place);
        params["overwrite"] = json!(overwrite);
        params
    };
    bob.call("files.save", at(&place, false)).await;
    assert!(fs::read(&place).unwrap() == long());
    anna.until_item("a notice", annas, |item| {
        item["notice"]["what"] == "media_saved"
    })
    .await;
    fs::write(&place, "something else").unwrap();
    let code = bob.fail("files.save", at(&place, false)).await;
    assert_eq!(code, "api.file_exists");
    assert_eq!(fs::read(&place).unwrap(), b"something else");
    bob.call("files.save", at(&place, true)).await;
    assert!(fs::read(&place).unwrap() == long());
    // Also where nothing is.
    bob.call("files.save", at(&folder.join("new"), true)).await;
    for (nowhere, overwrite) in [(folder.join("no/report.pdf"), true), (folder.clone(), true)] {
        let code = bob.fail("files.save", at(&nowhere, overwrite)).await;
        assert_eq!(code, "api.file_unwritable");
    }
    let mut names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["new", "report.pdf"]);
}

/// The room files take, and whether they come by themselves.
async fn copies(anna: &mut Person, bob: &mut Person, bobs: u64, message: &Value) {
    let with_anna = json!({ "conversation": anna.account });
    let usage = bob.call("files.usage", with_anna.clone()).await;
    assert_eq!(usage["files"], 3);
    assert!(usage["bytes"].as_u64() > Some(LONG as u64));
    assert_eq!(bob.call("files.usage", json!({})).await, usage);
    let dropped = bob.call("files.drop_copies", with_anna.clone()).await;
    assert_eq!(dropped["files"], 3);
    let none = json!({ "files": 0, "bytes": 0 });
    assert_eq!(bob.call("files.usage", json!({})).await, none);
    let state = |index: usize, state: &'static str| {
        move |item: &Value| {
            item["message_id"] == *message && item["files"][index]["state"]["is"] == state
        }
    };
    bob.until_item("no copies", bobs, state(0, "remote")).await;
    let first = json!({ "message_id": message, "index": 0 });
    let code = bob.fail("files.content", first.clone()).await;
    assert_eq!(code, "core.file_missing");
    let asked = bob.call("files.download", first.clone()).await;
    assert_eq!(asked["asked"], true);
    let item = bob
        .until_item("the first file", bobs, state(0, "here"))
        .await;
    assert!(state(1, "remote")(&item));
    let asked = bob.call("files.download", first.clone()).await;
    assert_eq!(asked["asked"], false);
    let left = bob.call("files.cancel", first).await;
    assert_eq!(left["cancelled"], false);

    let rule = bob
        .call("conversations.auto_download", with_anna.clone())
        .await;
    assert_eq!(rule["rule"], "accepted");
    let mut never = with_anna.clone();
    never["rule"] = json!("never");
    bob.call("conversations.set_auto_download", never).await;
    let rule = bob.call("conversations.auto_download", with_anna).await;
    assert_eq!(rule["rule"], "never");
    let file = json!({ "content": BASE64.encode(b"more"), "name": "more.txt" });
    let send = json!({ "to": bob.account, "text": "more", "files": [file] });
    anna.call("messages.send_files", send).await;
    let item = bob.until_item("more", bobs, says("more")).await;
    assert_eq!(item["files"][0]["state"]["is"], "remote");
}

/// Anna shows a picture, and then none.
async fn pictures(anna: &mut Person, bob: &mut Person, bobs: u64) {
    let annas = json!({ "person": anna.account });
    let none = json!({ "picture": null });
    assert_eq!(anna.call("pictures.get", annas.clone()).await, none);
    let path = anna.home.path().join("me.jpg");
    fs::write(&path, photo()).unwrap();
    anna.call("profile.set_picture", json!({ "path": path }))
        .await;
    let own = anna.account.clone();
    let is_annas = |told: &Value| told["person"] == own;
    anna.until_heard("picture.changed", is_annas).await;
    let picture = anna.call("pictures.get", annas.clone()).await["picture"].clone();
    assert_eq!(picture["state"]["is"], "here");
    assert_eq!(picture["mime"], "image/jpeg");
    let bytes = BASE64.decode(picture["part"]["content"].as_str().unwrap().as_bytes());
    let bytes = bytes.unwrap();
    assert_eq!(picture["part"]["size"], bytes.len());
    let decoded = image::load_from_memory(&bytes).unwrap();
    assert_eq!((decoded.width(), decoded.height()), (40, 40));

    let send = json!({ "to": bob.account, "text": "with a picture" });
    anna.call("messages.send", send).await;
    bob.until_item("a message", bobs, says("with a picture"))
        .await;
    bob.until_heard("picture.changed", is_annas).await;
    let seen = bob.call("pictures.get", annas.clone()).await;
    assert_eq!(seen["picture"], picture);
    let mut behind = annas.clone();
    behind["from"] = json!(bytes.len());
    let behind = bob.call("pictures.get", behind).await;
    assert_eq!(behind["picture"]["part"]["content"], "");

    anna.call("profile.remove_picture", json!({})).await;
    assert_eq!(anna.call("pictures.get", annas).await, none);
    let content = json!({ "content": BASE64.encode(&photo()) });
    anna.call("profile.set_picture", content).await;
    let nobody = json!({ "person": format!("05{}", "7".repeat(64)) });
    assert_eq!(anna.call("pictures.get", nobody).await, none);
}

#[test]
fn what_cannot_be_is_refused() {
    run(async {
        let network = network().await;
        let mut anna = Person::with_files(&network, "Anna").await;
        let to = anna.account.clone();
        let home = anna.home.path().to_owned();
        let large = fs::File::create(home.join("large")).unwrap();
        large.set_len(10_000_001).unwrap();
        let huge = fs::File::create(home.join("huge")).unwrap();
        huge.set_len(50_000_001).unwrap();
        let half = photo()[..photo().len() / 2].to_vec();
        let small = json!({ "content": BASE64.encode(b"words") });
        let most = BASE64.encode(&vec![0; 700_000]);
        for (files, code) in [
            (json!([]), "core.empty_message"),
            (json!(vec![&small; 33]), "core.too_many_files"),
            (json!([{ "path": home.join("no") }]), "core.file_unreadable"),
            (json!([{ "path": home }]), "core.file_unreadable"),
            (
                json!([{ "path": home.join("large") }]),
                "core.file_too_large",
            ),
            (
                json!([{ "content": BASE64.encode(&half) }]),
                "core.bad_image",
            ),
            (json!([{ "content": most }, small]), "api.content_too_long"),
            (json!([{ "content": "words" }]), "api.bad_params"),
            (json!([{ "name": "words" }]), "api.bad_params"),
            (json!([{ "path": "a", "content": "" }]), "api.bad_params"),
        ] {
            let send = json!({ "to": to, "files": files });
            assert_eq!(anna.fail("messages.send_files", send).await, code);
        }
        let send = json!({ "to": to, "files": [small] });
        let queued = anna.call("messages.send_files", send).await;
        for (message_id, index) in [(&queued["message_id"], 1), (&json!(999_999), 0)] {
            let file = json!({ "message_id": message_id, "index": index });
            for method in [
                "files.download",
                "files.cancel",
                "files.content",
                "files.thumbnail",
            ] {
                let code = anna.fail(method, file.clone()).await;
                assert_eq!(code, "store.unknown_file", "{method}");
            }
            let mut save = file.clone();
            save["path"] = json!(home.join("new"));
            assert_eq!(anna.fail("files.save", save).await, "store.unknown_file");
        }
        assert!(!home.join("new").exists());
        let nothing = json!({ "message_id": 999_999 });
        assert_eq!(
            anna.fail("files.list", nothing).await,
            "store.unknown_message"
        );
        for (picture, code) in [
            (
                json!({ "content": BASE64.encode(b"words") }),
                "core.bad_image",
            ),
            (json!({ "path": home.join("no") }), "core.file_unreadable"),
            (json!({ "path": home }), "core.file_unreadable"),
            (json!({ "path": home.join("huge") }), "core.file_too_large"),
            (json!({}), "api.bad_params"),
        ] {
            assert_eq!(anna.fail("profile.set_picture", picture).await, code);
        }
        anna.session.close().await;
    });
}

#[test]
fn what_does_not_come_is_told_and_need_not_be_waited_for() {
    run(async {
        let mut network = own_network(11).await;
        let mut anna = Person::with_files(&network, "Anna").await;
        let mut bob = Person::with_files(&network, "Bob").await;
        let (_, bobs) = friends(&mut anna, &mut bob).await;
        let never = json!({ "conversation": anna.account, "rule": "never" });
        bob.call("conversations.set_auto_download", never).await;
        let file = json!({ "content": BASE64.encode(b"words"), "name": "a.txt" });
        let send = json!({ "to": bob.account, "text": "a file", "files": [file] });
        anna.call("messages.send_files", send).await;
        let item = bob.until_item("a file", bobs, says("a file")).await;
        let first = json!({ "message_id": item["message_id"], "index": 0 });

        network.kill_file_server().unwrap();
        let asked = bob.call("files.download", first.clone()).await;
        assert_eq!(asked["asked"], true);
        let failed = bob.until_heard("file.failed", |_| true).await;
        assert_eq!(failed["message_id"], item["message_id"]);
        assert_eq!(
            (&failed["index"], &failed["upload"]),
            (&json!(0), &json!(false))
        );
        assert_eq!(failed["again"], true);
        assert!(!failed["reason"].as_str().unwrap().is_empty());
        let is = |state: &'static str| {
            move |item: &Value| says("a file")(item) && item["files"][0]["state"]["is"] == state
        };
        bob.until_item("it waits", bobs, is("waiting")).await;
        let left = bob.call("files.cancel", first.clone()).await;
        assert_eq!(left["cancelled"], true);
        bob.until_item("it does not", bobs, is("remote")).await;
        let left = bob.call("files.cancel", first.clone()).await;
        assert_eq!(left["cancelled"], false);

        let content = json!({ "content": BASE64.encode(&photo()) });
        bob.call("profile.set_picture", content).await;
        let failed = bob.until_heard("picture.failed", |_| true).await;
        assert_eq!(failed["person"], bob.account);
        assert_eq!(failed["again"], true);
        let own = json!({ "person": bob.account });
        let waits = bob.call("pictures.get", own.clone()).await["picture"].clone();
        assert_eq!(waits["state"]["is"], "waiting");
        assert_eq!(waits["mime"], "image/jpeg");
        assert!(waits["part"]["size"].as_u64() > Some(100));

        network.restart_file_server().await.unwrap();
        bob.until_heard("picture.changed", |_| true).await;
        let here = bob.call("pictures.get", own).await["picture"].clone();
        assert_eq!(here["state"]["is"], "here");
        bob.call("files.download", first).await;
        until_here(&mut bob, bobs, "a file").await;
        anna.session.close().await;
        bob.session.close().await;
    });
}

#[test]
fn a_network_may_have_no_place_for_files() {
    run(async {
        let network = network().await;
        let mut anna = Person::new(&network, "Anna").await;
        let file = json!({ "content": "" });
        let send = json!({ "to": anna.account, "files": [file] });
        let code = anna.fail("messages.send_files", send).await;
        assert_eq!(code, "core.no_file_server");
        let picture = json!({ "content": BASE64.encode(&photo()) });
        let code = anna.fail("profile.set_picture", picture).await;
        assert_eq!(code, "core.no_file_server");
        anna.session.close().await;
    });
}
