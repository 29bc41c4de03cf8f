//! A running file server: its tasks, and how they start and end.

use core::time::Duration;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use session_chassis::admin;
use session_chassis::clock::{Clock, SystemClock};
use session_chassis::listener;
use session_chassis::onion::OnionIngress;
use session_chassis::silence;
use session_chassis::tls::ServerIdentity;
use session_types::{Ed25519PublicKey, X25519PublicKey};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::announcements::Announcements;
use crate::http::Http;
use crate::metrics::{Counters, FilesMetrics};
use crate::quic;
use crate::settings::{DEFAULT_FILE, SETTINGS_FILE, Settings};
use crate::storage::{Storage, StorageError};
use crate::{Files, FilesError, LocalStorage, ServerError, ServerKeys, SharedStorage};

/// Everything a file server needs to start.
#[derive(Debug)]
pub struct ServerConfig {
    /// Where files, database and certificate live; made when missing.
    pub data_dir: PathBuf,
    /// A bound socket.
    pub listener: TcpListener,
    /// A bound socket for transfers over QUIC.
    pub quic: Option<UdpSocket>,
    /// A bound socket on a loopback address for metrics and health.
    pub admin: Option<TcpListener>,
    /// The server's keys.
    pub keys: ServerKeys,
    /// What the operator has chosen. Its addresses do not matter any more.
    pub settings: Settings,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// How often files that have expired are deleted, and the announcements looked at.
    pub expiry_interval: Duration,
    /// How often leftovers of crashes are looked for.
    pub sweep_interval: Duration,
}

impl ServerConfig {
    /// A configuration with defaults for everything else.
    #[must_use]
    pub fn new(
        data_dir: impl Into<PathBuf>,
        listener: TcpListener,
        keys: ServerKeys,
        settings: Settings,
    ) -> Self {
        Self {
            data_dir: data_dir.into(),
            listener,
            quic: None,
            admin: None,
            keys,
            settings,
            clock: Arc::new(SystemClock),
            expiry_interval: Duration::from_secs(10),
            sweep_interval: Duration::from_secs(3600),
        }
    }

    /// Reads the settings of a data folder, those that hold without a file if there is none,
    /// reads or makes the keys and binds the sockets.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn open(data_dir: &Path) -> Result<Self, ServerError> {
        let settings = match fs::read_to_string(data_dir.join(SETTINGS_FILE)) {
            Ok(text) => Settings::from_toml(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Settings::default(),
            Err(error) => return Err(ServerError::SettingsFile(error)),
        };
        Self::with_settings(data_dir, settings)
    }

    /// The same with settings given.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn with_settings(data_dir: &Path, mut settings: Settings) -> Result<Self, ServerError> {
        settings.check()?;
        settings.announcements = settings.announcements.map(|path| data_dir.join(path));
        let keys = ServerKeys::load_or_create(data_dir)?;
        let socket = listener::bind(settings.listen)?;
        let quic = settings.quic.map(quic::bind).transpose()?;
        let admin = settings.admin.map(admin::bind).transpose()?;
        Ok(Self {
            quic,
            admin,
            ..Self::new(data_dir, socket, keys, settings)
        })
    }
}

/// Makes a data folder with keys and a configuration file that explains itself; what is there
/// already stays.
///
/// # Errors
/// [`ServerError`] when something cannot be written, or what is there cannot be used.
pub fn init(data_dir: &Path) -> Result<ServerKeys, ServerError> {
    let keys = ServerKeys::load_or_create(data_dir)?;
    let path = data_dir.join(SETTINGS_FILE);
    match fs::read_to_string(&path) {
        Ok(text) => drop(Settings::from_toml(&text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::write(&path, DEFAULT_FILE).map_err(ServerError::SettingsFile)?;
        }
        Err(error) => return Err(ServerError::SettingsFile(error)),
    }
    Ok(keys)
}

/// Runs a file server until told to stop, then stops it in order.
///
/// # Errors
/// [`ServerError`] when it cannot be started or stopped.
pub async fn run(config: ServerConfig, cancel: CancellationToken) -> Result<(), ServerError> {
    let server = FileServer::start(config).await?;
    cancel.cancelled().await;
    server.stop().await
}

/// Starts file servers.
#[derive(Debug)]
pub struct FileServer;

impl FileServer {
    /// Opens the storage and serves until the returned handle is told to stop. Must run inside a
    /// tokio runtime.
    ///
    /// # Errors
    /// [`ServerError`] when storage, certificate or sockets cannot be used.
    pub async fn start(config: ServerConfig) -> Result<RunningServer, ServerError> {
        if let Some(shared) = config.settings.shared(&config.data_dir) {
            let storage = SharedStorage::open(shared).await?;
            return Self::start_with(config, Arc::new(storage)).await;
        }
        let dir = config.data_dir.clone();
        let opened = spawn_blocking(move || LocalStorage::open(&dir)).await;
        let storage = opened.unwrap_or(Err(StorageError::Closed))?;
        Self::start_with(config, Arc::new(storage)).await
    }

    /// The same on a storage of the caller's choice.
    ///
    /// # Errors
    /// [`ServerError`] when certificate or sockets cannot be used.
    pub async fn start_with(
        config: ServerConfig,
        storage: Arc<dyn Storage>,
    ) -> Result<RunningServer, ServerError> {
        let ServerConfig {
            data_dir,
            listener,
            quic,
            admin,
            keys,
            settings,
            clock,
            expiry_interval,
            sweep_interval,
        } = config;
        let tls = match settings.tls {
            false => None,
            true => Some(ServerIdentity::load_or_create(&data_dir)?.server_config()),
        };
        let address = listener.local_addr().map_err(chassis)?;
        let admin_address = admin.as_ref().map(TcpListener::local_addr).transpose();
        let admin_address = admin_address.map_err(chassis)?;
        let (key, identity) = (*keys.x25519(), *keys.ed25519());
        let files = Arc::new(Files::new(storage, settings.rules()));
        let announcements = Arc::new(Announcements::new(settings.announcements.clone()));
        let reading = Arc::clone(&announcements);
        // What it says about trouble is in the log.
        let _ = spawn_blocking(move || reading.refresh()).await;
        let endpoint = quic
            .map(|socket| quic::endpoint(socket, &keys))
            .transpose()?;
        let quic_address = endpoint
            .as_ref()
            .map(quinn::Endpoint::local_addr)
            .transpose();
        let quic_address = quic_address.map_err(chassis)?;
        let http = Http::new(
            Arc::clone(&files),
            Arc::default(),
            announcements,
            Arc::clone(&clock),
            settings.http_limits(),
        );
        let shared = Arc::new(Shared {
            files,
            counters: Arc::clone(&http.counters),
            announcements: Arc::clone(&http.announcements),
            onion: OnionIngress::new(keys.into_onion_key(), settings.onion_limits()),
            clock,
            stopping: AtomicBool::new(false),
        });
        let http = Arc::new(http);
        let killed = CancellationToken::new();
        let router = silence::after(killed.clone(), Arc::clone(&http).router(&shared.onion));
        let shutdown = CancellationToken::new();
        let serve = listener::serve(
            listener,
            tls,
            router,
            settings.listener_limits(),
            shutdown.clone(),
        );
        let mut tasks = vec![
            tokio::spawn(async move {
                if let Err(error) = serve.await {
                    tracing::error!(%error, "the listener ended");
                }
            }),
            tokio::spawn(clean_up(
                Arc::clone(&shared),
                expiry_interval,
                sweep_interval,
                shutdown.clone(),
            )),
        ];
        if let Some(endpoint) = endpoint {
            let limits = quic::Limits {
                max_connections: settings.max_quic_connections,
                max_connections_per_address: settings.max_connections_per_address,
                drain_timeout: settings.listener_limits().drain_timeout,
            };
            tasks.push(tokio::spawn(quic::serve(
                endpoint,
                http,
                limits,
                shutdown.clone(),
            )));
        }
        if let Some(socket) = admin {
            let serve = admin::serve(socket, Arc::clone(&shared) as _, shutdown.clone());
            tasks.push(tokio::spawn(async move {
                if let Err(error) = serve.await {
                    tracing::error!(%error, "metrics are not served");
                }
            }));
        }
        Ok(RunningServer {
            shared,
            killed,
            address,
            quic_address,
            admin_address,
            key,
            identity,
            stop_timeout: Duration::from_secs(settings.stop_seconds),
            shutdown,
            tasks,
        })
    }
}

fn chassis(error: io::Error) -> ServerError {
    session_chassis::ChassisError::Socket(error).into()
}

/// What the tasks of a server share.
#[derive(Debug)]
struct Shared {
    files: Arc<Files>,
    counters: Arc<Counters>,
    announcements: Arc<Announcements>,
    onion: OnionIngress,
    clock: Arc<dyn Clock>,
    stopping: AtomicBool,
}

impl Shared {
    fn metrics(&self) -> FilesMetrics {
        self.counters
            .snapshot(self.files.usage(), self.onion.counts())
    }

    async fn clean_up(&self, sweep: bool) -> Result<(), FilesError> {
        let expired = self.files.expire(self.clock.now()).await?;
        self.counters.expired.add(expired);
        if sweep {
            let swept = self.files.sweep().await?;
            self.counters.swept_partial.add(swept.partial);
            self.counters.swept_orphans.add(swept.orphans);
        }
        Ok(())
    }
}

impl admin::Watched for Shared {
    fn not_ready(&self) -> Option<String> {
        let stopping = self.stopping.load(Ordering::Relaxed);
        stopping.then(|| "the server is stopping".to_owned())
    }

    fn metrics(&self) -> admin::Answer<String> {
        let text = Self::metrics(self).prometheus();
        Box::pin(async move { text })
    }
}

/// Deletes what has expired and what crashes have left, at the start and from then on.
async fn clean_up(
    shared: Arc<Shared>,
    every: Duration,
    sweep_every: Duration,
    shutdown: CancellationToken,
) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sweep_due = Instant::now();
    while let Some(tick) = shutdown.run_until_cancelled(ticks.tick()).await {
        let sweep = tick >= sweep_due;
        if sweep {
            sweep_due = tick + sweep_every;
        }
        let cleaned = shutdown.run_until_cancelled(shared.clean_up(sweep)).await;
        if let Some(Err(error)) = cleaned {
            tracing::warn!(%error, "expired files were not deleted");
        }
        let announcements = Arc::clone(&shared.announcements);
        let _ = spawn_blocking(move || announcements.refresh()).await;
    }
}

/// A file server that runs. Dropping the handle ends it at once, as if the process were killed.
#[derive(Debug)]
pub struct RunningServer {
    shared: Arc<Shared>,
    killed: CancellationToken,
    address: SocketAddr,
    quic_address: Option<SocketAddr>,
    admin_address: Option<SocketAddr>,
    key: X25519PublicKey,
    identity: Ed25519PublicKey,
    stop_timeout: Duration,
    shutdown: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl RunningServer {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for transfers over QUIC.
    #[must_use]
    pub const fn quic_address(&self) -> Option<SocketAddr> {
        self.quic_address
    }

    /// Where metrics and health are.
    #[must_use]
    pub const fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// Onion requests are encrypted to it.
    #[must_use]
    pub const fn key(&self) -> &X25519PublicKey {
        &self.key
    }

    /// What it proves to be to clients that come over QUIC.
    #[must_use]
    pub const fn identity(&self) -> &Ed25519PublicKey {
        &self.identity
    }

    /// What it has counted.
    #[must_use]
    pub fn metrics(&self) -> FilesMetrics {
        self.shared.metrics()
    }

    /// Stops in order: no new connections, running requests are finished within
    /// [`Settings::stop_seconds`], everything accepted is on disk.
    ///
    /// # Errors
    /// [`ServerError::Storage`] when the storage was not closed in order.
    pub async fn stop(mut self) -> Result<(), ServerError> {
        self.shared.stopping.store(true, Ordering::Relaxed);
        self.shutdown.cancel();
        let mut tasks = core::mem::take(&mut self.tasks);
        let ended = async {
            for task in &mut tasks {
                // A panic has been reported by the task itself.
                let _ = task.await;
            }
        };
        if timeout(self.stop_timeout, ended).await.is_err() {
            tracing::warn!("some requests were cut off at the end");
            tasks.iter().for_each(JoinHandle::abort);
        }
        let closed = self.shared.files.close().await;
        closed.map_err(|error| match error {
            FilesError::Storage(error) => error.into(),
            _ => StorageError::Full.into(),
        })
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.killed.cancel();
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
