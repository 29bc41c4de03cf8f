//! The API over two streams, fed with what it should and should not get.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use session_api::{MAX_LINE, serve};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, duplex};

use crate::support::{home, run, session, within};

/// What is answered to `input` until it has ended.
async fn answers(input: &[u8]) -> Vec<Value> {
    let home = home();
    let session = session(&home);
    let mut output = Vec::new();
    let served = serve(session.connect(), input, &mut output);
    within("serving", served).await.unwrap();
    session.close().await;
    let output = String::from_utf8(output).unwrap();
    output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn request(id: impl Into<Value>, method: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method }).to_string()
}

#[test]
fn garbage_is_refused_and_nothing_else_is_lost() {
    run(async {
        let mut input = Vec::new();
        let mut expected: Vec<(Value, Value)> = Vec::new();
        let mut line = |text: &[u8], id: Value, code: Value| {
            input.extend_from_slice(text);
            input.push(b'\n');
            expected.push((id, code));
        };
        let parse = json!(-32700);
        let bad = json!(-32600);
        line(b"{", Value::Null, parse.clone());
        line(b"hello", Value::Null, parse.clone());
        line(b"\xff\xfe\x00", Value::Null, parse.clone());
        line(b"{\"jsonrpc\":\"2.0\"} x", Value::Null, parse.clone());
        line("[".repeat(5000).as_bytes(), Value::Null, parse);
        for text in [
            "1",
            "null",
            "\"hello\"",
            "{}",
            "[]",
            r#"{"id":{},"jsonrpc":"2.0","method":"hello"}"#,
            r#"{"jsonrpc":"2.0","method":7}"#,
        ] {
            line(text.as_bytes(), Value::Null, bad.clone());
        }
        line(br#"{"id":3,"method":"hello"}"#, json!(3), bad.clone());
        line(
            br#"{"jsonrpc":"1.0","id":"a","method":"hello"}"#,
            json!("a"),
            bad.clone(),
        );
        line(request(4, "no.such").as_bytes(), json!(4), json!(-32601));
        line(
            br#"{"jsonrpc":"2.0","id":5,"method":"hello","params":[1]}"#,
            json!(5),
            json!(-32602),
        );
        line(
            br#"{"jsonrpc":"2.0","id":6,"method":"hello","params":{"version":"x"}}"#,
            json!(6),
            json!(-32602),
        );
        line(&vec![b'x'; 3 * MAX_LINE], Value::Null, bad.clone());
        line(&vec![b' '; MAX_LINE + 1], Value::Null, bad);
        line(request(7, "hello").as_bytes(), json!(7), Value::Null);
        let crowded = format!(
            "\r\n   \n{}\r\n{}",
            request("last", "hello"),
            // No end of line, and no answer wanted.
            r#"{"jsonrpc":"2.0","method":"hello"}"#
        );
        input.extend_from_slice(crowded.as_bytes());
        expected.push((json!("last"), Value::Null));
        let key = |pair: &(Value, Value)| format!("{} {}", pair.0, pair.1);
        let mut found: Vec<(Value, Value)> = answers(&input)
            .await
            .into_iter()
            .map(|answer| (answer["id"].clone(), answer["error"]["code"].clone()))
            .collect();
        found.sort_by_key(key);
        expected.sort_by_key(key);
        assert_eq!(found, expected);
    });
}

#[test]
fn the_longest_line_is_read() {
    run(async {
        let mut text = request(1, "hello").into_bytes();
        text.resize(MAX_LINE, b' ');
        text.push(b'\n');
        let found = answers(&text).await;
        assert_eq!(found[0]["result"]["api"], 1);
        text.insert(0, b' ');
        assert_eq!(answers(&text).await[0]["error"]["code"], -32600);
    });
}

#[test]
fn batches_are_answered_together() {
    run(async {
        let batch = format!(
            r#"[{},1,{{"jsonrpc":"2.0","method":"hello"}},{}]"#,
            request(1, "hello"),
            request(2, "no.such")
        );
        let silent = r#"[{"jsonrpc":"2.0","method":"hello"}]"#;
        let many = format!("[{}1]", "1,".repeat(100));
        let found = answers(format!("{batch}\n{silent}\n").as_bytes()).await;
        assert_eq!(found.len(), 1);
        let codes: Vec<_> = found[0]
            .as_array()
            .unwrap()
            .iter()
            .map(|answer| (answer["id"].clone(), answer["error"]["code"].clone()))
            .collect();
        assert_eq!(
            codes,
            [
                (json!(1), Value::Null),
                (Value::Null, json!(-32600)),
                (json!(2), json!(-32601))
            ]
        );
        assert_eq!(answers(many.as_bytes()).await[0]["error"]["code"], -32600);
    });
}

#[test]
fn a_thousand_requests_at_once_are_all_answered() {
    run(async {
        let input: String = (0..1000)
            .map(|n| request(n, if n % 2 == 0 { "hello" } else { "accounts.list" }) + "\n")
            .collect();
        let found = answers(input.as_bytes()).await;
        let ids: BTreeSet<u64> = found
            .iter()
            .map(|answer| {
                assert!(answer["result"]["accounts"].is_array(), "{answer}");
                answer["id"].as_u64().unwrap()
            })
            .collect();
        assert_eq!((found.len(), ids.len()), (1000, 1000));
    });
}

#[test]
fn an_end_in_the_middle_is_an_end() {
    run(async {
        assert_eq!(answers(b"").await, [] as [Value; 0]);
        let whole = request(1, "hello");
        for cut in 1..whole.len() {
            let found = answers(&whole.as_bytes()[..cut]).await;
            assert_eq!(found.len(), 1, "{cut}");
            assert_eq!(found[0]["error"]["code"], -32700);
        }
        assert_eq!(answers(whole.as_bytes()).await[0]["result"]["api"], 1);
    });
}

#[test]
fn what_was_asked_before_the_end_is_answered() {
    run(async {
        let home = home();
        let session = session(&home);
        let (near, far) = duplex(256);
        let (reader, writer) = tokio::io::split(far);
        let connection = session.connect();
        let serving = tokio::spawn(async move { serve(connection, reader, writer).await });
        let (reader, mut writer) = tokio::io::split(near);
        let new = json!({
            "jsonrpc": "2.0",
            "id": 1,
            "method": "accounts.create",
            // Takes a while.
            "params": { "network": "http://127.0.0.1:9", "passphrase": "correct horse" },
        });
        writer
            .write_all(format!("{new}\n").as_bytes())
            .await
            .unwrap();
        writer.shutdown().await.unwrap();
        let mut lines = BufReader::new(reader).lines();
        let mut answered = false;
        while let Some(line) = within("a line", lines.next_line()).await.unwrap() {
            let line: Value = serde_json::from_str(&line).unwrap();
            answered |= line["id"] == 1 && line["result"]["account"]["open"] == true;
        }
        assert!(answered);
        within("the end", serving).await.unwrap().unwrap();
        session.close().await;
    });
}

#[test]
fn an_output_that_is_closed_ends_it() {
    run(async {
        let home = home();
        let session = session(&home);
        let (near, far) = duplex(64);
        let (reader, writer) = tokio::io::split(far);
        let connection = session.connect();
        let serving = tokio::spawn(async move { serve(connection, reader, writer).await });
        let (reader, mut writer) = tokio::io::split(near);
        // A request whose answer nobody will read.
        writer
            .write_all((request(1, "hello") + "\n").as_bytes())
            .await
            .unwrap();
        drop((reader, writer));
        let _ = within("the end", serving).await.unwrap();
        session.close().await;
    });
}
