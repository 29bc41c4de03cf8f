//! Load for a long time, and whether what the nodes hold stays level.

mod trend;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use self::trend::{Bound, Trend};
use crate::arguments::{Common, write_json};
use crate::load::{Pace, Run};
use crate::measure::Report;
use crate::process::{Holdings, holdings};
use crate::requests::Case;
use crate::transport::Transport;

/// Longest part of the load whose requests are made at a time: signatures are good for a minute.
const PART: Duration = Duration::from_secs(15);
/// How long stored messages live: soon as many expire as are stored.
const TTL: Duration = Duration::from_secs(60);
/// Growth of resident memory that is allowed, in MiB, besides a twentieth of the mean.
const MEMORY: Bound = Bound {
    absolute: 4.0,
    relative: 0.05,
};
/// The same for open descriptors and for threads.
const COUNTS: Bound = Bound {
    absolute: 8.0,
    relative: 0.05,
};
/// One request of so many may fail.
const FAILURES: u64 = 10_000;

#[derive(Debug, Args)]
#[command(after_help = "\
Fails when, over the time after the warm-up, the line of best fit through a node's resident memory
rises by more than 4 MiB and a twentieth of its mean, or that through its descriptors or threads by
more than 8 and a twentieth; or when more than one request in ten thousand fails.")]
pub(crate) struct Arguments {
    /// How long, the warm-up included.
    #[arg(long, default_value_t = 60.0)]
    minutes: f64,
    /// Nodes to start, all of one swarm.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(3..=20))]
    nodes: u16,
    /// What carries the requests.
    #[arg(long, value_enum, default_value_t = Transport::Https)]
    transport: Transport,
    /// Connections, each from its own loopback address.
    #[arg(long, default_value_t = 48, value_parser = clap::value_parser!(u16).range(1..=8000))]
    connections: u16,
    /// Accounts the requests are spread over.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(2..=10_000))]
    accounts: u16,
    /// Percent of the measured peak.
    #[arg(long, default_value_t = 70.0)]
    percent: f64,
    /// Requests per second instead of a part of the peak.
    #[arg(long)]
    rate: Option<f64>,
    /// Seconds between two looks at the nodes [default: 5, or less in a short run].
    #[arg(long)]
    every: Option<f64>,
    /// Where the figures go.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// All that was seen.
#[derive(Debug, Serialize)]
struct Soak {
    rate: f64,
    peak: Option<Report>,
    warm_up_seconds: f64,
    requests: u64,
    errors: u64,
    unsent: u64,
    /// Slowest thousandth of the worst part, and the median of the worst part.
    worst_p999_ms: f64,
    worst_p50_ms: f64,
    nodes: Vec<NodeTrend>,
    samples: Vec<Sample>,
    passed: bool,
}

/// One look at one node.
#[derive(Debug, Clone, Serialize)]
struct Sample {
    seconds: f64,
    node: usize,
    #[serde(flatten)]
    holdings: Holdings,
}

/// What a node holds after the warm-up.
#[derive(Debug, Serialize)]
struct NodeTrend {
    resident_mib: Trend,
    descriptors: Trend,
    threads: Trend,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let every = arguments
        .every
        .unwrap_or((arguments.minutes * 60.0 / 50.0).clamp(0.1, 5.0));
    let good = (0.05..=100_000.0).contains(&arguments.minutes)
        && (0.1..=3600.0).contains(&every)
        && arguments.percent > 0.0
        && arguments.rate.is_none_or(|rate| rate > 0.0);
    anyhow::ensure!(
        good,
        "minutes, seconds between looks, percent or rate out of range"
    );
    let length = Duration::from_secs_f64(arguments.minutes * 60.0);
    let common = Common::new(
        arguments.transport,
        arguments.nodes,
        arguments.connections,
        1024,
        arguments.accounts,
    );
    let mut bench = common.start_with_ttl(TTL).await?;
    let case = Case::Mixed;
    let mut peak = None;
    let rate = match arguments.rate {
        Some(rate) => rate,
        None => {
            let length = (length / 10).min(Duration::from_secs(10));
            let pace = Pace::Closed;
            let report = bench.load.run(Run { case, pace, length }).await?;
            println!("peak: {}", report.line());
            let rate = report.requests_per_second * arguments.percent / 100.0;
            peak = Some(report);
            rate.max(1.0)
        }
    };

    let watch = Watch::start(
        bench.load.setup().pids.clone(),
        Duration::from_secs_f64(every),
    );
    let pace = Pace::PerSecond(rate);
    let part = |left: Duration| Run {
        case,
        pace,
        length: left.min(PART),
    };
    let mut crew = bench.load.crew(case).await?;
    let mut supplies = bench.load.supplies(part(length)).await?;
    let mut total = Total::default();
    let started = Instant::now();
    let mut shown = 0;
    loop {
        let left = length.saturating_sub(started.elapsed());
        if left.is_zero() {
            break;
        }
        // The next requests are made while these are sent.
        let next = part(left.saturating_sub(PART).max(Duration::from_secs(1)));
        let (report, made) =
            tokio::join!(crew.run(part(left), &supplies), bench.load.supplies(next),);
        total.add(&report?);
        supplies = made?;
        shown = watch.print_since(shown);
    }
    drop(crew);
    let samples = watch.stop();
    bench.stop().await?;

    let warm_up = (length.mul_f64(0.2)).clamp(
        length.mul_f64(0.4).min(Duration::from_secs(90)),
        Duration::from_secs(600),
    );
    let soak = judge(
        rate,
        peak,
        warm_up.as_secs_f64(),
        &total,
        samples,
        arguments.nodes,
    )?;
    soak.print();
    if let Some(path) = &arguments.json {
        write_json(path, &soak)?;
    }
    anyhow::ensure!(soak.passed, "not level, or too many requests failed");
    Ok(())
}

/// All parts together.
#[derive(Debug, Default)]
struct Total {
    requests: u64,
    errors: u64,
    unsent: u64,
    worst_p50_ms: f64,
    worst_p999_ms: f64,
}

impl Total {
    fn add(&mut self, report: &Report) {
        self.requests += report.requests;
        self.errors += report.errors;
        self.unsent += report.unsent;
        self.worst_p50_ms = self.worst_p50_ms.max(report.p50_ms);
        self.worst_p999_ms = self.worst_p999_ms.max(report.p999_ms);
        if report.errors > 0 {
            eprintln!("{}", report.line());
        }
    }
}

fn judge(
    rate: f64,
    peak: Option<Report>,
    warm_up_seconds: f64,
    total: &Total,
    samples: Vec<Sample>,
    nodes: u16,
) -> anyhow::Result<Soak> {
    let mut trends = Vec::new();
    for node in 0..usize::from(nodes) {
        let fit = |value: fn(&Holdings) -> f64, bound: Bound| {
            let points: Vec<_> = samples
                .iter()
                .filter(|sample| sample.node == node && sample.seconds >= warm_up_seconds)
                .map(|sample| (sample.seconds, value(&sample.holdings)))
                .collect();
            Trend::fit(&points, bound)
        };
        let trend = fit(|held| held.resident_mib, MEMORY)
            .zip(fit(|held| held.descriptors, COUNTS))
            .zip(fit(|held| held.threads, COUNTS));
        let Some(((resident_mib, descriptors), threads)) = trend else {
            anyhow::bail!("too few looks at node {node} after the warm-up, or it has ended");
        };
        trends.push(NodeTrend {
            resident_mib,
            descriptors,
            threads,
        });
    }
    let served = total.requests > 0 && total.errors <= total.requests / FAILURES;
    Ok(Soak {
        rate,
        peak,
        warm_up_seconds,
        requests: total.requests,
        errors: total.errors,
        unsent: total.unsent,
        worst_p999_ms: total.worst_p999_ms,
        worst_p50_ms: total.worst_p50_ms,
        passed: served && trends.iter().all(NodeTrend::is_level),
        nodes: trends,
        samples,
    })
}

impl NodeTrend {
    fn is_level(&self) -> bool {
        self.resident_mib.is_level() && self.descriptors.is_level() && self.threads.is_level()
    }
}

impl Soak {
    fn print(&self) {
        println!(
            "{} requests at {:.0}/s, {} failed, {} not sent in time, \
             worst part: p50 {:.1} ms, p99.9 {:.1} ms",
            self.requests,
            self.rate,
            self.errors,
            self.unsent,
            self.worst_p50_ms,
            self.worst_p999_ms
        );
        println!("after a warm-up of {:.0} s:", self.warm_up_seconds);
        println!("| node | what | mean | highest | growth | allowed | per hour |");
        println!("|---|---|---|---|---|---|---|");
        for (number, node) in self.nodes.iter().enumerate() {
            let rows = [
                ("resident MiB", node.resident_mib),
                ("descriptors", node.descriptors),
                ("threads", node.threads),
            ];
            for (what, trend) in rows {
                println!(
                    "| {number} | {what} | {:.1} | {:.1} | {:+.2} | {:.2} | {:+.2} |",
                    trend.mean, trend.highest, trend.growth, trend.allowed, trend.growth_per_hour
                );
            }
        }
        println!("{}", if self.passed { "level" } else { "not level" });
    }
}

/// Looks at processes again and again.
struct Watch {
    samples: Arc<Mutex<Vec<Sample>>>,
    looking: tokio::task::JoinHandle<()>,
}

impl Watch {
    fn start(pids: Vec<u32>, every: Duration) -> Self {
        let samples = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&samples);
        let looking = tokio::spawn(async move {
            let started = Instant::now();
            let mut ticks = tokio::time::interval(every);
            loop {
                ticks.tick().await;
                for (node, pid) in pids.iter().enumerate() {
                    let Some(holdings) = holdings(*pid) else {
                        continue;
                    };
                    let seconds = started.elapsed().as_secs_f64();
                    kept.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(Sample {
                            seconds,
                            node,
                            holdings,
                        });
                }
            }
        });
        Self { samples, looking }
    }

    /// Prints what was seen from `first` on, and returns what comes next.
    fn print_since(&self, first: usize) -> usize {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        for sample in samples.iter().skip(first) {
            println!(
                "{:>7.0} s  node {}  {:>7.1} MiB  {:>4.0} descriptors  {:>3.0} threads",
                sample.seconds,
                sample.node,
                sample.holdings.resident_mib,
                sample.holdings.descriptors,
                sample.holdings.threads
            );
        }
        samples.len()
    }

    fn stop(self) -> Vec<Sample> {
        self.looking.abort();
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *samples)
    }
}
