//! Nodes in processes of their own, so that processor time and memory are theirs alone.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use anyhow::Context as _;
use session_node::{Node, NodeConfig, NodeIdentity, REPORTED_VERSION, TestTiming};
use session_registry::{ChainTip, NodeList, RegisteredNode, StaticRegistry};
use session_types::{NodeContact, SwarmId};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// The nodes that are measured, all of one swarm.
#[derive(Debug)]
pub(crate) struct Cluster {
    nodes: Vec<(NodeProcess, NodeContact)>,
    _folder: TempDir,
}

/// Where a node is in the network.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    /// The only node, on any port.
    Alone,
    /// One of the nodes in a list, which says where it listens.
    Listed { port: u16, list: &'a Path },
}

/// What nodes are told beside.
#[derive(Debug, Clone, Default)]
pub(crate) struct NodeOptions {
    /// Requests to work on at a time, other than the node's own limit.
    pub(crate) max_requests: Option<usize>,
    /// Processors to stay on; all when empty.
    pub(crate) processors: Vec<usize>,
}

/// One node in a process of its own, which ends with this value.
#[derive(Debug)]
pub(crate) struct NodeProcess {
    child: Child,
    address: SocketAddr,
    pid: u32,
}

impl Cluster {
    /// Starts this program again as `count` nodes and waits until they listen.
    pub(crate) async fn start(count: u16, options: &NodeOptions) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("session-loadgen-")
            .tempdir()?;
        let mut places = Vec::new();
        for index in 0..count {
            let dir = folder.path().join(index.to_string());
            let identity = NodeIdentity::load_or_create(&dir)?;
            // Held until all have one, so that no two get the same.
            let (sockets, port) = free_port()?;
            let contact = NodeContact {
                ed25519: *identity.ed25519(),
                x25519: *identity.x25519(),
                legacy: identity.legacy(),
                ip: Ipv4Addr::LOCALHOST,
                https_port: port,
                omq_port: port,
                swarm: SwarmId::new(0),
            };
            places.push((dir, contact, sockets));
        }
        let entries: Vec<_> = places
            .iter()
            .map(|(_, node, _)| {
                serde_json::json!({
                    "pubkey_ed25519": node.ed25519, "pubkey_x25519": node.x25519,
                    "public_ip": node.ip, "storage_port": node.https_port,
                    "storage_lmq_port": node.omq_port, "swarm_id": 0
                })
            })
            .collect();
        let list = folder.path().join("nodes.json");
        let text = serde_json::json!({ "service_node_states": entries }).to_string();
        std::fs::write(&list, text)?;
        let places: Vec<_> = places
            .into_iter()
            .map(|(dir, contact, _)| (dir, contact))
            .collect();
        let mut nodes = Vec::new();
        for (dir, contact) in places {
            let place = Place::Listed {
                port: contact.https_port,
                list: &list,
            };
            let node = NodeProcess::start(&dir, place, options).await?;
            nodes.push((node, contact));
        }
        Ok(Self {
            nodes,
            _folder: folder,
        })
    }

    pub(crate) fn contacts(&self) -> Vec<NodeContact> {
        self.nodes.iter().map(|(_, node)| node.clone()).collect()
    }

    pub(crate) fn pids(&self) -> Vec<u32> {
        self.nodes.iter().map(|(node, _)| node.pid).collect()
    }

    /// Ends them all, then waits for them.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        for (node, _) in &mut self.nodes {
            node.ask_to_end();
        }
        for (node, _) in self.nodes {
            node.stop().await?;
        }
        Ok(())
    }
}

impl NodeProcess {
    /// Starts a node and waits until it listens.
    pub(crate) async fn start(
        dir: &Path,
        place: Place<'_>,
        options: &NodeOptions,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["node", "--data-dir"]).arg(dir);
        if let Place::Listed { port, list } = place {
            command.args(["--port", &port.to_string(), "--list"]);
            command.arg(list);
        }
        if let Some(most) = options.max_requests {
            command.args(["--max-requests", &most.to_string()]);
        }
        if !options.processors.is_empty() {
            let numbers: Vec<String> = options.processors.iter().map(usize::to_string).collect();
            command.args(["--processors", &numbers.join(",")]);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start a node")?;
        let pid = child.id().context("a node ended at once")?;
        let stdout = child.stdout.take().context("a node has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).await?;
        let address = line.trim().parse().context("a node did not start")?;
        Ok(Self {
            child,
            address,
            pid,
        })
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) const fn pid(&self) -> u32 {
        self.pid
    }

    /// It stops in good order when its standard input ends.
    fn ask_to_end(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Stops it in good order.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.ask_to_end();
        let status = self.child.wait().await?;
        anyhow::ensure!(status.success(), "a node failed when it stopped: {status}");
        Ok(())
    }
}

/// A port that is free for TCP and for UDP: a node takes both.
fn free_port() -> anyhow::Result<((TcpListener, UdpSocket), u16)> {
    for _ in 0..50 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        if let Ok(datagrams) = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)) {
            return Ok(((listener, datagrams), port));
        }
    }
    anyhow::bail!("no free port")
}

/// The child's side.
pub(crate) async fn serve(
    data_dir: PathBuf,
    port: u16,
    list: Option<PathBuf>,
    max_requests: Option<usize>,
) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let address = listener.local_addr()?;
    let identity = NodeIdentity::load_or_create(&data_dir)?;
    let keys = (*identity.ed25519(), *identity.x25519(), identity.legacy());
    let mut config = NodeConfig::new(identity, data_dir, listener)?;
    let list = match list {
        Some(file) => session_registry::file::read(&std::fs::read(file)?)?,
        None => {
            let (ed25519, x25519, legacy) = keys;
            let contact = NodeContact {
                ed25519,
                x25519,
                legacy,
                ip: config.address.ip,
                https_port: config.address.https_port,
                omq_port: config.address.omq_port,
                swarm: SwarmId::new(0),
            };
            let alone = RegisteredNode::active(contact, REPORTED_VERSION);
            NodeList::new(ChainTip::at_height(1), vec![alone])?
        }
    };
    // The node is measured, not its limit per address, nor its curiosity about others.
    config.limits.rate.capacity = u32::MAX;
    config.limits.rate.refill_per_second = u32::MAX;
    if let Some(most) = max_requests {
        config.limits.max_requests = most;
    }
    config.timing.testing = TestTiming::off();
    let node = Node::start(config, Arc::new(StaticRegistry::new(list))).await?;
    println!("{address}");
    // The parent ending, however it ends, ends this.
    let mut nothing = [0];
    while tokio::io::stdin().read(&mut nothing).await.unwrap_or(0) > 0 {}
    node.stop().await;
    Ok(())
}
