//! The API as pages use it.

use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::browser::{Asking, Heard, Here, NOWHERE, PATIENCE, Socket};

/// Makes an account; its id.
async fn account(socket: &mut Socket) -> Value {
    let new = json!({ "name": "Alice", "network": NOWHERE, "key_store": "file" });
    let made = socket.call("accounts.create", new).await;
    made["result"]["account"]["id"].clone()
}

#[tokio::test]
async fn two_pages_of_one_user_see_the_same() {
    let here = Here::new().await;
    let mut one = here.socket().await;
    let mut two = here.socket().await;
    let me = account(&mut one).await;
    let opened = two
        .call("conversations.open", json!({ "account": me }))
        .await;
    assert_eq!(opened["result"]["total"], 0, "{opened}");
    let note = json!({ "account": me, "to": me, "text": "a note" });
    assert!(one.call("messages.send", note).await["result"].is_object());
    loop {
        let Heard::Text(told) = two.next().await else {
            panic!("the page was sent away");
        };
        if told["method"] == "conversations.diff" && told.to_string().contains("a note") {
            break;
        }
    }
    here.session.close().await;
}

#[tokio::test]
async fn a_page_names_no_files_of_the_computer() {
    let here = Here::new().await;
    let mut socket = here.socket().await;
    let me = account(&mut socket).await;
    let secret = std::env::current_exe().unwrap();
    let secret = secret.to_str().unwrap();
    for (method, params) in [
        (
            "messages.send_files",
            json!({ "account": me, "to": me, "files": [{ "path": secret }] }),
        ),
        (
            "profile.set_picture",
            json!({ "account": me, "path": secret }),
        ),
        (
            "files.save",
            json!({ "account": me, "message_id": 1, "index": 0, "path": secret }),
        ),
    ] {
        let refused = socket.call(method, params).await;
        assert_eq!(
            refused["error"]["data"]["code"], "api.no_paths",
            "{refused}"
        );
    }
    // Contents go.
    let files = json!([{ "content": "aGVsbG8=", "name": "hello.txt" }]);
    let sent = json!({ "account": me, "to": me, "files": files });
    let sent = socket.call("messages.send_files", sent).await;
    assert!(sent["result"]["message_id"].is_number(), "{sent}");
    here.session.close().await;
}

#[tokio::test]
async fn what_a_page_asked_before_it_went_is_done() {
    let here = Here::new().await;
    let mut socket = here.socket().await;
    let me = account(&mut socket).await;
    let call = json!({
        "jsonrpc": "2.0", "id": 1, "method": "messages.send",
        "params": { "account": me, "to": me, "text": "the last words" },
    });
    socket.say(&call).await;
    drop(socket);
    let watching = here.session.connect();
    let arrived = async {
        loop {
            let list = watching
                .call("conversations.list", json!({ "account": me }))
                .await;
            if list.unwrap().to_string().contains("the last words") {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, arrived).await.unwrap();
    here.session.close().await;
}

#[tokio::test]
async fn frames_that_are_no_texts_or_too_long_end_the_socket_and_nothing_else() {
    let here = Here::new().await;
    let mut other = here.socket().await;
    let mut binary = here.socket().await;
    binary.put(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(binary.next().await, Heard::Closed(1003));

    // As long as it may be.
    let mut long = here.socket().await;
    let text = "x".repeat(session_api::MAX_LINE);
    long.put(Message::text(text.clone())).await;
    let Heard::Text(answer) = long.next().await else {
        panic!("sent away");
    };
    assert_eq!(answer["error"]["code"], -32700);
    // The server need not read it to the end.
    let _ = timeout(
        PATIENCE,
        futures_util::SinkExt::send(&mut long.0, Message::text(text + "x")),
    )
    .await
    .unwrap();
    assert!(matches!(
        long.next().await,
        Heard::Closed(1009) | Heard::Gone
    ));

    let hello = other.call("hello", json!({})).await;
    assert_eq!(hello["result"]["accounts"], json!([]));
}

#[tokio::test]
async fn pages_are_told_when_the_server_stops() {
    let here = Here::new().await;
    let mut socket = here.socket().await;
    let mut keyless = Socket::connect(&here, &here.origin()).await.unwrap();
    let address = here.address();
    let stopped = tokio::spawn(here.server.stop());
    assert_eq!(socket.next().await, Heard::Closed(1001));
    assert_eq!(keyless.next().await, Heard::Closed(1001));
    drop((socket, keyless));
    timeout(PATIENCE, stopped).await.unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn long_files_are_uploaded_beside_the_calls() {
    let here = Here::new().await;
    let mut socket = here.socket().await;
    let me = account(&mut socket).await;
    let key = here.key().await;
    let upload = |content: Vec<u8>, key: &str, origin: &str| {
        let asked = Asking::new(&here, Method::POST, "/upload", Body::from(content));
        asked
            .header("origin", origin)
            .header("x-session-key", key)
            .header("content-type", "application/octet-stream")
            .send()
    };
    let origin = here.origin();
    let content: Vec<u8> = (0..=u8::MAX).cycle().take(5_000_000).collect();
    let said = upload(content.clone(), &key, &origin).await;
    assert_eq!(said.status, StatusCode::OK);
    let handle = said.json()["upload"].clone();
    let send = json!({ "account": me, "to": me, "files": [{ "upload": handle, "name": "a.bin" }] });
    let sent = socket.call("messages.send_files", send.clone()).await;
    assert!(sent["result"]["message_id"].is_number(), "{sent}");
    let message = sent["result"]["message_id"].clone();
    let ask = json!({ "account": me, "message_id": message, "index": 0 });
    let part = socket.call("files.content", ask).await;
    assert_eq!(part["result"]["size"], 5_000_000);
    // It was worth one call.
    let again = socket.call("messages.send_files", send).await;
    assert_eq!(again["error"]["data"]["code"], "api.unknown_upload");

    for (key, origin) in [
        ("", &*origin),
        ("guess", &origin),
        (&key, "http://example.org"),
    ] {
        let said = upload(vec![1], key, origin).await;
        assert_eq!(said.status, StatusCode::FORBIDDEN, "{key} {origin}");
    }
    let said = upload(vec![1; session_api::MOST_UPLOADED + 1], &key, &origin).await;
    assert_eq!(said.status, StatusCode::PAYLOAD_TOO_LARGE);
    for _ in 0..6 {
        let said = upload(vec![1; session_api::MOST_UPLOADED], &key, &origin).await;
        assert_eq!(said.status, StatusCode::OK);
    }
    let said = upload(vec![1; session_api::MOST_UPLOADED], &key, &origin).await;
    assert_eq!(said.status, StatusCode::INSUFFICIENT_STORAGE);
    here.session.close().await;
}
