//! What all measurements are told: which nodes, how many connections, which messages.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use crate::load::{Load, Setup};
use crate::node_process::Cluster;
use crate::requests::DAY;
use crate::transport::{Target, Transport};

/// Longest a single run may take: after a minute nodes refuse the signatures made before it.
pub(crate) const MAX_SECONDS: i64 = 50;

#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Address of a running node; its process is not measured [default: start one].
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) target: Option<SocketAddr>,
    /// Nodes to start, all of one swarm; every store goes to all of them.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=20))]
    pub(crate) nodes: u16,
    /// What carries the requests.
    #[arg(long, value_enum, default_value_t = Transport::Https)]
    pub(crate) transport: Transport,
    /// Connections, each from its own loopback address.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=8000))]
    pub(crate) connections: u16,
    /// Bytes of a stored message.
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=76_800))]
    pub(crate) message_bytes: u32,
    /// Accounts the requests are spread over.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(2..=10_000))]
    pub(crate) accounts: u16,
    /// Requests each node works on at a time before it refuses more [default: the node's own].
    #[arg(long, value_name = "COUNT")]
    pub(crate) max_requests: Option<usize>,
}

/// Nodes, and load for them.
pub(crate) struct Bench {
    cluster: Option<Cluster>,
    pub(crate) load: Load,
}

impl Common {
    /// Starts the nodes, unless they are running.
    pub(crate) async fn start(&self) -> anyhow::Result<Bench> {
        self.start_with_ttl(DAY).await
    }

    /// The same; messages stored live as long as stated.
    pub(crate) async fn start_with_ttl(&self, ttl: Duration) -> anyhow::Result<Bench> {
        let cluster = match self.target {
            None => Some(Cluster::start(self.nodes, self.max_requests).await?),
            Some(_) => None,
        };
        let own = cluster.as_ref().map(Cluster::contacts).unwrap_or_default();
        let targets = self
            .target
            .into_iter()
            .map(Target::at)
            .chain(own.into_iter().map(Target::from))
            .collect();
        let load = Load::new(Setup {
            transport: self.transport,
            targets,
            pids: cluster.as_ref().map(Cluster::pids).unwrap_or_default(),
            connections: self.connections,
            message_bytes: usize::try_from(self.message_bytes)?,
            accounts: self.accounts,
            ttl,
        });
        Ok(Bench { cluster, load })
    }
}

impl Bench {
    /// Stops the nodes that were started.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        match self.cluster {
            Some(cluster) => cluster.stop().await,
            None => Ok(()),
        }
    }
}

/// Writes a result for other programs.
pub(crate) fn write_json(path: &Path, result: &impl Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(result)?;
    text.push('\n');
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
