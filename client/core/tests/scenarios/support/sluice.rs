//! A fixed address in front of a file server, through which only so much of an answer comes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::within;

/// Passes connections on, and stops when told to.
pub(crate) struct Sluice {
    address: SocketAddr,
    gate: Arc<Gate>,
    task: JoinHandle<()>,
}

struct Gate {
    target: watch::Sender<SocketAddr>,
    /// Bytes of one answer that come through.
    limit: Mutex<usize>,
    /// Answers that wait behind it.
    held: watch::Sender<usize>,
    /// Raised to end those.
    cuts: watch::Sender<usize>,
}

impl Sluice {
    /// In front of the file server that clients are told of so. It lets everything through.
    pub(crate) async fn before(file_server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let gate = Arc::new(Gate {
            target: watch::Sender::new(address_of(file_server)),
            limit: Mutex::new(usize::MAX),
            held: watch::Sender::new(0),
            cuts: watch::Sender::new(0),
        });
        let of_task = Arc::clone(&gate);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((connection, _)) = listener.accept().await {
                let gate = Arc::clone(&of_task);
                connections.spawn(async move { gate.pass(connection).await });
            }
        });
        Self {
            address,
            gate,
            task,
        }
    }

    /// What clients are told instead.
    pub(crate) fn setting(&self, file_server: &str) -> String {
        let (_, key) = file_server.split_once('#').unwrap();
        format!("http://{}#{key}", self.address)
    }

    /// Another server takes the place; connections to the one before end.
    pub(crate) fn lead_to(&self, file_server: &str) {
        self.gate.target.send_replace(address_of(file_server));
    }

    /// From now on so many bytes of each answer come through.
    pub(crate) fn let_through(&self, bytes: usize) {
        *self.gate.limit.lock().unwrap() = bytes;
    }

    /// Waits until an answer is held in its middle.
    pub(crate) async fn until_held(&self) {
        let mut held = self.gate.held.subscribe();
        let waiting = held.wait_for(|held| *held > 0);
        drop(within("an answer is held", waiting).await.unwrap());
    }

    /// Ends the answers that are held.
    pub(crate) fn cut(&self) {
        self.gate.cuts.send_modify(|cuts| *cuts += 1);
    }
}

impl Drop for Sluice {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Gate {
    async fn pass(&self, connection: TcpStream) -> Option<()> {
        let mut moves = self.target.subscribe();
        let target = *moves.borrow_and_update();
        let onward = TcpStream::connect(target).await.ok()?;
        let (mut from_client, mut to_client) = connection.into_split();
        let (mut from_server, mut to_server) = onward.into_split();
        let asking = async {
            tokio::io::copy(&mut from_client, &mut to_server)
                .await
                .ok()?;
            to_server.shutdown().await.ok()
        };
        let answering = async {
            let mut passed = 0;
            let mut chunk = vec![0; 16 * 1024];
            loop {
                let length = from_server.read(&mut chunk).await.ok()?;
                let limit = *self.limit.lock().unwrap();
                if length == 0 || passed + length > limit {
                    break (length > 0).then_some(());
                }
                to_client.write_all(&chunk[..length]).await.ok()?;
                passed += length;
            }?;
            let mut cuts = self.cuts.subscribe();
            let before = *cuts.borrow_and_update();
            self.held.send_modify(|held| *held += 1);
            let ended = cuts.wait_for(|cuts| *cuts > before).await.map(drop);
            self.held.send_modify(|held| *held -= 1);
            ended.ok()
        };
        // Who has asked waits for the answer.
        tokio::select! {
            None = asking => None,
            done = answering => done,
            _ = moves.changed() => None,
        }
    }
}

fn address_of(file_server: &str) -> SocketAddr {
    let (place, _) = file_server.split_once('#').unwrap();
    place.strip_prefix("http://").unwrap().parse().unwrap()
}
