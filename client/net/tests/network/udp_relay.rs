//! What stands between the world and the UDP ports of nodes.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket as StdUdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use session_devnet::Devnet;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use crate::support::customised;

/// One relay for each node of a network. All open and close together.
#[derive(Clone, Default)]
pub(crate) struct Relays {
    closed: Arc<AtomicBool>,
    datagrams: Arc<AtomicU64>,
    targets: Arc<Mutex<HashMap<usize, SocketAddr>>>,
    /// The relay at index i passes on to node i + this.
    shift: usize,
}

impl Relays {
    /// A network whose list names the relays' ports.
    pub(crate) async fn network(seed: u64) -> (Devnet, Self) {
        Self::shifted(seed, 0).await
    }

    /// A network in which behind every relay is another node than the list says.
    pub(crate) async fn shifted(seed: u64, shift: usize) -> (Devnet, Self) {
        let relays = Self {
            shift,
            ..Self::default()
        };
        let of_nodes = relays.clone();
        let ports = Mutex::new(HashMap::new());
        let devnet = customised(seed, move |index, config| {
            let own = config.quic.as_ref().unwrap().local_addr().unwrap();
            of_nodes.targets.lock().unwrap().insert(index, own);
            // A node that starts again is behind the same relay.
            config.address.omq_port = *ports
                .lock()
                .unwrap()
                .entry(index)
                .or_insert_with(|| of_nodes.start(index));
        })
        .await;
        (devnet, relays)
    }

    /// Lets nothing through from now on, or everything again.
    pub(crate) fn close(&self, closed: bool) {
        self.closed.store(closed, Ordering::SeqCst);
    }

    /// Datagrams that clients have sent, let through or not.
    pub(crate) fn datagrams(&self) -> u64 {
        self.datagrams.load(Ordering::SeqCst)
    }

    /// Starts a relay; returns its port.
    fn start(&self, index: usize) -> u16 {
        let socket = StdUdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let port = socket.local_addr().unwrap().port();
        let socket = Arc::new(UdpSocket::from_std(socket).unwrap());
        tokio::spawn(self.clone().run(index, socket));
        port
    }

    async fn run(self, index: usize, socket: Arc<UdpSocket>) {
        let mut behind: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
        let mut returning = JoinSet::new();
        let mut buffer = vec![0; 65_536];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            self.datagrams.fetch_add(1, Ordering::SeqCst);
            if self.closed.load(Ordering::SeqCst) {
                continue;
            }
            let known = behind.get(&from).cloned();
            let out = match known {
                Some(out) => out,
                None => {
                    let out = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
                    behind.insert(from, Arc::clone(&out));
                    let (relays, socket) = (self.clone(), Arc::clone(&socket));
                    let back = Arc::clone(&out);
                    returning.spawn(async move {
                        let mut buffer = vec![0; 65_536];
                        loop {
                            // A port that is closed at the moment is no reason to stop.
                            let Ok((length, _)) = back.recv_from(&mut buffer).await else {
                                continue;
                            };
                            if !relays.closed.load(Ordering::SeqCst) {
                                let _ = socket.send_to(&buffer[..length], from).await;
                            }
                        }
                    });
                    out
                }
            };
            let _ = out.send_to(&buffer[..length], self.target(index)).await;
        }
    }

    /// Whom the relay with this index passes on to.
    fn target(&self, index: usize) -> SocketAddr {
        let targets = self.targets.lock().unwrap();
        targets[&((index + self.shift) % targets.len())]
    }
}
