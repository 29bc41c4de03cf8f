#![doc = include_str!("../README.md")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool prints its results"
)]

mod arguments;
mod big;
mod files;
mod load;
mod measure;
mod node_process;
mod onion;
mod overload;
mod plot;
mod process;
mod requests;
mod soak;
mod sweep;
mod table;
mod transport;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use arguments::{Common, MAX_SECONDS};
use load::{Pace, Run};
use requests::Case;

#[derive(Debug, Parser)]
#[command(
    name = "session-loadgen",
    about = "Measures what a storage node, or a swarm of them, can do",
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArguments,
}

const EXAMPLES: &str = "\
Examples (measure with a release build, on a machine that does nothing else):
  session-loadgen --case store --case retrieve
      as fast as it goes, one node
  session-loadgen --case store --rate 1500 --seconds 20
      latencies at 1500 requests per second
  session-loadgen --nodes 5 --connections 30 --case onion-store3
      a swarm of five, which are the relays too
  session-loadgen sweep --case store --svg store.svg
      latency against rate, as a plot
  session-loadgen overload --case store
      three times what the node can do
  session-loadgen big --gigabytes 3.5
      start with a large database
  session-loadgen big --messages 1000000 --expired
      deleting a million expired messages
  session-loadgen table --markdown table.md --json table.json
      all of it beside the reference
  session-loadgen files
      a file server: 10 KB and 1 MB up and down, 64 uploads at once
  session-loadgen soak --minutes 60
      whether memory and descriptors stay level";

#[derive(Debug, Subcommand)]
enum Command {
    /// Latency against rate: requests come at each of the given rates whether they are answered
    /// or not, and times count from when a request was due.
    Sweep(sweep::Arguments),
    /// Offers several times what the node can do, and shows what it still answers and how fast it
    /// refuses the rest.
    Overload(overload::Arguments),
    /// Start, memory and disk of a node with a large database, or its removal of expired messages.
    Big(big::Arguments),
    /// Every row of the table of docs/performance.md, beside the reference and the goal.
    Table(table::Arguments),
    /// Load for a long time, while memory, descriptors and threads of the nodes are watched.
    Soak(soak::Arguments),
    /// A file server: uploads, downloads and queries of each size, and memory under many uploads.
    Files(files::Arguments),
    /// Runs the file server that is measured, until standard input ends.
    #[command(hide = true)]
    FileServer {
        #[arg(long)]
        data_dir: PathBuf,
    },
    /// Runs the node that is measured, until standard input ends.
    #[command(hide = true)]
    Node {
        #[arg(long)]
        data_dir: PathBuf,
        #[arg(long, default_value_t = 0)]
        port: u16,
        #[arg(long)]
        list: Option<PathBuf>,
        #[arg(long)]
        max_requests: Option<usize>,
        #[arg(long, value_delimiter = ',')]
        processors: Vec<usize>,
    },
}

#[derive(Debug, Args)]
struct RunArguments {
    #[command(flatten)]
    common: Common,
    /// What to ask, in this order.
    #[arg(long, value_enum, default_values_t = [Case::Info, Case::Store, Case::Retrieve])]
    case: Vec<Case>,
    /// Length of each case.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=MAX_SECONDS))]
    seconds: u32,
    /// Requests per second of an open loop [default: a closed loop, as fast as it goes].
    #[arg(long)]
    rate: Option<u32>,
    /// One JSON object per case.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut cli: Cli) -> anyhow::Result<()> {
    process::permit_many_files();
    // Before there is any other thread: those that are started later stay where this one is.
    match &mut cli.command {
        None => cli.run.common.keep_apart()?,
        Some(Command::Sweep(arguments)) => arguments.common.keep_apart()?,
        Some(Command::Overload(arguments)) => arguments.common.keep_apart()?,
        Some(Command::Node { processors, .. }) if !processors.is_empty() => {
            process::keep_to(processors)?;
        }
        Some(_) => {}
    }
    tokio::runtime::Runtime::new()?.block_on(execute(cli))
}

async fn execute(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        None => measure_cases(&cli.run).await,
        Some(Command::Sweep(arguments)) => sweep::run(&arguments).await,
        Some(Command::Overload(arguments)) => overload::run(&arguments).await,
        Some(Command::Big(arguments)) => big::run(&arguments).await,
        Some(Command::Table(arguments)) => table::run(&arguments).await,
        Some(Command::Soak(arguments)) => soak::run(&arguments).await,
        Some(Command::Files(arguments)) => files::run(&arguments).await,
        Some(Command::FileServer { data_dir }) => files::serve(data_dir).await,
        Some(Command::Node {
            data_dir,
            port,
            list,
            max_requests,
            processors: _,
        }) => node_process::serve(data_dir, port, list, max_requests).await,
    }
}

async fn measure_cases(arguments: &RunArguments) -> anyhow::Result<()> {
    let mut bench = arguments.common.start().await?;
    if let Some(pid) = bench.load.setup().pids.first()
        && let Some(rss) = process::resident_mib(*pid)
        && !arguments.json
    {
        println!("idle node: {rss:.1} MiB resident");
    }
    for case in &arguments.case {
        let run = Run {
            case: *case,
            pace: arguments
                .rate
                .map_or(Pace::Closed, |rate| Pace::PerSecond(rate.into())),
            length: Duration::from_secs(arguments.seconds.into()),
        };
        let report = bench.load.run(run).await?;
        if arguments.json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            println!("{}", report.line());
            if *case == Case::RelayedHop
                && let Some(hops) = report.per_second_and_core()
            {
                println!("{:<15} {hops:>8.0} hops per second and core", "");
            }
        }
    }
    bench.stop().await
}
