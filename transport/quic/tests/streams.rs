//! Streams over real sockets.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use session_quic::{
    Answer, Budget, CloseCode, Command, Connection, Endpoint, Peer, Place, Protocol, Push,
    QuicError, ServerLimits, Service, Target, TlsKey,
};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const DEADLINE: Duration = Duration::from_secs(20);

/// Answers by what is asked, and remembers who came.
struct Answers {
    memory: Arc<Semaphore>,
    peers: Mutex<Vec<Arc<Peer>>>,
    full: AtomicBool,
    busy: Arc<AtomicBool>,
    admitted: AtomicUsize,
    gone: AtomicUsize,
    running: AtomicUsize,
    most: AtomicUsize,
}

struct Held(Budget, Arc<AtomicBool>);

impl Place for Held {
    fn set_busy(&self, busy: bool) {
        self.1.store(busy, Ordering::SeqCst);
    }

    async fn evicted(&self) {
        core::future::pending::<()>().await;
    }

    fn budget(&self) -> Budget {
        self.0.clone()
    }
}

impl Service for Answers {
    type Place = Held;

    fn admit(&self, _from: SocketAddr) -> Option<Held> {
        self.admitted.fetch_add(1, Ordering::SeqCst);
        let place = Held(
            Budget::new(Arc::clone(&self.memory), 1),
            Arc::clone(&self.busy),
        );
        (!self.full.load(Ordering::SeqCst)).then_some(place)
    }

    fn greet(&self, peer: &Arc<Peer>) -> Result<(), CloseCode> {
        if peer.protocol == Protocol::Node && peer.key != Some(*TlsKey::from_seed([2; 32]).public())
        {
            return Err(CloseCode::NotANode);
        }
        self.peers.try_lock().unwrap().push(Arc::clone(peer));
        Ok(())
    }

    async fn answer(&self, _peer: &Arc<Peer>, command: Command) -> Answer {
        match command.endpoint.as_str() {
            "echo" => Answer::reply(command.body),
            "fail" => Answer::error("400 Bad Request\n\nno"),
            "nothing" => Answer::none(),
            "big" => Answer::reply(vec![7; 9_000_000]),
            "too big" => Answer::reply(vec![7; 10_000_000]),
            "very big" => Answer::reply(vec![7; 12_000_000]).within(13_000_000),
            "slow" => {
                let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
                self.most.fetch_max(now, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(100)).await;
                self.running.fetch_sub(1, Ordering::SeqCst);
                Answer::reply("slept")
            }
            _ => core::future::pending().await,
        }
    }

    fn gone(&self, _peer: &Peer) {
        self.gone.fetch_add(1, Ordering::SeqCst);
    }
}

struct Server {
    service: Arc<Answers>,
    address: SocketAddr,
    memory: Arc<Semaphore>,
    stop: CancellationToken,
    serving: JoinHandle<()>,
    endpoint: Endpoint,
    client: Endpoint,
}

impl Server {
    fn start(limits: ServerLimits) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), limits)
    }

    fn start_at(address: SocketAddr, limits: ServerLimits) -> Self {
        let socket = UdpSocket::bind(address).unwrap();
        let endpoint = Endpoint::server(socket, &TlsKey::from_seed([1; 32])).unwrap();
        let address = endpoint.local_address().unwrap();
        let memory = Arc::new(Semaphore::new(20_000_000));
        let service = Arc::new(Answers {
            memory: Arc::clone(&memory),
            peers: Mutex::default(),
            full: AtomicBool::default(),
            busy: Arc::default(),
            admitted: AtomicUsize::default(),
            gone: AtomicUsize::default(),
            running: AtomicUsize::default(),
            most: AtomicUsize::default(),
        });
        let stop = CancellationToken::new();
        let serving = {
            let (service, stop) = (Arc::clone(&service), stop.clone());
            let endpoint = endpoint.clone();
            tokio::spawn(async move {
                endpoint.serve(service, limits, stop, DEADLINE).await;
            })
        };
        let client = Endpoint::client(UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap();
        Self {
            service,
            address,
            memory,
            stop,
            serving,
            endpoint,
            client,
        }
    }

    fn target(&self, protocol: Protocol) -> Target {
        Target {
            address: self.address,
            key: *TlsKey::from_seed([1; 32]).public(),
            protocol,
        }
    }

    async fn connect(&self) -> (Connection, Push) {
        let target = self.target(Protocol::Client);
        let own = TlsKey::random();
        self.client
            .connect(target, &own, Budget::unlimited())
            .await
            .unwrap()
    }

    async fn stop(self) {
        self.stop.cancel();
        timeout(DEADLINE, self.serving).await.unwrap().unwrap();
        assert_eq!(self.memory.available_permits(), 20_000_000);
    }
}

async fn eventually(mut what: impl FnMut() -> bool) {
    let waiting = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, waiting).await.unwrap();
}

#[tokio::test]
async fn many_requests_share_a_stream_and_answers_find_theirs() {
    let server = Server::start(ServerLimits::default());
    let (connection, _pushes) = server.connect().await;
    let stream = connection.open_stream().await.unwrap();
    let requests: Vec<_> = (0..500u32)
        .map(|n| {
            let stream = stream.clone();
            tokio::spawn(async move {
                let size = usize::try_from(n).unwrap() * 20;
                let body = [n.to_be_bytes().to_vec(), vec![9; size]].concat();
                let answer = stream.request("echo", body.clone(), DEADLINE).await;
                let answer = answer.unwrap();
                assert!(answer.good && answer.body == body);
            })
        })
        .collect();
    for request in requests {
        request.await.unwrap();
    }
    let failed = stream.request("fail", Vec::new(), DEADLINE).await.unwrap();
    assert!(!failed.good);
    assert_eq!(failed.body, b"400 Bad Request\n\nno");
    // An open stream alone is nothing to do.
    eventually(|| !server.service.busy.load(Ordering::SeqCst)).await;
    let silent = stream.request("nothing", Vec::new(), Duration::from_millis(200));
    assert!(matches!(silent.await, Err(QuicError::Timeout)));
    assert_eq!(stream.under_way(), 0);
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_was_started_again_tells_that_connections_are_gone() {
    let server = Server::start(ServerLimits::default());
    let (connection, _pushes) = server.connect().await;
    let stream = connection.open_stream().await.unwrap();
    let answer = stream.request("echo", vec![1], DEADLINE).await;
    assert!(answer.unwrap().good);
    let address = server.address;
    server.serving.abort();
    // It knows who came, and with that holds the socket.
    drop(server.service);
    server.endpoint.kill().await;

    let again = Server::start_at(address, ServerLimits::default());
    let lost = stream.request("echo", vec![2], DEADLINE).await;
    assert!(matches!(lost, Err(QuicError::Lost)), "{lost:?}");
    assert!(connection.is_closed());
    again.stop().await;
}

#[tokio::test]
async fn long_answers_arrive_and_too_long_ones_are_refused() {
    let server = Server::start(ServerLimits::default());
    let (connection, _pushes) = server.connect().await;
    let stream = connection.open_stream().await.unwrap();
    let answer = stream.request("big", Vec::new(), DEADLINE).await.unwrap();
    assert!(answer.good && answer.body.len() == 9_000_000);
    let answer = stream.request("echo", answer.body, DEADLINE).await.unwrap();
    assert_eq!(answer.body.len(), 9_000_000);
    let answer = stream.request("too big", Vec::new(), DEADLINE).await;
    let answer = answer.unwrap();
    assert_eq!(
        (answer.good, answer.body.as_slice()),
        (false, b"Answer too long".as_slice())
    );
    let own = stream.request("echo", vec![0; 10_000_000], DEADLINE).await;
    assert!(matches!(own, Err(QuicError::TooLong)));
    server.stop().await;
}

#[tokio::test]
async fn keys_and_protocols_are_checked_by_both_sides() {
    let server = Server::start(ServerLimits::default());
    let other = Target {
        key: *TlsKey::from_seed([3; 32]).public(),
        ..server.target(Protocol::Client)
    };
    let refused = server
        .client
        .connect(other, &TlsKey::random(), Budget::unlimited())
        .await;
    assert!(matches!(refused, Err(QuicError::BadAnswer)), "{refused:?}");

    let as_node = server.target(Protocol::Node);
    let (node, _pushes) = server
        .client
        .connect(as_node, &TlsKey::from_seed([2; 32]), Budget::unlimited())
        .await
        .unwrap();
    let stream = node.open_stream().await.unwrap();
    let answer = stream.request("echo", b"x".to_vec(), DEADLINE).await;
    assert!(answer.unwrap().good);
    let (stranger, _pushes) = server
        .client
        .connect(as_node, &TlsKey::random(), Budget::unlimited())
        .await
        .unwrap();
    timeout(DEADLINE, stranger.closed()).await.unwrap();
    {
        let peers = server.service.peers.lock().await;
        assert_eq!(peers.len(), 1);
        assert_eq!(peers[0].key, Some(*TlsKey::from_seed([2; 32]).public()));
    }
    server.stop().await;
}

#[tokio::test]
async fn commands_are_pushed_on_the_first_stream_and_held_until_written() {
    let server = Server::start(ServerLimits::default());
    let (connection, mut pushes) = server.connect().await;
    let first = connection.open_stream().await.unwrap();
    first.request("echo", Vec::new(), DEADLINE).await.unwrap();
    let second = connection.open_stream().await.unwrap();
    second.request("echo", Vec::new(), DEADLINE).await.unwrap();
    let peer = Arc::clone(&server.service.peers.lock().await[0]);
    let held = Arc::new(Semaphore::new(3));
    for n in 0..3u8 {
        let hold = Arc::clone(&held).acquire_owned().await.unwrap();
        assert!(peer.push("notify", vec![n], Some(Box::new(hold))));
    }
    for n in 0..3u8 {
        let pushed = timeout(DEADLINE, pushes.recv()).await.unwrap();
        assert_eq!(pushed, Some(("notify".to_owned(), vec![n])));
    }
    eventually(|| held.available_permits() == 3).await;
    drop(connection);
    drop((first, second));
    eventually(|| server.service.gone.load(Ordering::SeqCst) == 1).await;
    let _ = peer.push("notify", Vec::new(), None);
    server.stop().await;
}

#[tokio::test]
async fn one_connection_has_only_so_many_answers_under_way() {
    let limits = ServerLimits {
        requests_per_client: 3,
        ..ServerLimits::default()
    };
    let server = Server::start(limits);
    let (connection, _pushes) = server.connect().await;
    let stream = connection.open_stream().await.unwrap();
    let requests: Vec<_> = (0..9)
        .map(|_| {
            let stream = stream.clone();
            tokio::spawn(async move { stream.request("slow", Vec::new(), DEADLINE).await })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap().body, b"slept");
    }
    assert_eq!(server.service.most.load(Ordering::SeqCst), 3);
    server.stop().await;
}

#[tokio::test]
async fn the_thirty_third_stream_waits_for_a_place() {
    let server = Server::start(ServerLimits::default());
    let (connection, _pushes) = server.connect().await;
    let mut streams = Vec::new();
    for _ in 0..32 {
        streams.push(connection.open_stream().await.unwrap());
    }
    let one_more = connection.open_stream();
    let waited = timeout(Duration::from_millis(200), one_more).await;
    assert!(waited.is_err());
    server.stop().await;
}

#[tokio::test]
async fn a_full_server_refuses_and_a_message_that_stalls_ends_the_connection() {
    let limits = ServerLimits {
        stall: Duration::from_millis(300),
        ..ServerLimits::default()
    };
    let server = Server::start(limits);
    server.service.full.store(true, Ordering::SeqCst);
    let target = server.target(Protocol::Client);
    let refused = server
        .client
        .connect(target, &TlsKey::random(), Budget::unlimited())
        .await;
    assert!(matches!(refused, Err(QuicError::Lost)), "{refused:?}");
    server.service.full.store(false, Ordering::SeqCst);

    // An idle stream may stay, half a message may not.
    for (bytes, ends) in [
        (b"".as_slice(), false),
        (b"16:l1:Ci0e4:in".as_slice(), true),
        (b"x".as_slice(), true),
        (b"0123456789:".as_slice(), true),
        (b"3:abc".as_slice(), true),
    ] {
        let (connection, _pushes) = server.connect().await;
        let raw = connection.quic();
        let (mut send, _recv) = raw.open_bi().await.unwrap();
        if !bytes.is_empty() {
            send.write_all(bytes).await.unwrap();
        }
        let closed = timeout(Duration::from_millis(1500), raw.closed()).await;
        assert_eq!(closed.is_ok(), ends, "{bytes:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_into_memory_ends_the_connection() {
    let server = Server::start(ServerLimits::default());
    let (connection, _pushes) = server.connect().await;
    let raw = connection.quic();
    let mut halves = Vec::new();
    // Three unfinished messages of nearly ten million bytes do not fit into twenty.
    for _ in 0..3 {
        let (mut send, recv) = raw.open_bi().await.unwrap();
        halves.push(tokio::spawn(async move {
            let _ = send.write_all(b"9999999:").await;
            let _ = send.write_all(&vec![b'l'; 9_000_000]).await;
            (send, recv)
        }));
    }
    timeout(DEADLINE, raw.closed()).await.unwrap();
    // Everybody else is served.
    let (connection, _pushes) = server.connect().await;
    let stream = connection.open_stream().await.unwrap();
    assert!(stream.request("echo", Vec::new(), DEADLINE).await.is_ok());
    server.stop().await;
}

/// Whoever makes up addresses can take places of handshakes, but not those of clients that show
/// where they are.
#[tokio::test]
async fn newcomers_prove_their_address_when_places_are_short() {
    let limits = ServerLimits {
        handshakes: 1,
        ..ServerLimits::default()
    };
    let server = Server::start(limits);
    // The first packet of a handshake that never goes on, caught from a client of ours.
    let trap = UdpSocket::bind("127.0.0.1:0").unwrap();
    trap.set_read_timeout(Some(DEADLINE)).unwrap();
    let caught = Target {
        address: trap.local_addr().unwrap(),
        ..server.target(Protocol::Client)
    };
    let connecting = {
        let client = server.client.clone();
        tokio::spawn(async move {
            let own = TlsKey::random();
            client
                .connect(caught, &own, Budget::unlimited())
                .await
                .is_ok()
        })
    };
    let packet = tokio::task::spawn_blocking(move || {
        let mut packet = [0; 2000];
        let (length, _) = trap.recv_from(&mut packet).unwrap();
        packet[..length].to_vec()
    });
    let packet = packet.await.unwrap();
    connecting.abort();
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    stranger.send_to(&packet, server.address).unwrap();
    eventually(|| server.service.admitted.load(Ordering::SeqCst) == 1).await;
    // Its place is taken; a client that answers is let in all the same.
    let (connection, _pushes) = server.connect().await;
    let stream = connection.open_stream().await.unwrap();
    assert!(stream.request("echo", Vec::new(), DEADLINE).await.is_ok());
    server.stop().await;
}

#[tokio::test]
async fn a_killed_endpoint_frees_its_port_and_leaves_nobody_waiting() {
    let server = Server::start(ServerLimits::default());
    let (connection, _pushes) = server.connect().await;
    let stream = connection.open_stream().await.unwrap();
    let request = {
        let stream = stream.clone();
        tokio::spawn(async move { stream.request("never", Vec::new(), DEADLINE).await })
    };
    eventually(|| stream.under_way() == 1).await;
    let address = server.client.local_address().unwrap();
    timeout(DEADLINE, server.client.kill()).await.unwrap();
    let ended = timeout(Duration::from_secs(1), request).await.unwrap();
    assert!(matches!(ended.unwrap(), Err(QuicError::Lost)));
    drop(connection);
    UdpSocket::bind(address).unwrap();
    drop(server.serving);
    server.stop.cancel();
}

#[tokio::test]
async fn a_stopping_server_answers_what_has_arrived() {
    let server = Server::start(ServerLimits::default());
    let (connection, _pushes) = server.connect().await;
    let stream = connection.open_stream().await.unwrap();
    let slow = tokio::spawn(async move { stream.request("slow", Vec::new(), DEADLINE).await });
    eventually(|| server.service.running.load(Ordering::SeqCst) == 1).await;
    assert!(server.service.busy.load(Ordering::SeqCst));
    server.stop.cancel();
    assert_eq!(slow.await.unwrap().unwrap().body, b"slept");
    timeout(DEADLINE, connection.closed()).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_connection_tells_what_passes_and_when_it_ends() {
    let server = Server::start(ServerLimits::default());
    let (connection, _pushes) = server.connect().await;
    let stream = connection.open_stream().await.unwrap();
    let (heard, (out, inward)) = (connection.heard(), connection.udp_bytes());
    assert!(out >= 1200 && inward >= 1200, "a handshake");
    let body = vec![7; 20_000];
    let answer = stream.request("echo", body.clone(), DEADLINE).await;
    assert_eq!(answer.unwrap().body, body);
    assert!(connection.heard() > heard + 10);
    let (out_now, inward_now) = connection.udp_bytes();
    for grown in [out_now - out, inward_now - inward] {
        assert!((20_000..40_000).contains(&grown), "{grown} bytes");
    }
    assert!(connection.rtt() < DEADLINE);
    // Waiting for the end does not put it off.
    let ended = connection.closed();
    drop((stream, connection));
    timeout(DEADLINE, ended).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn answers_there_is_no_memory_for_fail_alone() {
    let server = Server::start(ServerLimits::default());
    let (connection, _pushes) = server.connect().await;
    let pool = Arc::new(Semaphore::new(12_500));
    let budget = Budget::new(Arc::clone(&pool), 1000);
    let stream = connection.open_stream_for(budget, 13_000_000).await;
    let stream = stream.unwrap();
    let ask = |what: &'static str, body: &[u8]| {
        let (stream, body) = (stream.clone(), body.to_vec());
        async move { stream.request(what, body, DEADLINE).await }
    };
    let held = ask("very big", b"").await.unwrap();
    assert_eq!(held.body.len(), 12_000_000);
    assert!(pool.available_permits() < 600);
    // Between answers that fit, and while the first one is held.
    let (before, failed, after) = tokio::join!(
        ask("echo", b"small"),
        ask("very big", b""),
        ask("echo", b"small, too")
    );
    assert_eq!(before.unwrap().body, b"small");
    assert!(matches!(failed, Err(QuicError::NoMemory)), "{failed:?}");
    assert_eq!(after.unwrap().body, b"small, too");
    drop(held);
    assert_eq!(ask("big", b"").await.unwrap().body.len(), 9_000_000);
    eventually(|| pool.available_permits() == 12_500).await;
    server.stop().await;
}
