//! Messages on a QUIC stream (docs/protocol/node.md section 6.3).
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::collection::vec;
use proptest::prelude::*;
use session_storage_rpc::stream::body::{self, BodyForm};
use session_storage_rpc::stream::{
    MAX_ANNOUNCED, MAX_LIST, StreamDecoder, StreamError, StreamMessage,
};
use session_storage_rpc::{Reply, Request, Tree};

fn command(id: i64, endpoint: &str, body: &[u8]) -> StreamMessage {
    StreamMessage::Command {
        id,
        endpoint: endpoint.to_owned(),
        body: body.to_vec(),
    }
}

fn all(bytes: &[u8]) -> Result<Vec<StreamMessage>, StreamError> {
    let mut decoder = StreamDecoder::new();
    decoder.push(bytes);
    let mut messages = Vec::new();
    while let Some(message) = decoder.next_message()? {
        messages.push(message);
    }
    Ok(messages)
}

#[test]
fn the_example_of_the_page() {
    let info = command(0, "info", b"");
    assert_eq!(info.encode().unwrap(), b"16:l1:Ci0e4:info0:e");
    assert_eq!(all(b"16:l1:Ci0e4:info0:e"), Ok(vec![info]));
}

#[test]
fn what_is_no_message_ends_the_stream() {
    for (bytes, error) in [
        (&b":le"[..], StreamError::Length),
        (b"x", StreamError::Length),
        (b"-1:", StreamError::Length),
        (b"123456789", StreamError::Length),
        (b"10000001:", StreamError::Length),
        (b"2 :le", StreamError::Length),
        (b"2:le", StreamError::Malformed),
        (b"2:xx", StreamError::Malformed),
        (b"9:l1:Xi0e0:e", StreamError::Malformed),
        (b"10:l1:Ri0e1:xe", StreamError::Malformed),
        (b"17:l1:Ci0e4:\xff\xff\xff\xff0:ee", StreamError::Malformed),
    ] {
        assert_eq!(all(bytes), Err(error), "{}", bytes.escape_ascii());
    }
    // What a later version may add is passed over.
    let reply = StreamMessage::Reply {
        id: 0,
        body: b"x".to_vec(),
    };
    assert_eq!(all(b"14:l1:Ri0e1:x1:ye"), Ok(vec![reply]));
    // The longest there may be is waited for.
    assert_eq!(all(b"10000000:l"), Ok(vec![]));
    assert!(command(0, "store", &vec![0; MAX_LIST]).encode().is_none());
}

/// Between nodes answers to onion requests may be longer than other messages.
#[test]
fn other_limits_than_the_usual_one() {
    let reply = |length| StreamMessage::Reply {
        id: 1,
        body: vec![7; length],
    };
    // l, 1:R, i1e, 8 digits, a colon and e
    let longest = reply(MAX_LIST);
    let bytes = longest.encode_within(MAX_LIST + 17).unwrap();
    assert_eq!(longest.encode_within(MAX_LIST + 16), None);
    assert_eq!(all(&bytes), Err(StreamError::Length));
    let mut decoder = StreamDecoder::within(MAX_LIST + 17);
    decoder.push(&bytes);
    assert_eq!(decoder.next_message(), Ok(Some(longest)));
    assert_eq!(reply(MAX_ANNOUNCED).encode_within(usize::MAX), None);
}

#[test]
fn an_answer_that_is_given_up_is_passed_over() {
    let reply = |id, length| StreamMessage::Reply {
        id,
        body: vec![7; length],
    };
    let error = StreamMessage::Error {
        id: -4,
        body: vec![1; 50],
    };
    let (large, small) = (reply(3, 1000).encode().unwrap(), reply(5, 10));
    let after = [error.encode().unwrap(), small.encode().unwrap()].concat();
    for cut in 0..=large.len() {
        let mut decoder = StreamDecoder::new();
        decoder.push(&large[..cut]);
        let skipped = decoder.skip_answer();
        // "1015:l1:Ri3e" names the command.
        assert_eq!(skipped, (cut >= 12).then_some(3), "{cut}");
        decoder.push(&large[cut..]);
        if skipped.is_some() {
            assert_eq!(decoder.pending(), 0, "{cut}");
        } else {
            assert_eq!(decoder.next_message(), Ok(Some(reply(3, 1000))));
        }
        // Whatever comes with its end is there.
        decoder.push(&after);
        assert_eq!(decoder.skip_answer(), Some(-4));
        assert_eq!(decoder.next_message(), Ok(Some(small.clone())));
        assert_eq!(decoder.pending(), 0);
    }
    let mut decoder = StreamDecoder::new();
    decoder.push(&command(3, "store", b"x").encode().unwrap());
    assert_eq!(decoder.skip_answer(), None);
    assert_eq!(
        decoder.next_message(),
        Ok(Some(command(3, "store", b"x"))),
        "a command is not passed over"
    );
}

#[test]
fn debug_shows_no_contents() {
    let message = command(7, "store", b"secret");
    assert_eq!(format!("{message:?}"), "Command(7, 6 bytes)");
}

#[test]
fn replies_have_the_form_of_the_request() {
    let tree = Tree::answer(vec![
        ("t".into(), Tree::Uint(5)),
        ("hash".into(), Tree::Text("h".to_owned())),
    ]);
    let ok = Reply::ok(tree.clone());
    assert_eq!(BodyForm::of(b""), BodyForm::Json);
    assert_eq!(BodyForm::of(b"{}"), BodyForm::Json);
    assert_eq!(BodyForm::of(b"de"), BodyForm::Bt);
    let json = body::encode(&ok, BodyForm::Json);
    assert_eq!(json, (true, br#"[200,{"hash":"h","t":5}]"#.to_vec()));
    let bt = body::encode(&ok, BodyForm::Bt);
    assert_eq!(bt, (true, b"li200ed4:hash1:h1:ti5eee".to_vec()));

    let bytes = Reply::ok(Tree::Blob(vec![1, 2, 3]));
    assert_eq!(body::encode(&bytes, BodyForm::Json), (true, vec![1, 2, 3]));

    let text = Reply::new(
        401,
        Tree::Text("retrieve: request signature required".to_owned()),
    );
    let (good, refused) = body::encode(&text, BodyForm::Bt);
    assert!(!good);
    assert_eq!(
        refused,
        b"401 Unauthorized\n\nretrieve: request signature required"
    );
    let moved = Reply::new(421, tree);
    let (good, refused) = body::encode(&moved, BodyForm::Bt);
    assert!(!good);
    let (status, rest) = body::read_failure(&refused).unwrap();
    assert_eq!((status, rest), (421, &b"li421ed4:hash1:h1:ti5eee"[..]));
    assert_eq!(body::read_failure(b"Invalid endpoint 'x'"), None);
}

/// A request of either form travels and is read as what it was.
#[test]
fn a_whole_request() {
    let parameters = Request::Info.params().to_bt_bytes();
    let sent = command(3, "info", &parameters).encode().unwrap();
    let StreamMessage::Command { endpoint, body, .. } = &all(&sent).unwrap()[0] else {
        unreachable!("a command was sent")
    };
    assert_eq!(Request::from_bt(endpoint, body), Ok(Request::Info));
}

fn message() -> impl Strategy<Value = StreamMessage> {
    let body = || vec(any::<u8>(), 0..300);
    prop_oneof![
        (any::<i64>(), "[a-z_]{0,12}", body())
            .prop_map(|(id, endpoint, body)| { StreamMessage::Command { id, endpoint, body } }),
        (any::<i64>(), body()).prop_map(|(id, body)| StreamMessage::Reply { id, body }),
        (any::<i64>(), body()).prop_map(|(id, body)| StreamMessage::Error { id, body }),
    ]
}

proptest! {
    /// However the bytes are cut, the same messages come out.
    #[test]
    fn any_cut_gives_the_same_messages(
        messages in vec(message(), 0..6),
        cuts in vec(1usize..200, 1..20),
    ) {
        let stream: Vec<u8> = messages.iter().flat_map(|m| m.encode().unwrap()).collect();
        let mut decoder = StreamDecoder::new();
        let mut found = Vec::new();
        let mut rest = stream.as_slice();
        let mut sizes = cuts.iter().cycle();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
            decoder.push(piece);
            rest = after;
            while let Some(message) = decoder.next_message().unwrap() {
                found.push(message);
            }
            // A message of at most 300 bytes and its frame, and the piece.
            prop_assert!(decoder.pending() < 400 + 200);
        }
        prop_assert_eq!(found, messages);
        prop_assert_eq!(decoder.pending(), 0);
    }

    #[test]
    fn any_bytes_are_survived(pieces in vec(vec(any::<u8>(), 0..60), 0..20)) {
        let mut decoder = StreamDecoder::new();
        'pieces: for piece in &pieces {
            decoder.push(piece);
            loop {
                match decoder.next_message() {
                    Ok(Some(_)) => {}
                    Ok(None) if piece.len() % 2 == 1 => {
                        decoder.skip_answer();
                        break;
                    }
                    Ok(None) => break,
                    Err(_) => break 'pieces,
                }
            }
        }
        let _ = body::read_failure(&pieces.concat());
    }

    /// Nearly right: the length fits, the list is anything.
    #[test]
    fn any_list_is_survived(list in vec(any::<u8>(), 0..80)) {
        let framed = [format!("{}:", list.len()).as_bytes(), &list].concat();
        if let Ok(messages) = all(&framed) {
            for message in messages {
                prop_assert_eq!(all(&message.encode().unwrap()).unwrap(), vec![message]);
            }
        }
    }
}
