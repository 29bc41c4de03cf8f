//! `session seed`: the seed of a private network.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;
use session_chassis::listener;
use session_registry::{Registry as _, StaticRegistry};
use session_seed::SeedServer;
use tokio_util::sync::CancellationToken;

use crate::cli::SeedArguments;
use crate::end::End;
use crate::node_list;
use crate::output::Output;

#[derive(Debug, Serialize)]
struct Started {
    event: &'static str,
    seed_url: String,
    listening: SocketAddr,
    nodes: usize,
}

pub(crate) async fn run(arguments: &SeedArguments, output: &Output) -> anyhow::Result<ExitCode> {
    let end = End::expect()?;
    let (text, list) = node_list::read(&arguments.nodes)?;
    let registry = Arc::new(StaticRegistry::new(list));
    let socket = listener::bind(arguments.listen)?;
    let listening = socket.local_addr()?;
    let nodes = registry.snapshot().nodes().len();
    let seed = SeedServer::start(socket, registry.clone());
    let stop = CancellationToken::new();
    let following = tokio::spawn(node_list::follow(
        arguments.nodes.clone(),
        text,
        registry,
        stop.clone(),
    ));
    let seed_url = format!("http://{listening}");
    output.object(&Started {
        event: "started",
        seed_url: seed_url.clone(),
        listening,
        nodes,
    });
    output.line(&format!(
        "{} on {listening}, {nodes} nodes known.",
        output.bold("The seed is up")
    ));
    output.line(&format!(
        "Clients find the network with --network {seed_url}"
    ));
    output.note("Ctrl-C stops it.");
    end.wait().await?;
    stop.cancel();
    following.await?;
    seed.stop().await?;
    Ok(ExitCode::SUCCESS)
}
