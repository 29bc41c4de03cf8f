//! A node in a process of its own, so that its processor time and memory are its alone.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use anyhow::Context as _;
use session_node::{Node, NodeConfig, NodeIdentity};
use session_registry::{ChainTip, NodeList, RegisteredNode, StaticRegistry};
use session_types::{NodeContact, SwarmId};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// The child and its folder.
#[derive(Debug)]
pub(crate) struct NodeProcess {
    child: Child,
    address: SocketAddr,
    pid: u32,
    _folder: TempDir,
}

impl NodeProcess {
    /// Starts this program again as a node and waits until it listens.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("session-loadgen-")
            .tempdir()?;
        let mut child = Command::new(std::env::current_exe()?)
            .args(["node", "--data-dir"])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the node")?;
        let pid = child.id().context("the node ended at once")?;
        let stdout = child.stdout.take().context("the node has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).await?;
        let address = line
            .trim()
            .parse()
            .context("the node did not say where it listens")?;
        Ok(Self {
            child,
            address,
            pid,
            _folder: folder,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Ends it by closing its standard input.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        self.child.wait().await?;
        Ok(())
    }
}

/// The child's side.
pub(crate) async fn serve(data_dir: PathBuf) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let identity = NodeIdentity::from_seed(rand::random());
    let contact = NodeContact {
        ed25519: *identity.ed25519(),
        x25519: *identity.x25519(),
        legacy: identity.legacy(),
        ip: Ipv4Addr::LOCALHOST,
        https_port: address.port(),
        omq_port: address.port(),
        swarm: SwarmId::new(0),
    };
    let mut config = NodeConfig::new(identity, data_dir, listener)?;
    // The node is measured, not its limit per address.
    config.limits.rate.capacity = u32::MAX;
    config.limits.rate.refill_per_second = u32::MAX;
    let list = NodeList::new(
        ChainTip::at_height(1),
        vec![RegisteredNode::active(contact, config.version)],
    )?;
    let node = Node::start(config, Arc::new(StaticRegistry::new(list))).await?;
    println!("{address}");
    // The parent ending, however it ends, ends this.
    let mut nothing = [0];
    while tokio::io::stdin().read(&mut nothing).await.unwrap_or(0) > 0 {}
    node.stop().await;
    Ok(())
}
