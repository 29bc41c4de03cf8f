//! A file server in a process of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use session_chassis::listener;
use session_files::settings::Settings;
use session_files::{FileServer, IdMode, ServerConfig, ServerKeys};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// The file server that is measured; it ends with this value.
#[derive(Debug)]
pub(super) struct FilesProcess {
    child: Child,
    address: SocketAddr,
    pid: u32,
    _folder: TempDir,
}

impl FilesProcess {
    /// Starts this program again as a file server and waits until it listens.
    pub(super) async fn start(dir: Option<&Path>, numbers: bool) -> anyhow::Result<Self> {
        let mut folder = tempfile::Builder::new();
        let folder = folder.prefix("session-loadgen-");
        let folder = match dir {
            Some(dir) => folder.tempdir_in(dir)?,
            None => folder.tempdir()?,
        };
        let mut child = Command::new(std::env::current_exe()?)
            .args(["file-server", "--data-dir"])
            .arg(folder.path())
            .args(numbers.then_some("--numbers"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start a file server")?;
        let pid = child.id().context("the file server ended at once")?;
        let stdout = child.stdout.take().context("no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).await?;
        let address = line
            .trim()
            .parse()
            .context("the file server did not start")?;
        Ok(Self {
            child,
            address,
            pid,
            _folder: folder,
        })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) const fn pid(&self) -> u32 {
        self.pid
    }

    /// Stops it in good order.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        let status = self.child.wait().await?;
        anyhow::ensure!(
            status.success(),
            "the file server failed when it stopped: {status}"
        );
        Ok(())
    }
}

/// The child's side.
pub(crate) async fn serve(data_dir: PathBuf, numbers: bool) -> anyhow::Result<()> {
    let socket = listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let usual = Settings::default();
    // The server is measured, not its limits.
    let settings = Settings {
        admin: None,
        ids: if numbers {
            IdMode::Numbers
        } else {
            IdMode::Content
        },
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
    let config = ServerConfig::new(data_dir, socket, keys, settings);
    let server = FileServer::start(config).await?;
    println!("{}", server.address());
    // The parent ending, however it ends, ends this.
    let mut nothing = [0];
    while tokio::io::stdin().read(&mut nothing).await.unwrap_or(0) > 0 {}
    server.stop().await?;
    Ok(())
}
