//! Nodes in processes of their own, so that processor time and memory are theirs alone.

use std::net::{Ipv4Addr, TcpListener};
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
    nodes: Vec<NodeProcess>,
    _folder: TempDir,
}

#[derive(Debug)]
struct NodeProcess {
    child: Child,
    contact: NodeContact,
    pid: u32,
}

impl Cluster {
    /// Starts this program again as `count` nodes and waits until they listen.
    pub(crate) async fn start(count: u16) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("session-loadgen-")
            .tempdir()?;
        let mut places = Vec::new();
        for index in 0..count {
            let dir = folder.path().join(index.to_string());
            let identity = NodeIdentity::load_or_create(&dir)?;
            // Held until all have one, so that no two get the same.
            let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let port = socket.local_addr()?.port();
            let contact = NodeContact {
                ed25519: *identity.ed25519(),
                x25519: *identity.x25519(),
                legacy: identity.legacy(),
                ip: Ipv4Addr::LOCALHOST,
                https_port: port,
                omq_port: port,
                swarm: SwarmId::new(0),
            };
            places.push((dir, contact, socket));
        }
        let entries: Vec<_> = places
            .iter()
            .map(|(_, node, _)| {
                serde_json::json!({
                    "pubkey_ed25519": node.ed25519, "pubkey_x25519": node.x25519,
                    "public_ip": node.ip, "storage_port": node.https_port, "swarm_id": 0
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
            nodes.push(NodeProcess::start(&dir, contact, &list).await?);
        }
        Ok(Self {
            nodes,
            _folder: folder,
        })
    }

    pub(crate) fn contacts(&self) -> Vec<NodeContact> {
        self.nodes.iter().map(|node| node.contact.clone()).collect()
    }

    pub(crate) fn pids(&self) -> Vec<u32> {
        self.nodes.iter().map(|node| node.pid).collect()
    }

    /// Ends them by closing their standard input.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        for node in &mut self.nodes {
            drop(node.child.stdin.take());
        }
        for node in &mut self.nodes {
            node.child.wait().await?;
        }
        Ok(())
    }
}

impl NodeProcess {
    async fn start(dir: &Path, contact: NodeContact, list: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["node", "--data-dir"])
            .arg(dir)
            .args(["--port", &contact.https_port.to_string(), "--list"])
            .arg(list)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start a node")?;
        let pid = child.id().context("a node ended at once")?;
        let stdout = child.stdout.take().context("a node has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).await?;
        anyhow::ensure!(!line.is_empty(), "a node did not start");
        Ok(Self {
            child,
            contact,
            pid,
        })
    }
}

/// The child's side.
pub(crate) async fn serve(
    data_dir: PathBuf,
    port: u16,
    list: Option<PathBuf>,
) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let address = listener.local_addr()?;
    let identity = NodeIdentity::load_or_create(&data_dir)?;
    let list = match list {
        Some(file) => session_registry::file::read(&std::fs::read(file)?)?,
        None => {
            let contact = NodeContact {
                ed25519: *identity.ed25519(),
                x25519: *identity.x25519(),
                legacy: identity.legacy(),
                ip: Ipv4Addr::LOCALHOST,
                https_port: address.port(),
                omq_port: address.port(),
                swarm: SwarmId::new(0),
            };
            let alone = RegisteredNode::active(contact, REPORTED_VERSION);
            NodeList::new(ChainTip::at_height(1), vec![alone])?
        }
    };
    let mut config = NodeConfig::new(identity, data_dir, listener)?;
    // The node is measured, not its limit per address, nor its curiosity about others.
    config.limits.rate.capacity = u32::MAX;
    config.limits.rate.refill_per_second = u32::MAX;
    config.timing.testing = TestTiming::off();
    let node = Node::start(config, Arc::new(StaticRegistry::new(list))).await?;
    println!("{address}");
    // The parent ending, however it ends, ends this.
    let mut nothing = [0];
    while tokio::io::stdin().read(&mut nothing).await.unwrap_or(0) > 0 {}
    node.stop().await;
    Ok(())
}
