//! Load for one node: keep-alive TLS connections, prepared and signed requests, every answer
//! checked. Prints latencies, throughput and the node's processor time.
//!
//! Without `--target` it runs a node in a process of its own, in a temporary folder, and stops it
//! at the end.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool prints its results"
)]

mod connection;
mod load;
mod measure;
mod node_process;
mod onion;
mod requests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use load::{Load, Pace};
use measure::Report;
use node_process::Cluster;
use requests::Case;

#[derive(Debug, Parser)]
#[command(
    name = "session-loadgen",
    about = "Measures what a storage node, or a swarm of them, can do"
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the node that is measured, until standard input ends.
    #[command(hide = true)]
    Node {
        #[arg(long)]
        data_dir: PathBuf,
        #[arg(long, default_value_t = 0)]
        port: u16,
        #[arg(long)]
        list: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
struct RunArguments {
    /// Address of a running node; its process is not measured [default: start one].
    #[arg(long, value_name = "IP:PORT")]
    target: Option<SocketAddr>,
    /// Nodes to start, all of one swarm; every store goes to all of them.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=20))]
    nodes: u16,
    /// What to ask, in this order.
    #[arg(long, value_enum, default_values_t = [Case::Info, Case::Store, Case::Retrieve])]
    case: Vec<Case>,
    /// Connections, each from its own loopback address.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=2000))]
    connections: u16,
    /// Length of each case.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    seconds: u32,
    /// Requests per second of an open loop [default: a closed loop, as fast as it goes].
    #[arg(long)]
    rate: Option<u32>,
    /// Bytes of a stored message.
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=76_800))]
    message_bytes: u32,
    /// Accounts the requests are spread over.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    accounts: u16,
    /// One JSON object per case.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    if let Some(Command::Node {
        data_dir,
        port,
        list,
    }) = cli.command
    {
        return node_process::serve(data_dir, port, list).await;
    }
    let run = cli.run;
    let cluster = match run.target {
        None => Some(Cluster::start(run.nodes).await?),
        Some(_) => None,
    };
    let nodes = cluster.as_ref().map(Cluster::contacts).unwrap_or_default();
    let own = nodes
        .iter()
        .map(|node| SocketAddr::from((node.ip, node.https_port)));
    let load = Load {
        targets: run.target.into_iter().chain(own).collect(),
        pids: cluster.as_ref().map(Cluster::pids).unwrap_or_default(),
        nodes,
        connections: run.connections,
        seconds: run.seconds,
        pace: run.rate.map_or(Pace::Closed, Pace::PerSecond),
        message_bytes: run.message_bytes as usize,
        accounts: run.accounts,
    };
    if let Some(pid) = load.pids.first()
        && let Some(rss) = measure::resident_mib(*pid)
        && !run.json
    {
        println!("idle node: {rss:.1} MiB resident");
    }
    for case in run.case {
        let report = load.run(case).await?;
        if run.json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            print(&report);
        }
    }
    if let Some(cluster) = cluster {
        cluster.stop().await?;
    }
    Ok(())
}

fn print(report: &Report) {
    println!(
        "{:<15} {:>8.0} req/s  p50 {:>6.2} ms  p99 {:>6.2} ms  p99.9 {:>6.2} ms  {} ok, {} errors{}",
        report.case,
        report.requests_per_second,
        report.p50_ms,
        report.p99_ms,
        report.p999_ms,
        report.requests,
        report.errors,
        match (
            report.node_cpu_seconds,
            report.node_cpu_ms_per_request,
            report.node_rss_mib
        ) {
            (Some(cpu), Some(each), Some(rss)) =>
                format!(", nodes {cpu:.2} CPU s ({each:.3} ms each), {rss:.0} MiB"),
            _ => String::new(),
        }
    );
}
