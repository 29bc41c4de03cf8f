//! A file server: requests per second, processor time and memory.

mod client;
mod quic;
mod server;

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use clap::{Args, ValueEnum};
use rand::RngExt as _;
use serde::Serialize;
use tokio::task::JoinSet;

use self::client::{Client, Content};
use self::server::{FilesProcess, Kind};
use crate::arguments::{MAX_SECONDS, write_json};
use crate::measure::{Outcome, Seen, Tally};
use crate::process::{cpu_time, peak_mib, resident_mib};

pub(crate) use self::server::serve;

/// Files that are downloaded in turns.
const DOWNLOADED: usize = 32;

/// Uploads at once for the measurement of memory, and their size.
const CROWD: u16 = 64;
const CROWD_BYTES: usize = 10_000_000;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What to ask, in this order.
    #[arg(long, value_enum, default_values_t = [Case::Upload, Case::Download, Case::Info])]
    case: Vec<Case>,
    /// Size of the files, in this order.
    #[arg(long, default_values_t = [1_000_000, 10_000], value_parser = clap::value_parser!(u32).range(16..=10_223_616))]
    bytes: Vec<u32>,
    /// Length of each case.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=MAX_SECONDS))]
    seconds: u32,
    /// Connections, each from its own loopback address.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=512))]
    connections: u16,
    #[command(flatten)]
    kind: Kind,
    /// Leave out the measurement of memory.
    #[arg(long)]
    no_memory: bool,
    /// One JSON object per case.
    #[arg(long)]
    json: bool,
    /// Where the figures go as a table, besides the terminal.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Where the figures go as JSON.
    #[arg(long, value_name = "FILE")]
    json_file: Option<PathBuf>,
}

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Case {
    /// `POST /file` with content nobody has sent before.
    Upload,
    /// `GET /file/ID`.
    Download,
    /// `GET /file/ID/info`.
    Info,
}

impl Case {
    const fn name(self) -> &'static str {
        match self {
            Self::Upload => "files-upload",
            Self::Download => "files-download",
            Self::Info => "files-info",
        }
    }
}

/// Everything measured.
#[derive(Debug, Default, Serialize)]
struct Figures {
    idle_mib: Option<f64>,
    cases: Vec<Report>,
    memory: Option<Memory>,
}

/// The result of one case.
#[derive(Debug, Serialize)]
struct Report {
    case: &'static str,
    file_bytes: usize,
    connections: u16,
    seconds: f64,
    requests: u64,
    errors: u64,
    errors_by_kind: BTreeMap<String, u64>,
    first_loss: Option<String>,
    requests_per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    server_cpu_seconds: Option<f64>,
    server_cpu_ms_per_request: Option<f64>,
    server_rss_mib: Option<f64>,
    own_cpu_seconds: Option<f64>,
}

/// Memory under many uploads.
#[derive(Debug, Serialize)]
struct Memory {
    uploads: u16,
    file_bytes: usize,
    seconds: f64,
    before_mib: Option<f64>,
    /// The most since the server was started for this.
    peak_mib: Option<f64>,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut figures = Figures::default();
    for bytes in &arguments.bytes {
        let server = FilesProcess::start(&arguments.kind).await?;
        figures.idle_mib = figures.idle_mib.or(server.own_pid().and_then(resident_mib));
        let bytes = usize::try_from(*bytes)?;
        for case in &arguments.case {
            let report = measure(&server, *case, bytes, arguments).await?;
            if arguments.json {
                println!("{}", serde_json::to_string(&report)?);
            } else {
                println!("{}", report.line());
            }
            figures.cases.push(report);
        }
        server.stop().await?;
    }
    if !arguments.no_memory && !arguments.kind.is_foreign() {
        let server = FilesProcess::start(&arguments.kind).await?;
        let memory = crowd(&server).await?;
        if arguments.json {
            println!("{}", serde_json::to_string(&memory)?);
        } else {
            println!("{}", memory.line());
        }
        figures.memory = Some(memory);
        server.stop().await?;
    }
    if let Some(path) = &arguments.json_file {
        write_json(path, &figures)?;
    }
    if let Some(path) = &arguments.markdown {
        std::fs::write(path, figures.markdown()?)?;
    }
    Ok(())
}

async fn measure(
    server: &FilesProcess,
    case: Case,
    bytes: usize,
    arguments: &Arguments,
) -> anyhow::Result<Report> {
    let plan = Arc::new(Plan::prepare(server, case, bytes).await?);
    let mut clients = Vec::new();
    for index in 0..arguments.connections {
        clients.push(Client::open(server, index).await?);
    }
    let own = std::process::id();
    let before = (server.cpu_time(), cpu_time(own));
    let started = Instant::now();
    let end = started + Duration::from_secs(arguments.seconds.into());
    let tally = Arc::new(Tally::new());
    let mut working = JoinSet::new();
    for (index, client) in (0..).zip(clients) {
        working.spawn(work(
            client,
            index,
            end,
            Arc::clone(&plan),
            Arc::clone(&tally),
        ));
    }
    let mut kept = Vec::new();
    while let Some(done) = working.join_next().await {
        kept.extend(done?);
    }
    let seconds = started.elapsed().as_secs_f64();
    let spent = |before: Option<Duration>, after: Option<Duration>| {
        Some(after?.checked_sub(before?)?.as_secs_f64())
    };
    let cpu = spent(before.0, server.cpu_time());
    let own_cpu = spent(before.1, cpu_time(own));
    // What was said to be kept is there.
    let mut client = Client::open(server, 0).await?;
    for (id, content) in &kept {
        ensure!(
            client.download(id, content).await? == Outcome::Good,
            "a file is not as uploaded"
        );
    }
    let seen = tally.sum();
    Ok(
        Report::new(case, bytes, arguments.connections, &seen, seconds).with_server(
            cpu,
            server.own_pid().and_then(resident_mib),
            own_cpu,
        ),
    )
}

/// What the connections of a case share.
#[derive(Debug)]
struct Plan {
    case: Case,
    /// The same in all uploads, but for its beginning.
    body: Bytes,
    /// Different for each upload, and for each run.
    next: AtomicU64,
    run: u64,
    files: Vec<(String, Content)>,
}

impl Plan {
    async fn prepare(server: &FilesProcess, case: Case, bytes: usize) -> anyhow::Result<Self> {
        let mut random = vec![0; bytes.saturating_sub(Content::STAMP)];
        let run = {
            let mut generator = rand::rng();
            generator.fill(random.as_mut_slice());
            generator.random()
        };
        let mut plan = Self {
            case,
            body: random.into(),
            next: AtomicU64::new(0),
            run,
            files: Vec::new(),
        };
        if case != Case::Upload {
            let mut client = Client::open(server, 0).await?;
            for _ in 0..DOWNLOADED {
                let content = plan.content();
                let id = client.upload(&content).await?.ok();
                plan.files
                    .push((id.context("an upload was refused")?, content));
            }
        }
        Ok(plan)
    }

    /// Content nobody has sent before.
    fn content(&self) -> Content {
        Content::new(
            self.run,
            self.next.fetch_add(1, Ordering::Relaxed),
            &self.body,
        )
    }
}

/// Sends one request after another until the end; the last upload is returned.
async fn work(
    mut client: Client,
    index: u16,
    end: Instant,
    plan: Arc<Plan>,
    tally: Arc<Tally>,
) -> Option<(String, Content)> {
    let mut kept = None;
    let mut turn = usize::from(index);
    loop {
        let began = Instant::now();
        if began >= end {
            return kept;
        }
        turn = turn.wrapping_add(1);
        let file = plan.files.get(turn % plan.files.len().max(1));
        let asked = match (plan.case, file) {
            (Case::Download, Some((id, content))) => client.download(id, content).await,
            (Case::Info, Some((id, content))) => client.info(id, content).await,
            _ => {
                let content = plan.content();
                client.upload(&content).await.map(|answer| match answer {
                    Ok(id) => {
                        kept = Some((id, content));
                        Outcome::Good
                    }
                    Err(outcome) => outcome,
                })
            }
        };
        let outcome = asked.unwrap_or_else(|reason| {
            tally.note_loss(index, &reason);
            Outcome::Lost
        });
        tally.note(index, outcome, began.elapsed(), began.elapsed());
        if outcome == Outcome::Lost {
            return kept;
        }
    }
}

/// Many large uploads that have all begun before any of them ends.
async fn crowd(server: &FilesProcess) -> anyhow::Result<Memory> {
    let plan = Plan::prepare(server, Case::Upload, CROWD_BYTES).await?;
    let before_mib = server.own_pid().and_then(resident_mib);
    let mut clients = Vec::new();
    for index in 0..CROWD {
        clients.push(Client::open(server, index).await?);
    }
    let started = Instant::now();
    let mut uploading = JoinSet::new();
    for mut client in clients {
        let content = plan.content();
        uploading.spawn(async move { client.upload(&content).await });
    }
    while let Some(uploaded) = uploading.join_next().await {
        ensure!(uploaded??.is_ok(), "an upload was refused");
    }
    Ok(Memory {
        uploads: CROWD,
        file_bytes: CROWD_BYTES,
        seconds: started.elapsed().as_secs_f64(),
        before_mib,
        peak_mib: server.own_pid().and_then(peak_mib),
    })
}

impl Report {
    fn new(case: Case, file_bytes: usize, connections: u16, seen: &Seen, seconds: f64) -> Self {
        let times = seen.good().summary();
        Self {
            case: case.name(),
            file_bytes,
            connections,
            seconds,
            requests: times.count,
            errors: seen.error_count(),
            errors_by_kind: seen.errors().clone(),
            first_loss: seen.first_loss().map(str::to_owned),
            requests_per_second: times.count as f64 / seconds,
            p50_ms: times.p50_ms,
            p99_ms: times.p99_ms,
            max_ms: times.max_ms,
            server_cpu_seconds: None,
            server_cpu_ms_per_request: None,
            server_rss_mib: None,
            own_cpu_seconds: None,
        }
    }

    fn with_server(self, cpu: Option<f64>, rss: Option<f64>, own: Option<f64>) -> Self {
        Self {
            server_cpu_seconds: cpu,
            server_cpu_ms_per_request: cpu
                .filter(|_| self.requests > 0)
                .map(|cpu| cpu * 1000.0 / self.requests as f64),
            server_rss_mib: rss,
            own_cpu_seconds: own,
            ..self
        }
    }

    /// One line for people.
    fn line(&self) -> String {
        let mut line = format!(
            "{:<15} {:>8} bytes {:>8.0} req/s  p50 {:>6.2} ms  p99 {:>6.2} ms  {} ok, {} errors",
            self.case,
            self.file_bytes,
            self.requests_per_second,
            self.p50_ms,
            self.p99_ms,
            self.requests,
            self.errors,
        );
        if let Some(each) = self.server_cpu_ms_per_request {
            line += &format!(", {each:.3} CPU s per 1000");
        }
        if let Some(rss) = self.server_rss_mib {
            line += &format!(", {rss:.0} MiB");
        }
        for (kind, count) in &self.errors_by_kind {
            line += &format!(", {kind}: {count}");
        }
        if let Some(reason) = &self.first_loss {
            line += &format!(" ({reason})");
        }
        line
    }
}

impl Memory {
    fn line(&self) -> String {
        let mib = |rss: Option<f64>| rss.map_or("?".to_owned(), |rss| format!("{rss:.1}"));
        format!(
            "{} uploads of {} bytes at once: {} MiB resident before, {} at most, {:.1} s",
            self.uploads,
            self.file_bytes,
            mib(self.before_mib),
            mib(self.peak_mib),
            self.seconds
        )
    }
}

impl Figures {
    fn markdown(&self) -> Result<String, core::fmt::Error> {
        let mut text = String::new();
        writeln!(
            text,
            "| case | bytes | requests/s | p50 / p99 ms | CPU s per 1000 requests |\n|---|---|---|---|---|"
        )?;
        for report in &self.cases {
            let cpu = report.server_cpu_ms_per_request.unwrap_or_default();
            writeln!(
                text,
                "| {} | {} | {:.0} | {:.1} / {:.1} | {cpu:.3} |",
                report.case,
                report.file_bytes,
                report.requests_per_second,
                report.p50_ms,
                report.p99_ms
            )?;
        }
        if let Some(idle) = self.idle_mib {
            writeln!(text, "\nIdle: {idle:.1} MiB resident.")?;
        }
        if let Some(memory) = &self.memory {
            writeln!(text, "\n{}", memory.line())?;
        }
        Ok(text)
    }
}
