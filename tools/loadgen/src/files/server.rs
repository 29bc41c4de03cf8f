//! A file server in a process of its own.

use core::fmt::Write as _;
use core::time::Duration;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context as _;
use session_chassis::listener;
use session_files::settings::{SETTINGS_FILE, Settings};
use session_files::{FileServer, ServerConfig, ServerKeys};
use session_server_test_support::{ObjectStore, Postgres};
use session_types::Ed25519PublicKey;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::process::cpu_time_of_trees;

/// How the file server that is measured keeps files, and how it is reached.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Kind {
    /// How files are named [default: content].
    #[arg(long)]
    ids: Option<Ids>,
    /// Transfer over QUIC; leave out the case `info`.
    #[arg(long)]
    quic: bool,
    /// Keep records in a PostgreSQL server, which is started for this (it must be installed), and
    /// content in a folder, unless --s3 is given too.
    #[arg(long)]
    postgres: bool,
    /// Keep content in an object store that speaks S3: OpenStack Swift, which is started for this
    /// (it must be installed).
    #[arg(long)]
    s3: bool,
    /// Where the files are kept meanwhile [default: the system's folder for temporary files].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Address of a running file server, ours or another, over plain HTTP [default: start one].
    /// Memory is not measured then.
    #[arg(long, value_name = "IP:PORT", requires = "pid", conflicts_with_all = ["ids", "quic", "postgres", "s3", "dir"])]
    target: Option<SocketAddr>,
    /// A process of that server; what it starts counts too. Give its database as well.
    #[arg(long, value_name = "PID", requires = "target")]
    pid: Vec<u32>,
}

/// How files are named.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Ids {
    /// By their content, hashed by BLAKE2b.
    Content,
    /// By their content, hashed by BLAKE3.
    Blake3,
    /// By random numbers, as the reference does: no content is hashed.
    Numbers,
}

impl Ids {
    /// As the file server's settings have it.
    const fn name(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Blake3 => "blake3",
            Self::Numbers => "numbers",
        }
    }
}

impl Kind {
    /// Whether the server was started by somebody else.
    pub(super) const fn is_foreign(&self) -> bool {
        self.target.is_some()
    }
}

/// The file server that is measured; if it was started for that, it ends with this value.
#[derive(Debug)]
pub(super) struct FilesProcess {
    address: SocketAddr,
    quic: Option<(SocketAddr, Ed25519PublicKey)>,
    pids: Vec<u32>,
    own: Option<Own>,
}

/// What was started for the measurement.
#[derive(Debug)]
struct Own {
    child: Child,
    _folder: TempDir,
    _postgres: Option<Postgres>,
    _s3: Option<ObjectStore>,
}

impl FilesProcess {
    /// Starts this program again as a file server and waits until it listens, unless another server
    /// is to be measured.
    pub(super) async fn start(kind: &Kind) -> anyhow::Result<Self> {
        if let Some(address) = kind.target {
            return Ok(Self {
                address,
                quic: None,
                pids: kind.pid.clone(),
                own: None,
            });
        }
        let mut folder = tempfile::Builder::new();
        let folder = folder.prefix("session-loadgen-");
        let folder = match &kind.dir {
            Some(dir) => folder.tempdir_in(dir)?,
            None => folder.tempdir()?,
        };
        let installed = "a server that is needed is not installed";
        let postgres = kind.postgres.then(|| Postgres::start().context(installed));
        let postgres = postgres.transpose()?;
        let s3 = kind.s3.then(|| ObjectStore::start().context(installed));
        let s3 = s3.transpose()?;
        let mut settings = String::new();
        if let Some(ids) = kind.ids {
            writeln!(settings, "ids = \"{}\"", ids.name())?;
        }
        if kind.quic {
            writeln!(settings, "quic = \"127.0.0.1:0\"")?;
        }
        if let Some(postgres) = &postgres {
            writeln!(settings, "postgres = \"{}\"", postgres.address())?;
            if s3.is_none() {
                writeln!(settings, "content = \"content\"")?;
            }
        }
        if let Some(s3) = &s3 {
            settings += &s3.toml("");
        }
        std::fs::write(folder.path().join(SETTINGS_FILE), settings)?;
        let mut child = Command::new(std::env::current_exe()?)
            .args(["file-server", "--data-dir"])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start a file server")?;
        let pid = child.id().context("the file server ended at once")?;
        let stdout = child.stdout.take().context("no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).await?;
        let mut words = line.split_whitespace();
        let problem = "the file server did not start";
        let address = words.next().context(problem)?.parse().context(problem)?;
        let quic = match (words.next(), words.next()) {
            (Some(address), Some(key)) => Some((address.parse()?, key.parse()?)),
            _ => None,
        };
        Ok(Self {
            address,
            quic,
            pids: vec![pid],
            own: Some(Own {
                child,
                _folder: folder,
                _postgres: postgres,
                _s3: s3,
            }),
        })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it is to be asked over QUIC, and its key.
    pub(super) const fn quic(&self) -> Option<(SocketAddr, Ed25519PublicKey)> {
        self.quic
    }

    /// Processor time it has used so far.
    pub(super) fn cpu_time(&self) -> Option<Duration> {
        cpu_time_of_trees(&self.pids)
    }

    /// The process that was started for the measurement.
    pub(super) fn own_pid(&self) -> Option<u32> {
        self.own.as_ref().and_then(|own| own.child.id())
    }

    /// Stops it in good order, if it was started for the measurement.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        let Some(mut own) = self.own else {
            return Ok(());
        };
        drop(own.child.stdin.take());
        let status = own.child.wait().await?;
        anyhow::ensure!(
            status.success(),
            "the file server failed when it stopped: {status}"
        );
        Ok(())
    }
}

/// The child's side.
pub(crate) async fn serve(data_dir: PathBuf) -> anyhow::Result<()> {
    let socket = listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let usual = Settings::from_toml(&std::fs::read_to_string(data_dir.join(SETTINGS_FILE))?)?;
    // The server is measured, not its limits.
    let settings = Settings {
        admin: None,
        requests_per_second: u32::MAX,
        burst: u32::MAX,
        total_requests_per_second: u32::MAX,
        total_burst: u32::MAX,
        upload_kib_per_second: u32::MAX,
        upload_burst_mib: 4095,
        max_uploads_per_address: usual.max_uploads,
        max_downloads_per_address: usual.max_downloads,
        ..usual
    };
    let keys = ServerKeys::load_or_create(&data_dir)?;
    let config = ServerConfig {
        quic: settings.quic.map(UdpSocket::bind).transpose()?,
        ..ServerConfig::new(data_dir, socket, keys, settings)
    };
    let server = Box::pin(FileServer::start(config)).await?;
    match server.quic_address() {
        Some(quic) => println!("{} {quic} {}", server.address(), server.identity()),
        None => println!("{}", server.address()),
    }
    // The parent ending, however it ends, ends this.
    let mut nothing = [0];
    while tokio::io::stdin().read(&mut nothing).await.unwrap_or(0) > 0 {}
    server.stop().await?;
    Ok(())
}
