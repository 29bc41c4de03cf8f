//! More than a node can do: what it still answers, and how fast it refuses the rest.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::arguments::{Common, MAX_SECONDS, write_json};
use crate::load::{Pace, Run};
use crate::measure::Report;
use crate::requests::Case;

/// A node under any overload answers at least so many percent of what it answers at most.
pub(crate) const GOAL_PERCENT: f64 = 80.0;
/// And refuses the rest within this time, in ms.
pub(crate) const GOAL_REFUSAL_MS: f64 = 100.0;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    /// What to ask.
    #[arg(long, value_enum, default_value_t = Case::Store)]
    case: Case,
    /// How many times the measured peak is offered.
    #[arg(long, default_value_t = 3.0)]
    factor: f64,
    /// Connections that offer it, each from its own loopback address. As many requests can be
    /// under way.
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u16).range(1..=8000))]
    crowd: u16,
    /// Length of both runs.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=MAX_SECONDS))]
    seconds: u32,
    /// Where the figures go.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// A closed loop, and an open one far above it.
#[derive(Debug, Serialize)]
pub(crate) struct Overload {
    pub(crate) peak: Report,
    pub(crate) offered: Report,
    /// Requests that were really sent in a second.
    pub(crate) sent_per_second: f64,
    pub(crate) goodput_percent: f64,
    pub(crate) goals_met: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let overload = measure(
        &arguments.common,
        arguments.case,
        arguments.factor,
        arguments.crowd,
        Duration::from_secs(arguments.seconds.into()),
    )
    .await?;
    println!("peak:     {}", overload.peak.line());
    println!("overload: {}", overload.offered.line());
    println!("{}", overload.line());
    if let Some(path) = &arguments.json {
        write_json(path, &overload)?;
    }
    Ok(())
}

/// Finds the peak over the usual connections, then offers `factor` times as much over `crowd`.
pub(crate) async fn measure(
    common: &Common,
    case: Case,
    factor: f64,
    crowd: u16,
    length: Duration,
) -> anyhow::Result<Overload> {
    anyhow::ensure!(
        factor.is_finite() && factor > 0.0,
        "the factor must be positive"
    );
    let mut bench = common.start().await?;
    let pace = Pace::Closed;
    let peak = bench.load.run(Run { case, pace, length }).await?;
    anyhow::ensure!(peak.requests > 0, "no request succeeded: {}", peak.line());
    bench.load.set_connections(crowd);
    let pace = Pace::PerSecond((peak.requests_per_second * factor).max(1.0));
    let offered = bench.load.run(Run { case, pace, length }).await?;
    bench.stop().await?;
    let goodput_percent = offered.requests_per_second * 100.0 / peak.requests_per_second;
    let sent_per_second = (offered.requests + offered.errors) as f64 / offered.seconds;
    let refused_late = offered.refused.p99_ms > GOAL_REFUSAL_MS;
    Ok(Overload {
        goals_met: goodput_percent >= GOAL_PERCENT && !refused_late,
        sent_per_second,
        goodput_percent,
        peak,
        offered,
    })
}

impl Overload {
    /// One line for people.
    pub(crate) fn line(&self) -> String {
        let refused = &self.offered.refused;
        format!(
            "offered {:.0}/s, sent {:.0}/s, goodput {:.0} % of peak (goal {GOAL_PERCENT:.0}); \
             {} refused, p50 {:.1} ms, p99 {:.1} ms (goal {GOAL_REFUSAL_MS:.0})",
            self.offered.rate.unwrap_or_default(),
            self.sent_per_second,
            self.goodput_percent,
            refused.count,
            refused.p50_ms,
            refused.p99_ms,
        )
    }
}
