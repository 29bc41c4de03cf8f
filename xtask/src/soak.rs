//! `cargo xtask soak`.

use std::path::PathBuf;

use crate::command::{cargo, root};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How long, the measurement of the peak not included.
    #[arg(long, default_value_t = 60.0)]
    minutes: f64,
    /// Nodes of the swarm; they are relays too.
    #[arg(long, default_value_t = 3)]
    nodes: u16,
    /// Percent of the measured peak.
    #[arg(long, default_value_t = 70.0)]
    percent: f64,
    /// Where the figures go [default: target/soak.json].
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Without optimisation: builds sooner and says little.
    #[arg(long)]
    debug: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let json = match &arguments.json {
        Some(path) => std::path::absolute(path)?,
        None => root()?.join("target").join("soak.json"),
    };
    let json = json.to_string_lossy();
    let minutes = arguments.minutes.to_string();
    let nodes = arguments.nodes.to_string();
    let percent = arguments.percent.to_string();
    let mut command = vec!["run", "--package", "session-loadgen"];
    if !arguments.debug {
        command.push("--release");
    }
    command.extend(["--", "soak", "--minutes", &minutes, "--nodes", &nodes]);
    command.extend(["--percent", &percent, "--json", &json]);
    cargo(&command, &[])
}
