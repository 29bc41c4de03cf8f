//! A node with a large database: its start, its memory, its disk, and its removal of expired
//! messages.

mod database;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use session_crypto::AccountKeys;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use self::database::{Filling, Size};
use crate::arguments::write_json;
use crate::measure::{Summary, Times};
use crate::node_process::{NodeOptions, NodeProcess, Place};
use crate::process::{cpu_time, resident_mib};
use crate::requests::{self, DAY};
use crate::transport::{Connection, Connector, Endpoint, Target, Transport};

/// Stores sent in a second while expired messages are removed, over so many connections that one
/// does not wait for another.
const STORES_PER_SECOND: u32 = 50;
const STORE_CONNECTIONS: u32 = 50;
/// Longest removal that is waited for.
const PATIENCE: Duration = Duration::from_secs(1800);

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Size of the database.
    #[arg(long, value_name = "GB", required_unless_present = "messages")]
    gigabytes: Option<f64>,
    /// Messages in the database, instead of its size.
    #[arg(long, conflicts_with = "gigabytes", value_parser = clap::value_parser!(u64).range(1..))]
    messages: Option<u64>,
    /// All but one message of each account have expired: measures their removal too.
    #[arg(long)]
    expired: bool,
    #[command(flatten)]
    content: Content,
    /// A folder for the node, which is kept. One that already holds a database is measured as it
    /// is [default: a temporary folder].
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Where the figures go.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Args)]
struct Content {
    /// Bytes of a message.
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=76_800))]
    message_bytes: u32,
    /// Accounts the messages belong to.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    accounts: u16,
}

/// What was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Big {
    /// Messages when the node was started.
    pub(crate) messages: u64,
    pub(crate) message_bytes: u32,
    pub(crate) database_bytes: u64,
    pub(crate) disk_bytes_per_message: f64,
    /// From the start of the process until it listened.
    pub(crate) listening_ms: f64,
    /// From the start of the process until its first answer.
    pub(crate) first_answer_ms: f64,
    /// Resident memory of a new node without messages; absent for a database that was there.
    pub(crate) empty_rss_mib: Option<f64>,
    /// Resident memory after the first answer.
    pub(crate) rss_mib: Option<f64>,
    pub(crate) removal: Option<Removal>,
}

/// The removal of expired messages, from when the node listened.
#[derive(Debug, Serialize)]
pub(crate) struct Removal {
    pub(crate) messages: u64,
    pub(crate) seconds: f64,
    pub(crate) node_cpu_seconds: Option<f64>,
    pub(crate) largest_log_mib: f64,
    /// Stores meanwhile, 50 in a second; times count from when they were due.
    pub(crate) stores: Summary,
    pub(crate) stores_failed: u64,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let size = match (arguments.messages, arguments.gigabytes) {
        (Some(messages), _) => Size::Messages(messages),
        (None, gigabytes) => Size::Bytes(bytes(gigabytes.context("no size")?)?),
    };
    let temporary;
    let folder = match &arguments.data_dir {
        Some(folder) => folder.as_path(),
        None => {
            temporary = tempfile::Builder::new()
                .prefix("session-loadgen-")
                .tempdir()?;
            temporary.path()
        }
    };
    let big = measure(folder, size, arguments.content, arguments.expired).await?;
    println!("{}", big.lines());
    if let Some(path) = &arguments.json {
        write_json(path, &big)?;
    }
    Ok(())
}

/// The same with messages of 1 KiB in a temporary folder.
pub(crate) async fn measure_messages(messages: u64, expired: bool) -> anyhow::Result<Big> {
    let folder = tempfile::tempdir()?;
    measure(folder.path(), Size::Messages(messages), CONTENT, expired).await
}

/// The same for a database of so many gigabytes.
pub(crate) async fn measure_gigabytes(gigabytes: f64) -> anyhow::Result<Big> {
    let folder = tempfile::tempdir()?;
    measure(
        folder.path(),
        Size::Bytes(bytes(gigabytes)?),
        CONTENT,
        false,
    )
    .await
}

const CONTENT: Content = Content {
    message_bytes: 1024,
    accounts: 1000,
};

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be in range"
)]
fn bytes(gigabytes: f64) -> anyhow::Result<u64> {
    // The node's own limit is 10 GiB.
    let good = gigabytes > 0.0 && gigabytes <= 10.0;
    anyhow::ensure!(good, "the size must be between 0 and 10 GB");
    Ok((gigabytes * 1e9) as u64)
}

async fn measure(
    folder: &Path,
    size: Size,
    content: Content,
    expired: bool,
) -> anyhow::Result<Big> {
    let file = folder.join(database::FILE);
    let mut made = None;
    if !file.exists() {
        made = Some(make(folder, size, content, expired).await?);
    }
    let now = requests::now();
    let before = database::messages(&file)?;

    let started = Instant::now();
    let node = NodeProcess::start(folder, Place::Alone, &NodeOptions::default()).await?;
    let listening = started.elapsed();
    let watched = expired.then(|| {
        let file = file.clone();
        tokio::task::spawn_blocking(move || database::watch_removal(&file, now, PATIENCE))
    });
    let mut connection = connect(&node).await?;
    let answer = connection.ask(Endpoint::Storage, requests::info()).await?;
    let first_answer = started.elapsed();
    anyhow::ensure!(answer.status == 200, "no answer: {}", answer.status);
    let rss_mib = resident_mib(node.pid());

    let mut removal = None;
    if let Some(watched) = watched {
        let over = CancellationToken::new();
        let cpu = cpu_time(node.pid());
        let storing = keep_storing(&node, over.clone());
        let (removed, stored) = tokio::join!(
            async {
                let removed = watched.await;
                over.cancel();
                removed
            },
            storing
        );
        let (removed, (times, stores_failed)) = (removed??, stored?);
        let spent = cpu_time(node.pid()).zip(cpu);
        let left = database::messages(&file)?.saturating_sub(times.count());
        removal = Some(Removal {
            messages: before.saturating_sub(left),
            seconds: removed.took.as_secs_f64(),
            node_cpu_seconds: spent.map(|(now, then)| now.saturating_sub(then).as_secs_f64()),
            largest_log_mib: removed.largest_log as f64 / 1_048_576.0,
            stores: times.summary(),
            stores_failed,
        });
    } else if let Some(Made { account, .. }) = &made {
        // Proves that the node takes what was put into its table for its own.
        let body = requests::retrieve(account);
        let answer = connection.ask(Endpoint::Storage, body).await?;
        let text: serde_json::Value = serde_json::from_slice(&answer.body)?;
        let found = text
            .get("messages")
            .and_then(|messages| messages.as_array());
        let wanted = if before >= 2 * u64::from(content.accounts) {
            2
        } else {
            1
        };
        anyhow::ensure!(
            found.is_some_and(|messages| messages.len() >= wanted),
            "the node does not show the messages"
        );
    }
    node.stop().await?;
    let database_bytes = std::fs::metadata(&file)?.len();
    Ok(Big {
        messages: before,
        message_bytes: content.message_bytes,
        database_bytes,
        disk_bytes_per_message: database_bytes as f64 / before.max(1) as f64,
        listening_ms: listening.as_secs_f64() * 1000.0,
        first_answer_ms: first_answer.as_secs_f64() * 1000.0,
        empty_rss_mib: made.and_then(|made| made.empty_rss_mib),
        rss_mib,
        removal,
    })
}

/// A folder that has just been filled.
struct Made {
    /// One of the accounts.
    account: AccountKeys,
    empty_rss_mib: Option<f64>,
}

async fn make(folder: &Path, size: Size, content: Content, expired: bool) -> anyhow::Result<Made> {
    let mut accounts = requests::accounts(content.accounts);
    let message_bytes = usize::try_from(content.message_bytes)?;
    let node = NodeProcess::start(folder, Place::Alone, &NodeOptions::default()).await?;
    let mut connection = connect(&node).await?;
    connection.ask(Endpoint::Storage, requests::info()).await?;
    let empty_rss_mib = resident_mib(node.pid());
    for account in &accounts {
        let body = requests::store(account, message_bytes, DAY)?;
        let answer = connection.ask(Endpoint::Storage, body).await?;
        anyhow::ensure!(answer.status == 200, "not stored: {}", answer.status);
    }
    drop(connection);
    node.stop().await?;
    let filling = Filling {
        size,
        message_bytes,
        now: requests::now(),
        expired,
    };
    let file = folder.join(database::FILE);
    tokio::task::spawn_blocking(move || {
        let started = Instant::now();
        let mut shown = 0;
        database::fill(&file, &filling, |added| {
            if added >= shown + 250_000 {
                shown = added;
                let seconds = started.elapsed().as_secs_f64();
                eprintln!("{added} messages after {seconds:.0} s");
            }
        })
    })
    .await??;
    Ok(Made {
        account: accounts.pop().context("an account")?,
        empty_rss_mib,
    })
}

async fn connect(node: &NodeProcess) -> anyhow::Result<Connection> {
    let connector = Connector::new(Transport::Https, false)?;
    connector.open(&Target::at(node.address()), 0).await
}

/// Stores at a steady rate until it is `over`. Returns the times, and how many stores failed.
async fn keep_storing(node: &NodeProcess, over: CancellationToken) -> anyhow::Result<(Times, u64)> {
    let account = Arc::new(requests::accounts(1).pop().context("an account")?);
    let connector = Connector::new(Transport::Https, false)?;
    let target = Target::at(node.address());
    let mut storing = JoinSet::new();
    for (turn, index) in (0..STORE_CONNECTIONS).zip(1..) {
        let (connector, target) = (connector.clone(), target.clone());
        let (account, over) = (Arc::clone(&account), over.clone());
        let first = Instant::now() + Duration::from_secs(1) * turn / STORES_PER_SECOND;
        let every = Duration::from_secs(1) * STORE_CONNECTIONS / STORES_PER_SECOND;
        storing.spawn(async move {
            let mut connection = connector.open(&target, index).await?;
            let (mut times, mut failed) = (Times::default(), 0);
            let mut ticks = tokio::time::interval_at(first.into(), every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            while let Some(due) = over.run_until_cancelled(ticks.tick()).await {
                let body = requests::store(&account, 1024, DAY)?;
                let answer = connection.ask(Endpoint::Storage, body).await?;
                if answer.status == 200 {
                    times.add(due.elapsed());
                } else {
                    failed += 1;
                }
            }
            anyhow::Ok((times, failed))
        });
    }
    let (mut times, mut failed) = (Times::default(), 0);
    while let Some(stored) = storing.join_next().await {
        let (some, more_failed) = stored??;
        times.merge(&some);
        failed += more_failed;
    }
    Ok((times, failed))
}

impl Big {
    fn lines(&self) -> String {
        let mut text = format!(
            "{} messages of {} bytes, {:.2} GB: {:.0} bytes of disk for each\n\
             listening after {:.0} ms, first answer after {:.0} ms",
            self.messages,
            self.message_bytes,
            self.database_bytes as f64 / 1e9,
            self.disk_bytes_per_message,
            self.listening_ms,
            self.first_answer_ms,
        );
        if let Some(rss) = self.rss_mib {
            text += &format!(", {rss:.1} MiB resident");
        }
        if let Some(rss) = self.empty_rss_mib {
            text += &format!(" (an empty node: {rss:.1} MiB)");
        }
        if let Some(removal) = &self.removal {
            text += &format!(
                "\n{} expired messages removed in {:.2} s, node {:.2} CPU s, log up to {:.0} MiB; \
                 meanwhile {} stores, p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms, {} failed",
                removal.messages,
                removal.seconds,
                removal.node_cpu_seconds.unwrap_or_default(),
                removal.largest_log_mib,
                removal.stores.count,
                removal.stores.p50_ms,
                removal.stores.p99_ms,
                removal.stores.max_ms,
                removal.stores_failed,
            );
        }
        text
    }
}
