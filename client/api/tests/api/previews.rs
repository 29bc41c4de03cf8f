//! Previews of links, answers with files, and pictures of people, through the API alone.

use std::io::Cursor;
use std::net::SocketAddr;

use data_encoding::BASE64;
use image::{ImageFormat, RgbImage};
use serde_json::json;
use session_net::WebReach;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::{Person, network, run, says};

/// The methods that are called here.
pub(crate) const METHODS: [&str; 1] = ["messages.preview"];

fn photo() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let pixels = RgbImage::from_pixel(900, 600, image::Rgb([1, 2, 200]));
    pixels.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

/// A page with a title and an image.
async fn site() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
            let (kind, body) = if head.starts_with(b"GET /image ") {
                ("image/jpeg", photo())
            } else {
                let page = "<title>Tea</title><meta property=og:image content=/image>";
                ("text/html", page.into())
            };
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n",
                body.len()
            );
            let answer = [head.as_bytes(), &body].concat();
            // Whoever asked may be gone.
            let _ = stream.write_all(&answer).await;
        }
    });
    address
}

#[test]
fn a_preview_is_allowed_looked_at_sent_and_shown() {
    run(async {
        let network = network().await;
        let mut anna = Person::with(&network, "Anna", |options| {
            options.account.network.web.reach = WebReach::Anywhere;
        })
        .await;
        let mut bob = Person::with_files(&network, "Bob").await;
        let with_anna = json!({ "conversation": anna.account });
        let bobs = bob.open("timeline.open", with_anna).await;
        let link = format!("http://{}/page", site().await);
        let text = format!("look at {link}");

        let settings = anna.call("settings.get", json!({})).await;
        assert_eq!(settings["link_previews"], false);
        let look = json!({ "text": text });
        let code = anna.fail("messages.preview", look.clone()).await;
        assert_eq!(code, "core.previews_off");
        let on = json!({ "link_previews": true });
        let settings = anna.call("settings.set", on).await;
        assert_eq!(settings["link_previews"], true);
        let send = json!({ "to": bob.account, "text": text, "preview": true });
        let code = anna.fail("messages.send", send.clone()).await;
        assert_eq!(code, "core.no_preview");
        let found = anna.call("messages.preview", look).await["preview"].clone();
        assert_eq!(
            (&found["url"], &found["title"]),
            (&json!(link), &json!("Tea"))
        );
        let image = &found["image"];
        assert_eq!(
            (&image["width"], &image["height"]),
            (&json!(400), &json!(267))
        );
        let nothing = anna
            .call("messages.preview", json!({ "text": "no link" }))
            .await;
        assert_eq!(nothing, json!({}));

        anna.call("messages.send", send).await;
        let item = bob
            .until_item("a preview", bobs, |item| item.get("preview").is_some())
            .await;
        let preview = &item["preview"];
        assert_eq!(
            (&preview["url"], &preview["title"]),
            (&json!(link), &json!("Tea"))
        );
        assert_eq!(item["attachments"], 0);
        // Anna is a stranger: her image waits.
        let index = preview["image"]["index"].clone();
        assert_eq!(preview["image"]["state"]["is"], "remote");
        assert_eq!(
            (&preview["image"]["width"], &index),
            (&json!(400), &json!(32))
        );
        let person = json!({ "person": anna.account });
        bob.call("requests.accept", person).await;
        let item = bob
            .until_item("the image", bobs, |item| {
                item["preview"]["image"]["state"]["is"] == "here"
            })
            .await;
        let about = json!({ "message_id": item["message_id"], "index": index, "side": 100 });
        let small = bob.call("files.thumbnail", about).await;
        assert_eq!(
            (&small["width"], &small["height"]),
            (&json!(100), &json!(67))
        );

        quoted(&mut anna, &mut bob).await;
        pictured(&mut anna, &mut bob).await;
        for method in METHODS {
            assert!(anna.called.contains(method), "nobody called {method}");
        }
        anna.session.close().await;
        bob.session.close().await;
    });
}

/// Bob answers a picture of Anna's with one of his own.
async fn quoted(anna: &mut Person, bob: &mut Person) {
    let with_bob = json!({ "conversation": bob.account });
    let annas = anna.open("timeline.open", with_bob).await;
    let with_anna = json!({ "conversation": anna.account });
    let bobs = bob.open("timeline.open", with_anna).await;
    let file = |name: &str| json!({ "content": BASE64.encode(&photo()), "name": name });
    let send = json!({ "to": bob.account, "text": "mine", "files": [file("a.jpg")] });
    anna.call("messages.send_files", send).await;
    let item = bob.until_item("a picture", bobs, says("mine")).await;
    let answer = json!({
        "to": anna.account, "files": [file("b.jpg")], "reply_to": item["message_id"],
    });
    let queued = bob.call("messages.send_files", answer).await;
    let id = queued["message_id"].clone();
    let shown = bob
        .until_item("the answer", bobs, |item| {
            item["message_id"] == id && item["quote"]["original"]["file"]["state"]["is"] == "here"
        })
        .await;
    let original = &shown["quote"]["original"];
    assert_eq!(original["message_id"], item["message_id"]);
    assert_eq!(original["file"]["name"], "a.jpg");
    assert_eq!(original["file"]["mime"], "image/jpeg");
    let got = anna
        .until_item("the answer", annas, |item| {
            item["quote"]["original"]["file"]["name"] == "a.jpg"
        })
        .await;
    assert_eq!(got["files"][0]["name"], "b.jpg");
    let code = bob
        .fail(
            "messages.send_files",
            json!({ "to": anna.account, "files": [] }),
        )
        .await;
    assert_eq!(code, "core.empty_message");
}

/// The list of conversations tells which picture of Anna is here.
async fn pictured(anna: &mut Person, bob: &mut Person) {
    let list = bob.open("conversations.open", json!({})).await;
    let own = anna.account.clone();
    let is_anna = move |row: &serde_json::Value| row["id"] == own;
    let before = bob.until_item("Anna", list, is_anna.clone()).await;
    assert!(before["person"].get("picture").is_none(), "{before}");
    let content = json!({ "content": BASE64.encode(&photo()) });
    anna.call("profile.set_picture", content).await;
    anna.until_heard("picture.changed", |_| true).await;
    let me = anna.call("profile.get", json!({})).await;
    assert!(me["person"]["picture"].is_u64(), "{me}");
    let hello = json!({ "to": bob.account, "text": "with a picture" });
    anna.call("messages.send", hello).await;
    let row = bob
        .until_item("a picture", list, |row| {
            is_anna(row) && row["person"].get("picture").is_some()
        })
        .await;
    assert!(row["person"]["picture"].as_u64() < Some(1 << 53));
    let person = json!({ "person": anna.account });
    let picture = bob.call("pictures.get", person).await;
    assert_eq!(picture["picture"]["state"]["is"], "here");
}
