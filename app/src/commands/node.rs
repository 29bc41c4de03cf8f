//! `session node`: running a Session Node.

mod storage;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use serde::Serialize;
use session_chassis::admin;
use session_node::settings::{DEFAULT_FILE, Settings};
use session_node::{Node, NodeIdentity, Observer, REPORTED_VERSION};
use session_registry::{Registry as _, StaticRegistry};
use session_types::{Ed25519PublicKey, NodeVersion, X25519PublicKey};
use tokio_util::sync::CancellationToken;

use crate::cli::{Global, NodeCommand};
use crate::end::End;
use crate::output::Output;
use crate::{descriptors, node_list};

/// Name of the configuration in the node's folder.
const SETTINGS_FILE: &str = "node.toml";

pub(crate) async fn run(
    global: &Global,
    command: NodeCommand,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    match command {
        NodeCommand::Config { print_default: _ } => {
            output.object(&serde_json::json!({ "config": DEFAULT_FILE }));
            output.line(DEFAULT_FILE.trim_end());
        }
        NodeCommand::Init { ip, port } => init(&folder(global)?, ip, port, output)?,
        NodeCommand::Info => info(&folder(global)?, output)?,
        NodeCommand::Stats => storage::stats(&folder(global)?, output)?,
        NodeCommand::Verify { repair } => return storage::verify(&folder(global)?, repair, output),
        NodeCommand::Compact => storage::compact(&folder(global)?, output)?,
        NodeCommand::Run { listen } => serve(&folder(global)?, listen, output).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything of the node lives here.
fn folder(global: &Global) -> anyhow::Result<PathBuf> {
    Ok(crate::accounts::data_dir(global)?.join("node"))
}

/// A node's entry in the node list.
#[derive(Debug, Serialize)]
struct Entry {
    pubkey_ed25519: Ed25519PublicKey,
    pubkey_x25519: X25519PublicKey,
    public_ip: Ipv4Addr,
    storage_port: u16,
    storage_lmq_port: u16,
    storage_server_version: NodeVersion,
}

impl Entry {
    fn new(identity: &NodeIdentity, settings: &Settings) -> Self {
        let address = settings.public_address(settings.listen);
        Self {
            pubkey_ed25519: *identity.ed25519(),
            pubkey_x25519: *identity.x25519(),
            public_ip: address.ip,
            storage_port: address.https_port,
            storage_lmq_port: address.omq_port,
            storage_server_version: REPORTED_VERSION,
        }
    }
}

fn init(dir: &Path, ip: Ipv4Addr, port: u16, output: &Output) -> anyhow::Result<()> {
    let path = dir.join(SETTINGS_FILE);
    if path.exists() {
        bail!(
            "there is a node in {} already; `session node info` shows it",
            dir.display()
        );
    }
    let text = DEFAULT_FILE
        .replace(
            "# public_ip = \"203.0.113.7\"",
            &format!("public_ip = \"{ip}\""),
        )
        .replace(
            "listen = \"0.0.0.0:22021\"",
            &format!("listen = \"{}:{port}\"", listening_ip(ip)),
        );
    let settings = Settings::from_toml(&text).context("these options make no configuration")?;
    let identity = NodeIdentity::load_or_create(dir)
        .with_context(|| format!("cannot keep the node's key in {}", dir.display()))?;
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    let entry = Entry::new(&identity, &settings);
    output.object(&entry);
    output.line(&output.bold("The node has its key and configuration."));
    output.line(&format!("  Folder   {}", dir.display()));
    output.line(&format!("  Ed25519  {}", identity.ed25519()));
    output.line(&format!("  Address  {ip}:{port}"));
    output.line("\nNext:");
    output.line(&format!(
        "  1. Put this entry into the node list that every node of the network has, {}:",
        dir.join(&settings.nodes).display()
    ));
    output.line(&format!(
        "     {{\"service_node_states\": [{}, …]}}",
        serde_json::to_string(&entry)?
    ));
    output.line("  2. session node run");
    output.line("\nKeep a copy of node.key: whoever has it is this node.");
    Ok(())
}

/// A node reached by a loopback address listens on it alone.
const fn listening_ip(public: Ipv4Addr) -> Ipv4Addr {
    if public.is_loopback() {
        public
    } else {
        Ipv4Addr::UNSPECIFIED
    }
}

/// The settings and key of the node in this folder.
fn open(dir: &Path) -> anyhow::Result<(Settings, NodeIdentity)> {
    let path = dir.join(SETTINGS_FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
            "there is no node in {}: `session node init --ip <ADDRESS>` makes one",
            dir.display()
        ),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", path.display()));
        }
    };
    let settings = Settings::from_toml(&text).with_context(|| path.display().to_string())?;
    if !dir.join("node.key").exists() {
        bail!(
            "{} has lost its key (node.key): put the copy back; with a new key it would be another \
             node",
            dir.display()
        );
    }
    let identity = NodeIdentity::load_or_create(dir).context("node.key cannot be used")?;
    Ok((settings, identity))
}

fn info(dir: &Path, output: &Output) -> anyhow::Result<()> {
    let (settings, identity) = open(dir)?;
    let entry = Entry::new(&identity, &settings);
    output.object(&entry);
    output.line(&format!("Folder    {}", dir.display()));
    output.line(&format!("Ed25519   {}", entry.pubkey_ed25519));
    output.line(&format!("X25519    {}", entry.pubkey_x25519));
    output.line(&format!(
        "Address   {}:{}",
        entry.public_ip, entry.storage_port
    ));
    output.line(&format!("Version   {}", entry.storage_server_version));
    match node_list::read(&dir.join(&settings.nodes)) {
        Err(error) => output.line(&format!("Nodes     {error:#}")),
        Ok((_, list)) => {
            let swarm = list.get(identity.ed25519()).map(|node| node.contact.swarm);
            output.line(&format!(
                "Nodes     {} in {} swarms",
                list.nodes().len(),
                list.swarm_ids().len()
            ));
            output.line(&match swarm {
                Some(swarm) => format!("Swarm     {swarm}"),
                None => {
                    "Swarm     none: the node list has no entry with this node's key".to_owned()
                }
            });
        }
    }
    Ok(())
}

/// What the operator's address shows.
#[derive(Debug)]
struct Watched(Observer);

impl admin::Watched for Watched {
    fn not_ready(&self) -> Option<String> {
        self.0.not_ready().map(str::to_owned)
    }

    fn metrics(&self) -> admin::Answer<String> {
        let observer = self.0.clone();
        Box::pin(async move { observer.prometheus().await })
    }
}

#[derive(Debug, Serialize)]
struct Started {
    event: &'static str,
    ed25519: Ed25519PublicKey,
    listening: SocketAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin: Option<SocketAddr>,
    swarm: String,
}

async fn serve(dir: &Path, listen: Option<SocketAddrV4>, output: &Output) -> anyhow::Result<()> {
    let end = End::expect()?;
    let (mut settings, identity) = open(dir)?;
    if let Some(listen) = listen {
        settings.listen = listen;
    }
    let list_path = dir.join(&settings.nodes);
    let (text, list) = node_list::read(&list_path)?;
    if list.get(identity.ed25519()).is_none() {
        bail!(
            "the node list {} has no entry with this node's key; `session node info --json` \
             prints it",
            list_path.display()
        );
    }
    let socket = TcpListener::bind(settings.listen)
        .with_context(|| format!("cannot listen on {}", settings.listen))?;
    let SocketAddr::V4(bound) = socket.local_addr()? else {
        bail!("the node listens on IPv4 addresses only");
    };
    let quic_address = settings.quic_address(bound);
    let quic = UdpSocket::bind(quic_address)
        .with_context(|| format!("cannot listen for QUIC on UDP {quic_address}"))?;
    let admin_socket = settings
        .admin
        .map(|address| {
            admin::bind(address).with_context(|| format!("cannot serve metrics on {address}"))
        })
        .transpose()?;
    descriptors::raise_limit();
    let registry = Arc::new(StaticRegistry::new(list));
    let config = settings.into_config(identity, dir, socket, quic)?;
    let listening = config.listener.local_addr()?;
    let node = Node::start(config, registry.clone()).await?;
    let stop = CancellationToken::new();
    let mut tasks = tokio::task::JoinSet::new();
    let admin_address = admin_socket
        .as_ref()
        .and_then(|socket| socket.local_addr().ok());
    if let Some(socket) = admin_socket {
        let watched = Arc::new(Watched(node.observer()));
        let stop = stop.clone();
        tasks.spawn(async move {
            if let Err(error) = admin::serve(socket, watched, stop).await {
                tracing::error!(%error, "metrics are not served");
            }
        });
    }
    tasks.spawn(node_list::follow(
        list_path,
        text,
        Arc::clone(&registry),
        stop.clone(),
    ));

    let contact = node.contact();
    output.object(&Started {
        event: "started",
        ed25519: contact.ed25519,
        listening,
        admin: admin_address,
        swarm: contact.swarm.to_string(),
    });
    output.line(&format!(
        "{} on {listening}, swarm {}, {} nodes known.",
        output.bold("The node is up"),
        contact.swarm,
        registry.snapshot().nodes().len()
    ));
    if let Some(address) = admin_address {
        output.line(&format!("Metrics and health on http://{address}/metrics"));
    }
    output.note("Ctrl-C stops it.");
    end.wait().await?;
    output.note("Stopping …");
    node.stop().await;
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    output.note("Stopped; everything accepted is on disk.");
    Ok(())
}
