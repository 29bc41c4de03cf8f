//! Who is let in, and who is not.

use std::time::Duration;

use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::json;
use session_web::{WebError, WebOptions, WebServer, launch_again};

use crate::browser::{Asking, Heard, Here, Socket};

#[tokio::test]
async fn every_answer_says_what_the_page_may_do() {
    let here = Here::new().await;
    let page = Asking::get(&here, "/").send().await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let nothing = Asking::get(&here, "/nothing").send().await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
    let stranger = Asking::get(&here, "/").header("host", "example.org").send();
    let stranger = stranger.await;
    assert_eq!(stranger.status, StatusCode::FORBIDDEN);
    let wrong = Asking::get(&here, "/session").send().await;
    assert_eq!(wrong.status, StatusCode::METHOD_NOT_ALLOWED);
    for said in [page, nothing, stranger, wrong] {
        let policy = said.header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
            &format!("connect-src 'self' ws://{}", here.address()),
        ] {
            assert!(
                policy.split("; ").any(|own| own == rule),
                "{rule}: {policy}"
            );
        }
        assert_eq!(said.header("x-content-type-options"), "nosniff");
        assert_eq!(said.header("referrer-policy"), "no-referrer");
        assert_eq!(said.header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(said.header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(said.header("cache-control"), "no-store");
        assert!(said.header("permissions-policy").contains("camera=(self)"));
        assert_eq!(said.header("access-control-allow-origin"), "");
        assert_eq!(said.header("set-cookie"), "");
    }
}

#[tokio::test]
async fn a_link_opens_one_page_once() {
    let here = Here::new().await;
    let launch = here.server.launch(WebServer::AT_ONCE).unwrap();
    let code = launch.url().split_once('#').unwrap().1.to_owned();
    let (status, answer) = here.exchange(&code).await;
    assert_eq!(status, StatusCode::OK);
    launch.taken().await;
    let key = answer["key"].as_str().unwrap();
    let mut first = Socket::connect(&here, &here.origin()).await.unwrap();
    first.say(&json!({ "key": key })).await;
    assert_eq!(first.next().await, Heard::Text(json!({ "ok": true })));
    // A page may connect again with its key.
    let mut again = Socket::connect(&here, &here.origin()).await.unwrap();
    again.say(&json!({ "key": key })).await;
    assert_eq!(again.next().await, Heard::Text(json!({ "ok": true })));
    let mut other = here.socket().await;

    // Somebody had the link too.
    let (status, answer) = here.exchange(&code).await;
    assert_eq!(
        (status, answer),
        (StatusCode::FORBIDDEN, json!({ "error": "used" }))
    );
    assert_eq!(first.next().await, Heard::Closed(4403));
    assert_eq!(again.next().await, Heard::Closed(4403));
    let mut replayed = Socket::connect(&here, &here.origin()).await.unwrap();
    replayed.say(&json!({ "key": key })).await;
    assert_eq!(replayed.next().await, Heard::Closed(4403));
    // Pages of other links do not mind.
    let hello = other.call("hello", json!({ "version": 1 })).await;
    assert_eq!(hello["result"]["api"], 1);
}

#[tokio::test]
async fn codes_that_are_wrong_or_old_open_nothing() {
    let here = Here::new().await;
    let old = here.server.launch(Duration::ZERO).unwrap();
    let old = old.url().split_once('#').unwrap().1;
    for code in ["", "guess", old, here.server.secret(), &here.key().await] {
        let (status, answer) = here.exchange(code).await;
        let unknown = (StatusCode::FORBIDDEN, json!({ "error": "unknown" }));
        assert_eq!((status, answer), unknown, "{code}");
    }
    for body in [
        json!({}),
        json!([]),
        json!({ "code": 7 }),
        json!({ "code": "x", "y": 1 }),
    ] {
        let asked = Asking::post(&here, "/session", &body).header("origin", &here.origin());
        let said = asked.send().await;
        assert_eq!(said.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(said.body.is_empty(), "{said:?}");
    }
    let long = json!({ "code": "x".repeat(2000) });
    let asked = Asking::post(&here, "/session", &long).header("origin", &here.origin());
    assert_eq!(asked.send().await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn other_origins_and_hosts_get_nothing() {
    let here = Here::new().await;
    let port = here.address().port();
    let code = here.code();
    let body = json!({ "code": code });
    let strangers = [
        String::new(),
        "null".to_owned(),
        "http://example.org".to_owned(),
        format!("http://localhost:{port}"),
        format!("http://127.0.0.1:{}", port ^ 1),
        format!("https://127.0.0.1:{port}"),
    ];
    for origin in &strangers {
        let asked = Asking::post(&here, "/session", &body).header("origin", origin);
        assert_eq!(asked.send().await.status, StatusCode::FORBIDDEN, "{origin}");
        let socket = Socket::connect(&here, origin).await;
        assert_eq!(socket.err(), Some(StatusCode::FORBIDDEN), "{origin}");
        if !origin.is_empty() {
            let asked = Asking::get(&here, "/").header("origin", origin);
            assert_eq!(asked.send().await.status, StatusCode::FORBIDDEN, "{origin}");
        }
    }
    // A name that was made to point here.
    for host in [
        "",
        "rebound.example",
        "localhost",
        &format!("localhost:{port}"),
        "127.0.0.1",
    ] {
        for origin in [here.origin(), format!("http://{host}")] {
            let asked = Asking::post(&here, "/session", &body)
                .header("origin", &origin)
                .header("host", host);
            assert_eq!(asked.send().await.status, StatusCode::FORBIDDEN, "{host}");
            if !host.is_empty() {
                let socket = Socket::connect_as(&here, &origin, host).await;
                assert_eq!(socket.err(), Some(StatusCode::FORBIDDEN), "{host}");
            }
        }
    }
    // None of them used the code.
    assert_eq!(here.exchange(&code).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_cookie_or_a_header_is_no_key() {
    let here = Here::new().await;
    let key = here.key().await;
    let said = Asking::get(&here, "/api")
        .header("origin", &here.origin())
        .header("cookie", &format!("key={key}"))
        .send()
        .await;
    assert_eq!(said.status, StatusCode::BAD_REQUEST);
    let mut socket = Socket::connect(&here, &here.origin()).await.unwrap();
    socket
        .say(&json!({ "jsonrpc": "2.0", "id": 1, "method": "hello", "params": {} }))
        .await;
    assert_eq!(socket.next().await, Heard::Closed(4403));
    for wrong in [
        json!({}),
        json!({ "key": "" }),
        json!({ "key": here.code() }),
        json!({ "key": key, "more": 1 }),
        json!({ "key": "x".repeat(5000) }),
    ] {
        let mut socket = Socket::connect(&here, &here.origin()).await.unwrap();
        socket.say(&wrong).await;
        assert_eq!(socket.next().await, Heard::Closed(4403), "{wrong}");
    }
}

#[tokio::test]
async fn who_shows_no_key_in_time_is_sent_away() {
    let here = Here::with(WebOptions {
        key_within: Duration::from_millis(50),
        ..WebOptions::default()
    })
    .await;
    let mut socket = Socket::connect(&here, &here.origin()).await.unwrap();
    assert_eq!(socket.next().await, Heard::Closed(4403));
}

#[tokio::test]
async fn another_process_of_the_user_gets_a_link_by_the_secret() {
    let here = Here::new().await;
    let address = here.address();
    let url = launch_again(address, here.server.secret()).await.unwrap();
    let code = url.split_once('#').unwrap().1;
    assert_eq!(here.exchange(code).await.0, StatusCode::OK);
    for wrong in ["", "guess", &here.key().await, code] {
        let refused = launch_again(address, wrong).await;
        assert!(matches!(refused, Err(WebError::NotThere)), "{wrong}");
    }
    // Not even this server's own page does.
    let asked = json!({ "secret": here.server.secret() });
    for origin in [
        here.origin(),
        "null".to_owned(),
        "http://example.org".to_owned(),
    ] {
        let asked = Asking::post(&here, "/launch", &asked).header("origin", &origin);
        assert_eq!(asked.send().await.status, StatusCode::FORBIDDEN);
    }
    here.server.stop().await;
    let gone = launch_again(address, "guess").await;
    assert!(matches!(gone, Err(WebError::NotThere)));
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let here = Here::new().await;
    let options = WebOptions {
        port: here.address().port(),
        ..WebOptions::default()
    };
    let taken = WebServer::start(here.session.clone(), options).await;
    let text = taken.err().unwrap().to_string();
    assert_eq!(
        text,
        format!("cannot listen on port {} of this computer", options.port)
    );
}

#[tokio::test]
async fn only_the_methods_that_exist_are_answered() {
    let here = Here::new().await;
    for method in [Method::PUT, Method::DELETE, Method::OPTIONS, Method::POST] {
        let asked = Asking::new(&here, method.clone(), "/", Body::empty());
        let said = asked.header("origin", &here.origin()).send().await;
        assert_eq!(said.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
    let head = Asking::new(&here, Method::HEAD, "/", Body::empty())
        .send()
        .await;
    assert_eq!(head.status, StatusCode::OK);
    assert!(head.body.is_empty());
}
