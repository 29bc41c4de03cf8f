//! What all measurements are told: which nodes, how many connections, which messages.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use crate::load::{Load, Setup};
use crate::node_process::{Cluster, NodeOptions};
use crate::process;
use crate::requests::DAY;
use crate::transport::{Target, Transport};

/// Longest a single run may take: after a minute nodes refuse the signatures made before it.
pub(crate) const MAX_SECONDS: i64 = 50;

#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// A running node, ours or another; several are one swarm [default: start them]. Onion
    /// requests need its keys, in hex.
    #[arg(long, value_name = "IP:PORT[,ED25519,X25519]", conflicts_with_all = ["nodes", "max_requests"])]
    pub(crate) target: Vec<Target>,
    /// A process of the running nodes, in the order of the targets; without it no processor time
    /// is measured.
    #[arg(long, value_name = "PID", requires = "target")]
    pid: Vec<u32>,
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
    /// Gives one half of the processors to the nodes and the other to the load: neither takes the
    /// other's time, as if they were on machines of their own.
    #[arg(long)]
    apart: bool,
    /// Those of the nodes; all when empty.
    #[arg(skip)]
    processors: Vec<usize>,
}

/// Nodes, and load for them.
pub(crate) struct Bench {
    cluster: Option<Cluster>,
    pub(crate) load: Load,
}

impl Common {
    /// Nodes of one swarm, with all else as usual.
    pub(crate) const fn new(
        transport: Transport,
        nodes: u16,
        connections: u16,
        message_bytes: u32,
        accounts: u16,
    ) -> Self {
        Self {
            target: Vec::new(),
            pid: Vec::new(),
            nodes,
            transport,
            connections,
            message_bytes,
            accounts,
            max_requests: None,
            apart: false,
            processors: Vec::new(),
        }
    }

    /// Moves this process to its half of the processors, if that is wanted.
    ///
    /// # Errors
    /// When there is one only, or the system knows no such thing.
    pub(crate) fn keep_apart(&mut self) -> anyhow::Result<()> {
        if self.apart {
            let mut own = process::processors()?;
            anyhow::ensure!(own.len() > 1, "--apart needs two processors");
            self.processors = own.split_off(own.len() / 2);
            process::keep_to(&own)?;
        }
        Ok(())
    }

    /// Starts the nodes, unless they are running.
    pub(crate) async fn start(&self) -> anyhow::Result<Bench> {
        self.start_with_ttl(DAY).await
    }

    /// The same; messages stored live as long as stated.
    pub(crate) async fn start_with_ttl(&self, ttl: Duration) -> anyhow::Result<Bench> {
        let cluster = if self.target.is_empty() {
            let options = NodeOptions {
                max_requests: self.max_requests,
                processors: self.processors.clone(),
            };
            Some(Cluster::start(self.nodes, &options).await?)
        } else {
            None
        };
        let (targets, pids) = match &cluster {
            Some(own) => {
                let contacts = own.contacts().into_iter();
                (contacts.map(Target::from).collect(), own.pids())
            }
            None => (self.target.clone(), self.pid.clone()),
        };
        let load = Load::new(Setup {
            transport: self.transport,
            targets,
            pids,
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
