//! Onion requests from node to node over QUIC (docs/protocol/node.md sections 6.4 and 7.5).

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use session_crypto::X25519Secret;
use session_crypto::onion_cipher::{HopKey, OnionCipher};
use session_encoding::bt;
use session_onion::packet::encode_forward;
use session_quic::{
    Answer, Budget, CloseCode, Command, Endpoint, OpenPlace, Peer, Protocol, ServerLimits, Service,
    Target, TlsKey,
};
use session_storage_rpc::{Request, Retrieve, RetrieveResponse};
use session_types::Namespace;
use tokio_util::sync::CancellationToken;

use crate::onion::through;
use crate::support::{DEADLINE, Network, until};

/// Two nodes that have nothing to do with each other but onion requests.
const APART: &[(u64, usize)] = &[(1 << 62, 1), (3 << 62, 1)];

const CIPHER: OnionCipher = OnionCipher::XChaCha20;

fn info() -> String {
    Request::Info.to_json_text()
}

/// Asks through the first node until it passes requests on over QUIC.
async fn until_quic(network: &Network) {
    until("onion requests go over quic", || async {
        let before = network.node(0).metrics().await.onion_to_nodes_quic;
        let (status, _) = through(network, &[0], 1, &info(), CIPHER).await.unwrap();
        assert_eq!(status, 200);
        (network.node(0).metrics().await.onion_to_nodes_quic > before).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_may_be_its_own_next_hop() {
    let network = Network::start(APART).await;
    until("both ways go over quic", || async {
        let (status, _) = through(&network, &[0, 0, 1, 1], 0, &info(), CIPHER)
            .await
            .unwrap();
        assert_eq!(status, 200);
        let (there, back) = (network.node(0).metrics(), network.node(1).metrics());
        let (there, back) = tokio::join!(there, back);
        // To itself and to the other one, each time.
        (there.onion_to_nodes_quic >= 4 && back.onion_to_nodes_quic >= 4).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_answers_come_whole_and_side_by_side() {
    let network = Network::start(APART).await;
    let bob = network.person(3 << 62);
    for number in 0..12u8 {
        network.send(1, &bob, &vec![number; 76_000]).await;
    }
    until_quic(&network).await;
    let before = network.node(0).metrics().await.onion_to_nodes_quic;
    let retrieve = Retrieve::signed(&bob.signer(), Namespace::DEFAULT, network.now()).max_size(-1);
    let text = Request::Retrieve(retrieve).to_json_text();
    let asking = (0..8).map(|_| through(&network, &[0], 1, &text, CIPHER));
    for answer in futures_util::future::join_all(asking).await {
        let (status, body) = answer.unwrap();
        assert_eq!(status, 200);
        let page = RetrieveResponse::from_json(&serde_json::from_str(&body).unwrap()).unwrap();
        assert_eq!(page.messages.len(), 12);
    }
    let after = network.node(0).metrics().await.onion_to_nodes_quic;
    assert_eq!(after - before, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_died_is_found_out_and_one_that_comes_back_is_asked_again() {
    let mut network = Network::start(APART).await;
    until_quic(&network).await;
    network.kill(1).await;
    let started = Instant::now();
    let gone = through(&network, &[0], 1, &info(), CIPHER).await;
    let expected = format!(
        "Next node is currently unreachable: {}",
        network.contact(1).ed25519
    );
    gone.unwrap_err().expect_text(502, &expected);
    assert!(started.elapsed() < Duration::from_secs(4), "{started:?}");
    network.restart(1).await;
    let (status, _) = through(&network, &[0], 1, &info(), CIPHER).await.unwrap();
    assert_eq!(status, 200);
}

/// What one node asks of another in this test.
struct Asking {
    stream: session_quic::Stream,
    _connection: session_quic::Connection,
}

impl Asking {
    async fn as_node_0(network: &Network) -> Self {
        let contact = network.contact(1);
        let target = Target {
            address: (contact.ip, contact.omq_port).into(),
            key: contact.ed25519,
            protocol: Protocol::Node,
        };
        let endpoint = Endpoint::client(UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap();
        let own = TlsKey::from_seed(network.seed(0));
        let opened = endpoint.connect(target, &own, Budget::unlimited()).await;
        let (connection, _pushes) = opened.unwrap();
        Self {
            stream: connection.open_stream().await.unwrap(),
            _connection: connection,
        }
    }

    /// Status and body.
    async fn ask(&self, body: &[u8]) -> (u16, Vec<u8>) {
        let asked = self.stream.request("onion_request", body.into(), DEADLINE);
        let answer = asked.await.unwrap();
        assert!(answer.good, "{}", answer.body.escape_ascii());
        let parts = bt::parse(&answer.body).unwrap();
        let parts = parts.as_list().unwrap();
        assert_eq!(parts.len(), 2);
        let status = String::from_utf8(parts[0].as_bytes().unwrap().to_vec()).unwrap();
        (
            status.parse().unwrap(),
            parts[1].as_bytes().unwrap().to_vec(),
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_between_nodes_and_its_refusals() {
    let mut network = Network::start(APART).await;
    let asking = Asking::as_node_0(&network).await;
    let ephemeral = X25519Secret::generate(&mut rand::rng());
    let key = HopKey::client(CIPHER, &ephemeral, &network.contact(1).x25519).unwrap();
    let inner = info();
    let mut plaintext = u32::try_from(inner.len()).unwrap().to_le_bytes().to_vec();
    plaintext.extend_from_slice(inner.as_bytes());
    plaintext.extend_from_slice(br#"{"headers":""}"#);
    let ciphertext = key.encrypt(&plaintext, &mut rand::rng());
    let layer = |hop_no, text: &[u8]| encode_forward(text, ephemeral.public(), CIPHER, hop_no);

    let (status, body) = asking.ask(&layer(1, &ciphertext)).await;
    assert_eq!(status, 200);
    let opened = key.decrypt(&data_encoding::BASE64.decode(&body).unwrap());
    let opened: serde_json::Value = serde_json::from_slice(&opened.unwrap()).unwrap();
    assert_eq!(opened["status"], 200);

    let text = |(status, body): (u16, Vec<u8>)| (status, String::from_utf8(body).unwrap());
    let too_far = text(asking.ask(&layer(16, &ciphertext)).await);
    assert_eq!(
        too_far,
        (400, "onion request max path length exceeded".to_owned())
    );
    for malformed in [&b""[..], b"de", b"le", b"d4:data1:xe"] {
        let (status, text) = text(asking.ask(malformed).await);
        assert_eq!(status, 400, "{text}");
        assert!(
            text.starts_with("Invalid internal onion request:"),
            "{text}"
        );
    }
    let broken = text(asking.ask(&layer(1, b"no ciphertext of anybody's")).await);
    assert_eq!(broken, (400, "Invalid ciphertext".to_owned()));

    network.assign(1, session_types::SwarmId::UNASSIGNED);
    network.publish();
    let expected = format!("Snode not ready: {}", network.contact(1).ed25519);
    let not_ready = until("it knows that it is in no swarm", || async {
        let (status, text) = text(asking.ask(&layer(1, &ciphertext)).await);
        (status != 200).then_some((status, text))
    });
    assert_eq!(not_ready.await, (503, expected));
}

/// A node as it was before it took onion requests over QUIC.
#[derive(Default)]
struct Earlier {
    connections: AtomicUsize,
    asked: AtomicUsize,
    gone: AtomicUsize,
}

impl Service for Earlier {
    type Place = OpenPlace;

    fn admit(&self, _from: SocketAddr) -> Option<OpenPlace> {
        self.connections.fetch_add(1, Ordering::SeqCst);
        Some(OpenPlace)
    }

    fn greet(&self, _peer: &Arc<Peer>) -> Result<(), CloseCode> {
        Ok(())
    }

    async fn answer(&self, _peer: &Arc<Peer>, command: Command) -> Answer {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Answer::error(format!("Invalid endpoint '{}'", command.endpoint))
    }

    fn gone(&self, _peer: &Peer) {
        self.gone.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_do_not_take_them_are_asked_over_https() {
    let mut network = Network::start_with(APART, |config| {
        config.timing.testing.enabled = false;
        config.timing.unused_link = Duration::from_millis(500);
    })
    .await;
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    network.move_quic(1, socket.local_addr().unwrap().port());
    network.publish();
    let key = TlsKey::from_seed(network.seed(1));
    let endpoint = Endpoint::server(socket, &key).unwrap();
    let earlier = Arc::new(Earlier::default());
    let stop = CancellationToken::new();
    let (service, stopped) = (Arc::clone(&earlier), stop.clone());
    tokio::spawn(async move {
        let limits = ServerLimits::default();
        endpoint.serve(service, limits, stopped, DEADLINE).await;
    });
    through(&network, &[0], 1, &info(), CIPHER).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let connections = earlier.connections.load(Ordering::SeqCst);
    assert_eq!(connections, 0, "for one request none is opened");
    until("it was asked over quic", || async {
        let (status, _) = through(&network, &[0], 1, &info(), CIPHER).await.unwrap();
        assert_eq!(status, 200);
        (earlier.asked.load(Ordering::SeqCst) > 0).then_some(())
    })
    .await;
    for _ in 0..5 {
        through(&network, &[0], 1, &info(), CIPHER).await.unwrap();
    }
    assert_eq!(earlier.asked.load(Ordering::SeqCst), 1, "once is enough");
    until("a connection without use is closed", || async {
        (earlier.gone.load(Ordering::SeqCst) == 1).then_some(())
    })
    .await;
    stop.cancel();
}
