//! Against real QUIC endpoints that count who comes and goes.

use core::sync::atomic::AtomicUsize;

use session_quic::{Answer, CloseCode, Command, OpenPlace, Peer, ServerLimits, Service};
use session_types::{LegacyPublicKey, SwarmId, X25519PublicKey};
use tokio_util::sync::CancellationToken;

use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

/// Answers by what is asked.
#[derive(Default)]
struct Guard {
    came: AtomicUsize,
    gone: AtomicUsize,
}

impl Service for Guard {
    type Place = OpenPlace;

    fn admit(&self, _from: SocketAddr) -> Option<OpenPlace> {
        self.came.fetch_add(1, Ordering::SeqCst);
        Some(OpenPlace)
    }

    fn greet(&self, _peer: &Arc<Peer>) -> Result<(), CloseCode> {
        Ok(())
    }

    async fn answer(&self, peer: &Arc<Peer>, command: Command) -> Answer {
        match (command.endpoint.as_str(), command.body.as_slice()) {
            (PING, _) => Answer::reply("pong"),
            (ONION, b"busy") => Answer::error("503 Service Unavailable\n\nServer busy"),
            (ONION, b"long") => Answer::reply(vec![0; 10_000_000]),
            (ONION, b"unknown") => Answer::error("Invalid endpoint 'onion_req'"),
            (ONION, b"hang up") => {
                peer.close(CloseCode::Busy);
                Answer::none()
            }
            (ONION, _) => Answer::reply(command.body),
            _ => Answer::none(),
        }
    }

    fn gone(&self, _peer: &Peer) {
        self.gone.fetch_add(1, Ordering::SeqCst);
    }
}

impl Guard {
    /// A guard that runs until the token is dropped.
    fn start(seed: u8) -> (Arc<Self>, NodeContact, tokio_util::sync::DropGuard) {
        let key = TlsKey::from_seed([seed; 32]);
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let endpoint = Endpoint::server(socket, &key).unwrap();
        let contact = NodeContact {
            ed25519: *key.public(),
            x25519: X25519PublicKey::new([0; 32]),
            legacy: LegacyPublicKey::new([0; 32]),
            ip: Ipv4Addr::LOCALHOST,
            https_port: 1,
            omq_port: endpoint.local_address().unwrap().port(),
            swarm: SwarmId::UNASSIGNED,
        };
        let (guard, stop) = (Arc::new(Self::default()), CancellationToken::new());
        let (service, token) = (Arc::clone(&guard), stop.clone());
        tokio::spawn(async move {
            let limits = ServerLimits::default();
            endpoint.serve(service, limits, token, PATIENCE).await;
        });
        (guard, contact, stop.drop_guard())
    }

    fn counts(&self) -> (usize, usize) {
        let [came, gone] = [&self.came, &self.gone].map(|count| count.load(Ordering::SeqCst));
        (came, gone)
    }
}

fn links(linger: Duration) -> Links {
    let meter = Arc::new(Meter::new());
    Links {
        linger,
        ..Links::new(Duration::from_secs(5), Duration::from_secs(3600), meter)
    }
}

async fn ask(links: &Links, guard: &NodeContact, request: &'static [u8]) -> Option<(u16, Bytes)> {
    let request = Bytes::from_static(request);
    match links.ask(guard, &request, PATIENCE).await {
        Asked::Answered(status, body) => Some((status, body)),
        Asked::Elsewhere => None,
        Asked::TimedOut => panic!("the guard answers at once"),
    }
}

async fn until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE * 2, waiting).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_shared_and_ends_when_another_guard_is_asked() {
    let (first, first_contact, _first) = Guard::start(1);
    let (second, second_contact, _second) = Guard::start(2);
    for (linger, ends) in [(Duration::from_secs(3600), 0), (Duration::ZERO, 1)] {
        let links = links(linger);
        let (came, gone) = first.counts();
        let asking = (0..20).map(|_| ask(&links, &first_contact, b"hello"));
        for answer in futures_util::future::join_all(asking).await {
            assert_eq!(answer, Some((200, Bytes::from_static(b"hello"))));
        }
        assert_eq!(first.counts(), (came + 1, gone));
        assert!(links.open_bytes().0 > 1200 && links.open_bytes().1 > 1200);
        assert!(ask(&links, &second_contact, b"hello").await.is_some());
        until(|| first.counts().1 == gone + ends).await;
        // It is opened anew when it is needed again.
        assert!(ask(&links, &first_contact, b"hello").await.is_some());
        assert_eq!(first.counts().0, came + 1 + ends);
        let bytes = links.open_bytes();
        let meter = Arc::clone(&links.meter);
        drop(links);
        until(|| first.counts().0 == first.counts().1).await;
        until(|| second.counts().0 == second.counts().1).await;
        // What went over connections that are closed is not forgotten.
        let total = meter.read((0, 0));
        assert!(total.bytes_out >= bytes.0 && total.bytes_in >= bytes.1);
        assert_eq!((total.requests, total.quic_requests), (22, 22));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_guard_says_decides() {
    let (guard, contact, _running) = Guard::start(3);
    let links = links(LINGER);
    assert!(ask(&links, &contact, b"hello").await.is_some());
    let busy = Some((503, Bytes::from_static(b"Server busy")));
    assert_eq!(ask(&links, &contact, b"busy").await, busy);
    assert_eq!(ask(&links, &contact, b"long").await, None);
    // None of these is the connection's fault.
    assert!(ask(&links, &contact, b"hello").await.is_some());
    assert_eq!(guard.counts().0, 1);
    // One that is closed is opened anew.
    assert_eq!(ask(&links, &contact, b"hang up").await, None);
    assert!(ask(&links, &contact, b"hello").await.is_some());
    assert_eq!(guard.counts().0, 2);
    // A guard that does not pass on onion requests is not asked again.
    assert_eq!(ask(&links, &contact, b"unknown").await, None);
    links.asked_elsewhere(&contact, true).await;
    assert_eq!(ask(&links, &contact, b"hello").await, None);
    assert_eq!(guard.counts().0, 2);
    // Whoever wants to know for sure asks all the same.
    links.probe(&contact, PATIENCE).await.unwrap();
    assert!(ask(&links, &contact, b"hello").await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_request_that_is_cut_off_is_the_last() {
    let (guard, contact, _running) = Guard::start(4);
    let links = links(LINGER);
    assert_eq!(ask(&links, &contact, b"hang up").await, None);
    assert_eq!(ask(&links, &contact, b"hello").await, None);
    assert_eq!(guard.counts().0, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_is_long_only_when_https_works() {
    // A port where nobody is.
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (_, mut contact, _running) = Guard::start(5);
    contact.omq_port = socket.local_addr().unwrap().port();
    let links = Links::new(
        Duration::from_millis(100),
        Duration::from_secs(3600),
        Arc::new(Meter::new()),
    );
    for (answered, longest) in [(false, SHORT_PAUSE), (true, links.retry_after)] {
        assert_eq!(ask(&links, &contact, b"hello").await, None);
        links.asked_elsewhere(&contact, answered).await;
        let lane = links.lane(&contact).unwrap();
        let mut state = lane.state.lock().await;
        let State::Shut { until, .. } = &*state else {
            panic!("{state:?}");
        };
        let left = until.duration_since(Instant::now());
        assert!(left <= longest && left > longest / 2, "{left:?}");
        *state = State::NotTried;
    }
    // A guard whose port is not known is not asked at all.
    contact.omq_port = 0;
    assert_eq!(ask(&links, &contact, b"hello").await, None);
    assert!(links.probe(&contact, PATIENCE).await.is_err());
    assert_eq!(links.meter.read((0, 0)).requests, 0);
}
