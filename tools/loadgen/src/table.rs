//! Every row of the table of docs/performance.md, one after another.

mod rows;

use core::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde::Serialize;

use self::rows::{EXPIRY, FIGURES, GOAL_P99_MS, MEMORY, OVERLOAD, ROWS, Reference, Row, START};
use crate::arguments::{Common, MAX_SECONDS, write_json};
use crate::big::{self, Big};
use crate::load::{Pace, Run};
use crate::measure::Report;
use crate::overload::{self, GOAL_PERCENT, GOAL_REFUSAL_MS, Overload};
use crate::requests::Case;
use crate::transport::Transport;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only these rows [default: all].
    #[arg(long, value_delimiter = ',', value_name = "ROW,ROW", value_parser = row_names())]
    only: Vec<String>,
    /// What carries the requests.
    #[arg(long, value_enum, default_value_t = Transport::Https)]
    transport: Transport,
    /// Length of each closed loop.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=MAX_SECONDS))]
    seconds: u32,
    /// Length of each open loop at the moderate rate.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=MAX_SECONDS))]
    moderate_seconds: u32,
    /// Connections that offer the overload.
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u16).range(1..=8000))]
    crowd: u16,
    /// Messages of the node whose memory and disk are measured.
    #[arg(long, default_value_t = 100_000)]
    memory_messages: u64,
    /// Size of the database whose start is measured, in GB.
    #[arg(long, default_value_t = 3.5)]
    start_gigabytes: f64,
    /// Messages whose removal is measured.
    #[arg(long, default_value_t = 1_000_000)]
    expiry_messages: u64,
    /// Where the tables go, besides the terminal. Written anew after each row.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Where the figures go. Written anew after each row.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn row_names() -> PossibleValuesParser {
    PossibleValuesParser::new(ROWS.map(|row| row.name).into_iter().chain(FIGURES))
}

/// Everything measured so far.
#[derive(Debug, Default, Serialize)]
struct Table {
    rows: Vec<Measured>,
    figures: Vec<Figure>,
}

/// A row of requests.
#[derive(Debug, Serialize)]
struct Measured {
    name: &'static str,
    title: &'static str,
    peak: Report,
    moderate: Option<Report>,
    reference: Reference,
    goal_ms: Option<f64>,
}

/// A single figure.
#[derive(Debug, Serialize)]
struct Figure {
    what: String,
    value: String,
    reference: &'static str,
    goal: String,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let wanted = |name: &str| arguments.only.is_empty() || arguments.only.iter().any(|n| n == name);
    let mut table = Table::default();
    for row in ROWS.iter().filter(|row| wanted(row.name)) {
        eprintln!("{} …", row.name);
        table.rows.push(measure(row, arguments).await?);
        table.write(arguments)?;
    }
    for name in FIGURES.into_iter().filter(|name| wanted(name)) {
        eprintln!("{name} …");
        match name {
            MEMORY => {
                let big = big::measure_messages(arguments.memory_messages, false).await?;
                table.add_memory(&big);
            }
            START => {
                let big = big::measure_gigabytes(arguments.start_gigabytes).await?;
                table.add_start(&big);
            }
            EXPIRY => {
                let big = big::measure_messages(arguments.expiry_messages, true).await?;
                table.add_expiry(&big);
            }
            OVERLOAD => {
                let length = Duration::from_secs(arguments.seconds.into());
                let common = common(arguments.transport, 1, 1024);
                let overload =
                    overload::measure(&common, Case::Store, 3.0, arguments.crowd, length).await?;
                table.add_overload(&overload);
            }
            other => anyhow::bail!("no row {other}"),
        }
        table.write(arguments)?;
    }
    println!("{}", table.markdown());
    Ok(())
}

/// Nodes and load as for the reference; over five nodes each has the same share of connections.
fn common(transport: Transport, nodes: u16, message_bytes: u32) -> Common {
    let connections = if nodes == 5 { 30 } else { 32 };
    Common::new(transport, nodes, connections, message_bytes, 200)
}

async fn measure(row: &Row, arguments: &Arguments) -> anyhow::Result<Measured> {
    let common = common(arguments.transport, row.nodes, row.message_bytes);
    let mut bench = common.start().await?;
    let case = row.case;
    let peak = bench
        .load
        .run(Run {
            case,
            pace: Pace::Closed,
            length: Duration::from_secs(arguments.seconds.into()),
        })
        .await?;
    eprintln!("  {}", peak.line());
    let mut moderate = None;
    if let Some(rate) = row.moderate {
        let report = bench
            .load
            .run(Run {
                case,
                pace: Pace::PerSecond(rate.into()),
                length: Duration::from_secs(arguments.moderate_seconds.into()),
            })
            .await?;
        eprintln!("  {}", report.line());
        moderate = Some(report);
    }
    bench.stop().await?;
    Ok(Measured {
        name: row.name,
        title: row.title,
        peak,
        moderate,
        reference: row.reference,
        goal_ms: row.goal_ms,
    })
}

impl Table {
    fn add_memory(&mut self, big: &Big) {
        let mib = |rss: Option<f64>| rss.map_or("–".to_owned(), |rss| format!("{rss:.1} MiB"));
        self.add("resident, idle", mib(big.empty_rss_mib), "23.6 MB", "15 MB");
        self.add(
            format!("resident, {} messages", big.messages),
            mib(big.rss_mib),
            "28.7 MB",
            "25 MB",
        );
        self.add(
            "disk for a 1 KiB message",
            format!("{:.0} bytes", big.disk_bytes_per_message),
            "1 524 bytes",
            "1 250 bytes",
        );
        self.add(
            format!("first answer after start, {} messages", big.messages),
            format!("{:.0} ms", big.first_answer_ms),
            "30 ms",
            "50 ms",
        );
    }

    fn add_start(&mut self, big: &Big) {
        let gigabytes = big.database_bytes as f64 / 1e9;
        self.add(
            format!("first answer after start, {gigabytes:.1} GB"),
            format!("{:.0} ms", big.first_answer_ms),
            "–",
            "5 s",
        );
    }

    fn add_expiry(&mut self, big: &Big) {
        let Some(removal) = &big.removal else { return };
        self.add(
            format!("removal of {} expired messages", removal.messages),
            format!("{:.1} s", removal.seconds),
            "–",
            "10 s for a million",
        );
        self.add(
            "stores meanwhile, p99 / longest",
            format!(
                "{:.1} / {:.1} ms",
                removal.stores.p99_ms, removal.stores.max_ms
            ),
            "–",
            "–",
        );
    }

    fn add_overload(&mut self, overload: &Overload) {
        let refused = &overload.offered.refused;
        self.add(
            format!(
                "goodput with {:.0} stores offered in a second, {:.0} sent",
                overload.offered.rate.unwrap_or_default(),
                overload.sent_per_second
            ),
            format!("{:.0} % of peak", overload.goodput_percent),
            "–",
            format!("{GOAL_PERCENT:.0} %"),
        );
        self.add(
            format!("refusals meanwhile ({}), p50 / p99", refused.count),
            format!("{:.1} / {:.1} ms", refused.p50_ms, refused.p99_ms),
            "–",
            format!("{GOAL_REFUSAL_MS:.0} ms"),
        );
    }

    fn add(
        &mut self,
        what: impl Into<String>,
        value: String,
        reference: &'static str,
        goal: impl Into<String>,
    ) {
        self.figures.push(Figure {
            what: what.into(),
            value,
            reference,
            goal: goal.into(),
        });
    }

    fn write(&self, arguments: &Arguments) -> anyhow::Result<()> {
        if let Some(path) = &arguments.json {
            write_json(path, self)?;
        }
        if let Some(path) = &arguments.markdown {
            std::fs::write(path, self.markdown())?;
        }
        Ok(())
    }

    fn markdown(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write_markdown(&mut text);
        text
    }

    fn write_markdown(&self, text: &mut String) -> core::fmt::Result {
        if !self.rows.is_empty() {
            writeln!(
                text,
                "| case | requests/s | p50 / p99 / p99.9 ms | CPU ms | at a moderate rate: \
                 p50 / p99 / p99.9 ms, CPU ms | C++: requests/s, p50 / p99 ms, CPU ms | \
                 C++ at that rate: p50 / p99 ms | goal, CPU ms |"
            )?;
            writeln!(text, "|---|---|---|---|---|---|---|---|")?;
        }
        for row in &self.rows {
            row.write_markdown(text)?;
        }
        if !self.rows.is_empty() {
            writeln!(
                text,
                "\nThe goal for p99 at a moderate rate is {GOAL_P99_MS:.0} ms in every row."
            )?;
        }
        for row in self.rows.iter().filter(|row| row.name == "relayed-hop") {
            if let Some(hops) = row.peak.per_second_and_core() {
                let hops = thousands(hops);
                writeln!(text, "\nA core relays {hops} hops per second (goal 8 000).")?;
            }
        }
        if !self.figures.is_empty() {
            writeln!(text, "\n| figure | here | C++ | goal |\n|---|---|---|---|")?;
        }
        for figure in &self.figures {
            let Figure {
                what,
                value,
                reference,
                goal,
            } = figure;
            writeln!(text, "| {what} | {value} | {reference} | {goal} |")?;
        }
        Ok(())
    }
}

impl Measured {
    fn write_markdown(&self, text: &mut String) -> core::fmt::Result {
        let cpu = |report: &Report| {
            report
                .node_cpu_ms_per_request
                .map_or("–".to_owned(), |cpu| format!("{cpu:.3}"))
        };
        let times = |report: &Report| {
            let [p50, p99, p999] = [report.p50_ms, report.p99_ms, report.p999_ms].map(short);
            format!("{p50} / {p99} / {p999}")
        };
        let peak = &self.peak;
        let moderate = self.moderate.as_ref().map_or("–".to_owned(), |report| {
            let rate = thousands(report.rate.unwrap_or_default());
            let mut text = format!("{rate}/s: {}, {}", times(report), cpu(report));
            if report.unsent > 0 {
                text += " (not kept up with)";
            }
            text
        });
        let errors: u64 = peak.errors + self.moderate.as_ref().map_or(0, |report| report.errors);
        let failed = match errors {
            0 => String::new(),
            count => format!(" ({count} failed)"),
        };
        let reference = &self.reference;
        writeln!(
            text,
            "| {}{failed} | {} | {} | {} | {moderate} | {}, {}, {} | {} | {} |",
            self.title,
            thousands(peak.requests_per_second),
            times(peak),
            cpu(peak),
            reference.requests_per_second,
            reference.latency_ms,
            reference.cpu_ms,
            reference.moderate_ms,
            self.goal_ms.map_or("–".to_owned(), |goal| goal.to_string()),
        )
    }
}

/// Two digits that say something.
fn short(ms: f64) -> String {
    if ms >= 9.95 {
        format!("{ms:.0}")
    } else if ms >= 0.995 {
        format!("{ms:.1}")
    } else {
        format!("{ms:.2}")
    }
}

/// Three or four digits that say something, the thousands set apart.
fn thousands(count: f64) -> String {
    let step = if count >= 1000.0 { 10.0 } else { 1.0 };
    let digits = format!("{:.0}", (count / step).round() * step);
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        assert_eq!(short(0.123), "0.12");
        assert_eq!(short(0.997), "1.0");
        assert_eq!(short(7.26), "7.3");
        assert_eq!(short(31.4), "31");
        assert_eq!(thousands(940.4), "940");
        assert_eq!(thousands(14_404.0), "14 400");
        assert_eq!(thousands(1_000_000.0), "1 000 000");
    }
}
