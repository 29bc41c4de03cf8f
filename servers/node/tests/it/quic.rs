//! The QUIC interface: case 34, and what docs/protocol/node.md section 6.3 says.

use std::net::UdpSocket;
use std::time::Duration;

use data_encoding::BASE64;
use serde_json::{Value, json};
use session_crypto::onion_cipher::OnionCipher;
use session_encoding::bt;
use session_onion::packet::{Destination, build};
use session_quic::{
    Budget, Connection, Endpoint, Protocol, Push, QuicError, Stream, Target, TlsKey,
};
use session_storage_rpc::request::Delete;
use session_storage_rpc::stream::body;
use session_storage_rpc::{Request, Retrieve, Store};
use session_types::Namespace;

use crate::onion::hop;
use crate::support::{DAY, DEADLINE, Network, SWARM, TWO_WEEKS, until};

const SMALL: &[(u64, usize)] = &[(SWARM, 2)];

/// A client of one node.
pub(crate) struct QuicClient {
    pub(crate) connection: Connection,
    pub(crate) stream: Stream,
    pub(crate) pushes: Push,
}

/// A failure: status and text.
pub(crate) type Failure = (u16, Vec<u8>);

fn endpoint() -> Endpoint {
    Endpoint::client(UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap()
}

fn target(network: &Network, index: usize, protocol: Protocol) -> Target {
    let contact = network.contact(index);
    Target {
        address: (contact.ip, contact.omq_port).into(),
        key: contact.ed25519,
        protocol,
    }
}

impl QuicClient {
    pub(crate) async fn connect_without_stream(network: &Network, index: usize) -> Connection {
        let target = target(network, index, Protocol::Client);
        let own = TlsKey::random();
        let (connection, _) = endpoint()
            .connect(target, &own, Budget::unlimited())
            .await
            .unwrap();
        connection
    }

    pub(crate) async fn connect(network: &Network, index: usize) -> Self {
        let target = target(network, index, Protocol::Client);
        let own = TlsKey::random();
        let (connection, pushes) = endpoint()
            .connect(target, &own, Budget::unlimited())
            .await
            .unwrap();
        let stream = connection.open_stream().await.unwrap();
        Self {
            connection,
            stream,
            pushes,
        }
    }

    pub(crate) async fn ask(
        &self,
        name: &str,
        body: impl Into<Vec<u8>>,
    ) -> Result<Vec<u8>, Failure> {
        let answer = self.stream.request(name, body.into(), DEADLINE).await;
        let answer = answer.unwrap();
        if answer.good {
            return Ok(answer.body);
        }
        let (status, text) = body::read_failure(&answer.body).unwrap_or((0, &answer.body));
        Err((status, text.to_vec()))
    }

    async fn json(&self, request: &Request) -> Value {
        let method = request.method().name();
        let answer = self.ask(method, request.params().to_json_text()).await;
        let answer: Value = serde_json::from_slice(&answer.unwrap()).unwrap();
        assert_eq!(answer[0], 200);
        answer[1].clone()
    }

    async fn bt(&self, request: &Request) -> bt::Bt {
        let method = request.method().name();
        let answer = self.ask(method, request.params().to_bt_bytes()).await;
        let answer = answer.unwrap();
        let answer = bt::parse(&answer).unwrap();
        let parts = answer.as_list().unwrap();
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[0].as_i64(), Some(200));
        bt::Bt::from(&parts[1])
    }
}

/// What differs from one moment to the next.
fn without_time(mut answer: Value) -> Value {
    if let Some(fields) = answer.as_object_mut() {
        fields.remove("t");
        if let Some(Value::Object(swarm)) = fields.get_mut("swarm") {
            for result in swarm.values_mut() {
                result.as_object_mut().unwrap().remove("t");
            }
        }
    }
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn case_34_https_and_both_forms_over_quic_give_equal_results() {
    let network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    let client = QuicClient::connect(&network, 0).await;
    let now = network.now();

    // The same message in every form: stored once, there already twice.
    let data = vec![0xfe; 300];
    let store = Request::Store(Store::unsigned(bob.owner(), now, TWO_WEEKS, data.clone()).unwrap());
    let first = client.bt(&store).await;
    let hash = first.get("hash").unwrap().as_str().unwrap().to_owned();
    let by_https = without_time(network.ask(0, store.clone()).await.ok());
    let by_json = without_time(client.json(&store).await);
    assert_eq!(by_https, by_json);
    assert_eq!(by_json["hash"], hash.as_str());
    let node = network.contact(1).ed25519;
    assert_eq!(by_json["swarm"][node.to_hex()]["already"], true);
    let result = first.get("swarm").unwrap().get(node.to_hex()).unwrap();
    let signature = result.get("signature").unwrap().as_bytes().unwrap();
    assert_eq!(signature.len(), 64, "raw bytes");
    assert_eq!(
        by_https["swarm"][node.to_hex()]["signature"],
        BASE64.encode(signature)
    );

    let retrieve = Request::Retrieve(Retrieve::signed(&bob.signer(), Namespace::DEFAULT, now));
    let by_https = network.ask(0, retrieve.clone()).await.ok();
    assert_eq!(
        without_time(by_https.clone()),
        without_time(client.json(&retrieve).await)
    );
    let by_bt = client.bt(&retrieve).await;
    let messages = by_bt.get("messages").unwrap().as_list().unwrap();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].get("hash").unwrap().as_str(), Some(&*hash));
    assert_eq!(messages[0].get("data").unwrap().as_bytes(), Some(&*data));
    assert_eq!(by_bt.get("more").unwrap().as_i64(), Some(0));
    assert_eq!(by_https["messages"][0]["data"], BASE64.encode(&data));

    for request in [
        Request::Info,
        Request::GetSwarm(session_storage_rpc::request::GetSwarm { owner: bob.owner() }),
    ] {
        let by_https = without_time(network.ask(0, request.clone()).await.ok());
        assert_eq!(by_https, without_time(client.json(&request).await));
        assert!(client.bt(&request).await.as_dict().is_some());
    }
    let binary = client.ask("active_nodes_bin", "").await.unwrap();
    assert!(!binary.is_empty() && binary.first() != Some(&b'['));

    let batch = json!({ "requests": [{ "method": "info", "params": {} }] });
    let by_quic = client.ask("batch", batch.to_string()).await.unwrap();
    let by_quic: Value = serde_json::from_slice(&by_quic).unwrap();
    assert_eq!(by_quic[1]["results"][0]["code"], 200);
    let by_bt = client.ask("batch", "d8:requestsld6:method4:info6:paramsdeeee");
    let by_bt = by_bt.await.unwrap();
    assert!(by_bt.starts_with(b"li200ed7:resultsld4:body"), "{by_bt:?}");

    let delete = Delete::signed(&bob.signer(), vec![hash.parse().unwrap()]).unwrap();
    let delete = Request::Delete(delete);
    let by_bt = client.bt(&delete).await;
    let deleted = by_bt.get("swarm").unwrap().get(node.to_hex()).unwrap();
    let deleted = deleted.get("deleted").unwrap().as_list().unwrap();
    assert_eq!(deleted[0].as_str(), Some(&*hash));
}

#[tokio::test(flavor = "multi_thread")]
async fn case_34_refusals_have_the_same_status_and_text() {
    let network = Network::start(&[(SWARM, 2), (u64::MAX / 2, 1)]).await;
    let bob = network.person(SWARM);
    let stranger = network.person(u64::MAX / 2);
    let client = QuicClient::connect(&network, 0).await;
    let pubkey = bob.account.to_hex();
    for (method, params) in [
        ("retrieve", json!({ "pubkey": pubkey })),
        ("retrieve", json!({ "pubkey": pubkey, "namespace": 0 })),
        ("retrieve", json!({ "pubkey": "05" })),
        (
            "retrieve",
            json!({ "pubkey": stranger.account.to_hex(), "timestamp": 1 }),
        ),
        ("store", json!({ "pubkey": pubkey })),
        (
            "store",
            json!({ "pubkey": stranger.account.to_hex(), "data": "AA==",
            "timestamp": network.now().as_ms(), "ttl": DAY.as_secs() * 1000 }),
        ),
        ("oxend_request", json!({ "endpoint": "stop_daemon" })),
    ] {
        let by_https = network.call(0, method, params.clone()).await;
        assert_ne!(by_https.status, 200);
        let (status, text) = client.ask(method, params.to_string()).await.unwrap_err();
        assert_eq!(status, by_https.status, "{method} {params}");
        let text = String::from_utf8(text).unwrap();
        if status == 421 {
            let body: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(body[0], 421);
            let same = without_time(by_https.json());
            assert_eq!(without_time(body[1].clone()), same);
        } else {
            assert_eq!(text, by_https.text, "{method} {params}");
        }
    }
    for body in ["x", "d", "[", "d3:"] {
        let (status, _) = client.ask("retrieve", body).await.unwrap_err();
        assert_eq!(status, 400, "{body}");
    }
    let unknown = client.ask("fly", "{}").await.unwrap_err();
    assert_eq!(unknown, (0, b"Invalid endpoint 'fly'".to_vec()));
    assert_eq!(client.ask("snode_ping", "").await.unwrap(), b"pong");
    // What nodes ask each other is not for clients.
    let command = client.ask("storage_cc", "l6:delete2:dee").await;
    let text = b"Invalid endpoint 'storage_cc'".to_vec();
    assert_eq!(command.unwrap_err(), (0, text));
}

#[tokio::test(flavor = "multi_thread")]
async fn onion_requests_enter_by_quic() {
    let network = Network::start(&[(SWARM, 4)]).await;
    let client = QuicClient::connect(&network, 0).await;
    let path = [0, 1, 2].map(|index| hop(&network, index));
    let payload = json!({ "method": "info", "params": {} }).to_string();
    let request = build(
        &path,
        Destination::Node(hop(&network, 3)),
        payload.as_bytes(),
        OnionCipher::XChaCha20,
        &mut rand::rng(),
    )
    .unwrap();
    let answer = client.ask("onion_req", request.body.clone()).await.unwrap();
    let reply = request.reply.open_node_reply(&answer).unwrap();
    assert_eq!(reply.status, 200);
    assert!(reply.body.contains("\"version\""), "{}", reply.body);

    let by_https = network.post(0, "/onion_req/v2", "nonsense").await;
    let (status, text) = client.ask("onion_req", "nonsense").await.unwrap_err();
    assert_eq!(status, by_https.status);
    assert_eq!(String::from_utf8(text).unwrap(), by_https.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_nodes_of_the_list_speak_as_nodes() {
    let network = Network::start(SMALL).await;
    let endpoint = endpoint();
    let target = target(&network, 0, Protocol::Node);
    let (stranger, _pushes) = endpoint
        .connect(target, &TlsKey::random(), Budget::unlimited())
        .await
        .unwrap();
    tokio::time::timeout(DEADLINE, stranger.closed())
        .await
        .unwrap();

    let own = TlsKey::from_seed(network.seed(1));
    let (node, _pushes) = endpoint
        .connect(target, &own, Budget::unlimited())
        .await
        .unwrap();
    let stream = node.open_stream().await.unwrap();
    let ask = |name: &'static str, body: &'static str| {
        let stream = stream.clone();
        async move {
            let answer = stream.request(name, body.into(), DEADLINE).await.unwrap();
            (answer.good, String::from_utf8(answer.body).unwrap())
        }
    };
    assert_eq!(ask("snode_ping", "").await, (true, "pong".to_owned()));
    assert_eq!(
        ask("data_ready", "d1:@i0e1:ti0ee").await,
        (true, "OK".to_owned())
    );
    assert_eq!(
        ask("data", "?").await,
        (true, "Failed to parse messages".to_owned())
    );
    let refused = ask("storage_cc", "l4:info2:dee").await;
    assert!(refused.0 && refused.1.starts_with("l3:400"), "{refused:?}");
    let clients = ask("info", "").await;
    assert_eq!(clients, (false, "Invalid endpoint 'info'".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_is_no_node() {
    let network = Network::start(SMALL).await;
    let wrong = Target {
        key: network.contact(1).ed25519,
        ..target(&network, 0, Protocol::Client)
    };
    let refused = endpoint()
        .connect(wrong, &TlsKey::random(), Budget::unlimited())
        .await;
    assert!(matches!(refused, Err(QuicError::BadAnswer)), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rate_limit_counts_every_transport_but_not_onion_requests() {
    let network = Network::start_with(SMALL, |config| {
        config.limits.rate.capacity = 10;
        config.limits.rate.refill_per_second = 1;
    })
    .await;
    let client = QuicClient::connect(&network, 0).await;
    let info = json!({ "method": "info", "params": {} }).to_string();
    for _ in 0..4 {
        let by_https = network.post(0, "/storage_rpc/v1", info.clone()).await;
        assert_eq!(by_https.status, 200);
        client.ask("info", "").await.unwrap();
    }
    let limited = until("a request is refused", || async {
        client.ask("info", "").await.err()
    });
    let text = b"Too many requests, try again later".to_vec();
    assert_eq!(limited.await, (429, text));
    assert_eq!(network.post(0, "/storage_rpc/v1", info).await.status, 429);
    assert_eq!(client.ask("snode_ping", "").await.unwrap(), b"pong");
    let (status, _) = client.ask("onion_req", "nonsense").await.unwrap_err();
    assert_eq!(status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_only_so_many_connections_and_idle_ones_make_room() {
    let network = Network::start_with(SMALL, |config| {
        config.limits.max_quic_connections = 6;
        config.limits.max_quic_connections_per_ip = 5;
        config.limits.listener.idle_grace = Duration::ZERO;
        config.timing.testing.enabled = false;
    })
    .await;
    let target = target(&network, 0, Protocol::Client);
    let endpoint = endpoint();
    let mut open = Vec::new();
    let refused = loop {
        match endpoint
            .connect(target, &TlsKey::random(), Budget::unlimited())
            .await
        {
            Ok(connected) => open.push(connected),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, QuicError::Lost), "{refused:?}");
    // The other node has a connection too, perhaps.
    assert!((4..=5).contains(&open.len()), "{}", open.len());
    drop(open);
    until("there is room again", || async {
        endpoint
            .connect(target, &TlsKey::random(), Budget::unlimited())
            .await
            .ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_talk_over_quic_once_they_are_connected() {
    let network = Network::start(&[(SWARM, 3)]).await;
    let bob = network.person(SWARM);
    until("everything goes over quic", || async {
        let before = network.node(0).metrics().await;
        for number in 0..20 {
            network.send(0, &bob, &[number; 10]).await;
        }
        let after = network.node(0).metrics().await;
        let over_https = after.node_calls_https - before.node_calls_https;
        let over_quic = after.node_calls_quic - before.node_calls_quic;
        (over_https == 0 && over_quic >= 40).then_some(())
    })
    .await;
}

/// Nodes without QUIC and nodes with it are of one network.
#[tokio::test(flavor = "multi_thread")]
async fn messages_reach_members_that_speak_https_only() {
    let network = Network::start_with(&[(SWARM, 3)], |config| {
        // The second and third of them.
        let first = session_node::NodeIdentity::from_seed([0xa0; 32]);
        if config.identity.ed25519() != first.ed25519() {
            config.quic = None;
        }
        config.timing.testing.enabled = false;
    })
    .await;
    let bob = network.person(SWARM);
    let mut sent = Vec::new();
    for (number, index) in [0, 1, 2, 0].into_iter().enumerate() {
        let data = [u8::try_from(number).unwrap(); 100];
        sent.push(network.send(index, &bob, &data).await);
    }
    for index in 0..3 {
        network.until_held(index, &bob.signer(), 0, &sent).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_node_closes_its_connections() {
    let mut network = Network::start(SMALL).await;
    let client = QuicClient::connect(&network, 0).await;
    client.ask("info", "").await.unwrap();
    network.stop(0).await;
    tokio::time::timeout(DEADLINE, client.connection.closed())
        .await
        .unwrap();
}
