//! The network, and what can be done to it.

use core::time::Duration;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use session_devnet::{Devnet, DevnetOptions};
use session_node::NodeConfig;
use session_types::{AccountId, Ed25519PublicKey, SwarmPubkey};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

use super::{until, within};

/// Twelve nodes in two swarms of six.
pub(crate) struct Net {
    pub(crate) devnet: Devnet,
}

impl Net {
    /// The network whose keys follow from `seed`.
    pub(crate) async fn start(seed: u64) -> Self {
        Self::customised(seed, |_, _| ()).await
    }

    /// The same with other settings of its nodes.
    pub(crate) async fn customised(
        seed: u64,
        customise: impl Fn(usize, &mut NodeConfig) + Send + Sync + 'static,
    ) -> Self {
        let options = DevnetOptions {
            seed: Some(seed),
            customise: Some(Arc::new(customise)),
            ..DevnetOptions::default()
        };
        let started = within("the start of a network", Devnet::start(options, |_| ())).await;
        Self {
            devnet: started.expect("a network"),
        }
    }

    /// A network with a file server.
    pub(crate) async fn with_files(seed: u64) -> Self {
        let options = DevnetOptions {
            seed: Some(seed),
            file_server: true,
            ..DevnetOptions::default()
        };
        let started = within("the start of a network", Devnet::start(options, |_| ())).await;
        Self {
            devnet: started.expect("a network"),
        }
    }

    /// What clients are told of the file server.
    pub(crate) fn file_server(&self) -> String {
        self.devnet
            .describe()
            .file_server
            .expect("a file server")
            .setting
    }

    /// The network of all tests that leave its nodes alone. It ends with the last test that
    /// holds it.
    pub(crate) async fn shared() -> Arc<Self> {
        static SHARED: tokio::sync::Mutex<Weak<Net>> = tokio::sync::Mutex::const_new(Weak::new());
        let mut shared = SHARED.lock().await;
        if let Some(running) = shared.upgrade() {
            return running;
        }
        let net = Arc::new(Self::start(1).await);
        *shared = Arc::downgrade(&net);
        net
    }

    pub(crate) fn seed_url(&self) -> String {
        self.devnet.seed_url()
    }

    /// Indexes of the nodes that keep this person's messages.
    pub(crate) fn swarm(&self, owner: AccountId) -> Vec<usize> {
        self.devnet.swarm_of(&SwarmPubkey::from(owner))
    }

    /// The swarms: two sets of node indexes.
    pub(crate) fn swarms(&self) -> [Vec<usize>; 2] {
        let nodes = self.devnet.nodes();
        let ids: BTreeSet<_> = nodes.iter().map(|node| node.contact.swarm).collect();
        let members = ids.into_iter().map(|id| {
            let of_swarm = nodes.iter().filter(|node| node.contact.swarm == id);
            of_swarm.map(|node| node.index).collect()
        });
        members.collect::<Vec<_>>().try_into().expect("two swarms")
    }

    /// The number of the node with this key.
    pub(crate) fn index_of(&self, key: &Ed25519PublicKey) -> usize {
        let nodes = self.devnet.nodes();
        let node = nodes.iter().find(|node| node.contact.ed25519 == *key);
        node.expect("a node of this network").index
    }

    /// Ends these nodes at once.
    pub(crate) fn kill(&mut self, indexes: &[usize]) {
        for index in indexes {
            self.devnet.kill_node(*index).unwrap();
        }
    }

    /// Starts these nodes again.
    pub(crate) async fn restart(&mut self, indexes: &[usize]) {
        for index in indexes {
            let restarted = within("the restart of a node", self.devnet.restart_node(*index)).await;
            restarted.unwrap();
        }
    }

    pub(crate) async fn shutdown(self) {
        within("the end of a network", self.devnet.shutdown())
            .await
            .unwrap();
    }

    /// How many messages a running node holds; `None` when it does not run.
    pub(crate) async fn held(&self, index: usize) -> Option<u64> {
        let node = self.devnet.running_node(index)?;
        Some(node.message_count().await.unwrap())
    }

    /// Waits until every running one of these nodes holds exactly `count` messages.
    pub(crate) async fn until_held(&self, indexes: &[usize], count: u64) {
        until(
            &format!("{count} messages at each of the nodes {indexes:?}"),
            async || {
                for index in indexes {
                    if self.held(*index).await.is_some_and(|held| held != count) {
                        return None;
                    }
                }
                Some(())
            },
        )
        .await;
    }

    /// Kills a node and takes connections in its place without ever answering.
    pub(crate) async fn hang(&mut self, index: usize) -> Hung {
        self.kill(&[index]);
        let contact = self.devnet.nodes()[index].contact.clone();
        let address = SocketAddr::from((contact.ip, contact.https_port));
        let listener = until("a free port", async || bind(address)).await;
        Hung(tokio::spawn(async move {
            let mut taken = Vec::new();
            while let Ok((connection, _)) = listener.accept().await {
                taken.push(connection);
            }
        }))
    }
}

fn bind(address: SocketAddr) -> Option<TcpListener> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.set_reuseaddr(true).ok()?;
    socket.bind(address).ok()?;
    socket.listen(64).ok()
}

/// A node's port that takes connections and never answers.
pub(crate) struct Hung(JoinHandle<()>);

impl Hung {
    /// Closes the port and all connections.
    pub(crate) async fn end(self) {
        self.0.abort();
        let _ = self.0.await;
    }
}

/// Timing of nodes that give up on each other soon.
pub(crate) fn impatient(config: &mut NodeConfig) {
    config.timing.forward_timeout = Duration::from_secs(3);
    config.timing.relay_timeout = Duration::from_secs(3);
}
