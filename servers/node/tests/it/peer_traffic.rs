//! Node to node requests: who may send them, and what is taken.

use std::time::Duration;

use session_crypto::Ed25519Secret;
use session_crypto::hash::{blake2b, message_hash};
use session_storage_rpc::bulk::{self, BulkMessage};
use session_storage_rpc::{Request, Store};
use session_types::{Ed25519PublicKey, Namespace, Timestamp};

use crate::support::{Answer, DAY, Network, Person, SWARM, TWO_WEEKS};

const LEFT: u64 = 0x4000_0000_0000_0000;
const RIGHT: u64 = 0xc000_0000_0000_0000;

/// A request as nodes send it, signed by any key for any recipient.
pub(crate) async fn send(
    network: &Network,
    index: usize,
    key: &Ed25519Secret,
    recipient: &Ed25519PublicKey,
    time: Timestamp,
    path: &str,
    body: Vec<u8>,
) -> Answer {
    let digest = blake2b::<32>(&[&body]);
    let text = [
        b"session-node-v1".as_slice(),
        recipient.as_bytes(),
        time.to_string().as_bytes(),
        path.as_bytes(),
        &digest,
    ]
    .concat();
    let sent = network
        .http
        .post(network.url(index, path))
        .header("X-Session-Node-Pubkey", key.public().to_hex())
        .header("X-Session-Node-Timestamp", time.to_string())
        .header("X-Session-Node-Signature", key.sign(&text).to_base64())
        .body(body);
    let answer = sent.send().await.unwrap();
    let status = answer.status().as_u16();
    // Whatever a node answers to another, it signs.
    assert!(status == 401 || answer.headers().contains_key("x-session-node-signature"));
    Answer {
        status,
        text: String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned(),
    }
}

pub(crate) async fn send_as(
    network: &Network,
    sender: usize,
    index: usize,
    path: &str,
    body: Vec<u8>,
) -> Answer {
    let key = Ed25519Secret::from_seed(network.seed(sender));
    let recipient = network.contact(index).ed25519;
    send(network, index, &key, &recipient, network.now(), path, body).await
}

pub(crate) fn command(request: &Request) -> Vec<u8> {
    let params = request.to_forward_bt().unwrap();
    let method = request.method().name();
    let mut body = format!("l{}:{method}{}:", method.len(), params.len()).into_bytes();
    body.extend_from_slice(&params);
    body.push(b'e');
    body
}

fn row(person: &Person, now: Timestamp, data: &[u8]) -> BulkMessage {
    let namespace = Namespace::USER_PROFILE;
    BulkMessage {
        owner: person.owner(),
        namespace,
        hash: message_hash(&person.owner(), namespace, data),
        timestamp: now,
        expiry: now.plus(DAY),
        data: data.to_vec(),
    }
}

fn batch(rows: &[BulkMessage]) -> Vec<u8> {
    bulk::encode(rows, usize::MAX).remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_listed_nodes_with_the_right_time_and_recipient_are_heard() {
    let network = Network::start(&[(SWARM, 3)]).await;
    let person = network.person(SWARM);
    let now = network.now();
    let path = "/node/v1/data";
    let body = || batch(&[row(&person, now, b"pushed")]);
    let key = Ed25519Secret::from_seed(network.seed(1));
    let recipient = network.contact(0).ed25519;
    let stranger = Ed25519Secret::from_seed([1; 32]);
    let other = network.contact(2).ed25519;
    let late = now.plus(Duration::from_millis(60_001));
    let refused = [
        (&stranger, &recipient, now, "not a known node"),
        (&key, &other, now, "node signature verification failed"),
        (
            &key,
            &recipient,
            late,
            "node timestamp too far from current time",
        ),
    ];
    for (key, recipient, time, text) in refused {
        send(&network, 0, key, recipient, time, path, body())
            .await
            .expect_text(401, text);
    }
    let bare = network.post(0, path, body()).await;
    bare.expect_text(401, "node authentication headers missing");
    assert_eq!(network.node(0).message_count().await.unwrap(), 0);
    send_as(&network, 1, 0, path, body())
        .await
        .expect_text(200, "OK");
    assert_eq!(network.hashes(0, &person.signer(), 2).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn pushed_messages_are_checked() {
    let network = Network::start(&[(LEFT, 2), (RIGHT, 1)]).await;
    let (ours, theirs) = (network.person(LEFT), network.person(RIGHT));
    let now = network.now();
    let path = "/node/v1/data";
    let good = row(&ours, now, b"good");
    let planted = BulkMessage {
        data: b"planted".to_vec(),
        ..good.clone()
    };
    let expired = BulkMessage {
        expiry: now,
        ..row(&ours, now, b"expired")
    };
    let eternal = BulkMessage {
        expiry: now.plus(1000 * DAY),
        ..row(&ours, now, b"eternal")
    };
    let foreign = row(&theirs, now, b"foreign");

    let rows = [planted, expired, eternal.clone(), foreign];
    send_as(&network, 1, 0, path, batch(&rows))
        .await
        .expect_text(409, "swarm mismatch");
    send_as(&network, 1, 0, path, batch(std::slice::from_ref(&good)))
        .await
        .expect_text(200, "OK");
    send_as(&network, 1, 0, path, batch(std::slice::from_ref(&good)))
        .await
        .expect_text(200, "OK");
    let expected = [eternal.hash.clone(), good.hash];
    assert_eq!(network.hashes(0, &ours.signer(), 2).await, expected);
    let metrics = network.node(0).metrics().await;
    assert_eq!((metrics.bulk_received, metrics.bulk_refused), (2, 2));

    // At most the longest lifetime and an hour.
    let request = session_storage_rpc::request::GetExpiries::signed(
        &ours.signer(),
        std::slice::from_ref(&eternal.hash),
        now,
    );
    let answer = network
        .ask(0, Request::GetExpiries(request.unwrap()))
        .await
        .ok();
    let expiry = answer["expiries"][eternal.hash.as_str()].as_u64().unwrap();
    assert_eq!(
        expiry,
        now.plus(30 * DAY).plus(Duration::from_secs(3600)).as_ms()
    );

    for garbage in [&b""[..], b"\x01", b"\x02le", b"\x01lli1eee", b"le"] {
        let answer = send_as(&network, 1, 0, path, garbage.to_vec()).await;
        answer.expect_text(400, "Failed to parse messages");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_element_rows_are_of_namespace_0() {
    let network = Network::start(&[(SWARM, 2)]).await;
    let person = network.person(SWARM);
    let now = network.now();
    let hash = message_hash(&person.owner(), Namespace::DEFAULT, b"old");
    let mut body = b"\x01ll33:".to_vec();
    body.extend_from_slice(&person.owner().to_bytes());
    let rest = format!("43:{hash}i{now}ei{}e3:oldee", now.plus(DAY));
    body.extend_from_slice(rest.as_bytes());
    send_as(&network, 1, 0, "/node/v1/data", body)
        .await
        .expect_text(200, "OK");
    assert_eq!(network.hashes(0, &person.signer(), 0).await, [hash]);
}

#[tokio::test(flavor = "multi_thread")]
async fn forwarded_requests_are_checked_again_and_go_nowhere_else() {
    let network = Network::start(&[(SWARM, 3)]).await;
    let person = network.person(SWARM);
    let now = network.now();
    let path = "/node/v1/storage_cc";
    let store = Store::unsigned(person.owner(), now, TWO_WEEKS, b"forwarded".to_vec()).unwrap();
    let hash = message_hash(&person.owner(), Namespace::DEFAULT, b"forwarded");
    let sent = send_as(
        &network,
        1,
        0,
        path,
        command(&Request::Store(store.clone())),
    )
    .await;
    assert_eq!(sent.status, 200);
    assert!(sent.text.starts_with(&format!(
        "d6:expiryi{}e4:hash43:{hash}9:signature64:",
        store.expiry
    )));
    assert_eq!(network.hashes(0, &person.signer(), 0).await, [hash]);
    assert!(network.hashes(2, &person.signer(), 0).await.is_empty());
    assert_eq!(network.node(0).metrics().await.stores_forwarded, 1);

    let unsigned = Store {
        namespace: Namespace::USER_PROFILE,
        ..store
    };
    send_as(&network, 1, 0, path, command(&Request::Store(unsigned)))
        .await
        .expect_text(401, "store: signature required to store to namespace 2");
    send_as(&network, 1, 0, path, b"l4:info2:dee".to_vec())
        .await
        .expect_text(
            400,
            "invalid request: received invalid forwarded non-forwardable request",
        );
    let garbage = send_as(&network, 1, 0, path, b"nonsense".to_vec()).await;
    assert_eq!(garbage.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn hellos_are_confirmed_by_members_only() {
    let network = Network::start(&[(LEFT, 2), (RIGHT, 1)]).await;
    let path = "/node/v1/data_ready";
    let hello = b"d1:@i0e1:ti0ee".to_vec();
    send_as(&network, 1, 0, path, hello.clone())
        .await
        .expect_text(200, "OK");
    send_as(&network, 2, 0, path, hello)
        .await
        .expect_text(400, "swarm mismatch");
    send_as(&network, 1, 0, path, vec![])
        .await
        .expect_text(400, "request payload missing or malformed");
    send_as(&network, 1, 0, path, b"d1:@i7ee".to_vec())
        .await
        .expect_text(400, "unsupported data_ready version");
}
