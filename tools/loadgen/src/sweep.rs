//! Latency against rate.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use crate::arguments::{Common, MAX_SECONDS, write_json};
use crate::load::{Pace, Run};
use crate::measure::Report;
use crate::plot;
use crate::requests::Case;

/// Rates tried when none are given, in percent of what a closed loop reaches.
const PERCENT: [u32; 10] = [5, 10, 20, 30, 40, 50, 60, 70, 80, 90];

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    /// What to ask.
    #[arg(long, value_enum)]
    case: Case,
    /// Requests per second, one run for each [default: from 5 % to 90 % of what a closed loop
    /// reaches].
    #[arg(long, value_delimiter = ',', value_name = "A,B,C", value_parser = clap::value_parser!(u32).range(1..))]
    rates: Vec<u32>,
    /// Length of each run.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=MAX_SECONDS))]
    seconds: u32,
    /// Where the plot goes.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Where the figures go.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// All runs of a sweep.
#[derive(Debug, Serialize)]
pub(crate) struct Sweep {
    case: &'static str,
    /// The closed loop the rates were taken from.
    peak: Option<Report>,
    pub(crate) runs: Vec<Report>,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut bench = arguments.common.start().await?;
    let length = Duration::from_secs(arguments.seconds.into());
    let case = arguments.case;
    let mut sweep = Sweep {
        case: case.name(),
        peak: None,
        runs: Vec::new(),
    };
    let mut rates: Vec<f64> = arguments.rates.iter().copied().map(f64::from).collect();
    if rates.is_empty() {
        let pace = Pace::Closed;
        let peak = bench.load.run(Run { case, pace, length }).await?;
        println!("closed loop:  {}", peak.line());
        let reached = peak.requests_per_second;
        rates.extend(PERCENT.map(|percent| (reached * f64::from(percent) / 100.0).max(1.0)));
        sweep.peak = Some(peak);
    }
    for rate in rates {
        let pace = Pace::PerSecond(rate);
        let report = bench.load.run(Run { case, pace, length }).await?;
        println!("{rate:>8.0} asked: {}", report.line());
        sweep.runs.push(report);
    }
    bench.stop().await?;
    if let Some(path) = &arguments.svg {
        let svg = plot::latency(case.name(), &sweep.runs).context("nothing to plot")?;
        std::fs::write(path, svg).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = &arguments.json {
        write_json(path, &sweep)?;
    }
    Ok(())
}
