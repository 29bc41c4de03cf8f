//! The file server of a network.

use core::time::Duration;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use session_chassis::ChassisError;
use session_files::settings::Settings;
use session_files::storage::StorageError;
use session_files::{
    FileServer, FilesMetrics, RunningServer, ServerConfig, ServerError, ServerKeys,
};
use tokio::time::{Instant, sleep};

use crate::folder::Folder;
use crate::info::FileServerInfo;
use crate::keys::NetworkSeed;
use crate::network::local_address;
use crate::{Devnet, DevnetError, ports};

/// How long what is left of a killed server may hold its folder.
const PATIENCE: Duration = Duration::from_secs(10);

/// A file server, running or not.
pub(crate) struct FilesSlot {
    pub(crate) info: FileServerInfo,
    address: SocketAddr,
    running: Option<RunningServer>,
}

impl FilesSlot {
    pub(crate) async fn start(
        seed: NetworkSeed,
        folder: &Folder,
        socket: TcpListener,
    ) -> Result<Self, DevnetError> {
        let keys = ServerKeys::from_seed(seed.file_server_key());
        let address = local_address(&socket)?;
        // The same number as for HTTP, so that it stays.
        let quic = udp(address).await?;
        let info = FileServerInfo::new(address, *keys.ed25519(), *keys.x25519());
        let config = ServerConfig {
            quic: Some(quic),
            ..ServerConfig::new(folder.of_files(), socket, keys, settings())
        };
        Ok(Self {
            info,
            address,
            running: Some(Box::pin(FileServer::start(config)).await?),
        })
    }

    pub(crate) async fn stop(self) -> Result<(), DevnetError> {
        match self.running {
            Some(server) => Ok(server.stop().await?),
            None => Ok(()),
        }
    }
}

/// Binds a UDP port that may have been in use a moment ago.
async fn udp(address: SocketAddr) -> Result<UdpSocket, ChassisError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match UdpSocket::bind(address) {
            Err(error)
                if error.kind() == std::io::ErrorKind::AddrInUse && Instant::now() < deadline =>
            {
                sleep(Duration::from_millis(10)).await;
            }
            bound => return bound.map_err(ChassisError::Socket),
        }
    }
}

/// All traffic comes from one address here.
fn settings() -> Settings {
    let usual = Settings::default();
    Settings {
        admin: None,
        max_connections_per_address: usual.max_connections.max(usual.max_quic_connections),
        requests_per_second: usual.total_requests_per_second,
        burst: usual.total_burst,
        node_requests_per_second: usual.total_requests_per_second,
        node_burst: usual.total_burst,
        upload_kib_per_second: u32::MAX,
        upload_burst_mib: 4095,
        max_uploads_per_address: usual.max_uploads,
        max_downloads_per_address: usual.max_downloads,
        max_onion_memory_per_node_mib: usual.max_onion_memory_mib,
        ..usual
    }
}

impl Devnet {
    /// What the file server has counted since it was started; nothing when it does not run.
    ///
    /// # Errors
    /// [`DevnetError::NoFileServer`].
    pub fn file_server_metrics(&self) -> Result<Option<FilesMetrics>, DevnetError> {
        Ok(self.files()?.running.as_ref().map(RunningServer::metrics))
    }

    /// Stops the file server as an operator would. Nothing happens when it does not run.
    ///
    /// # Errors
    /// [`DevnetError`].
    pub async fn stop_file_server(&mut self) -> Result<(), DevnetError> {
        if let Some(server) = self.files_mut()?.0.running.take() {
            server.stop().await?;
        }
        Ok(())
    }

    /// Ends the file server at once, as if its process were killed. Nothing happens when it does
    /// not run.
    ///
    /// # Errors
    /// [`DevnetError::NoFileServer`].
    pub fn kill_file_server(&mut self) -> Result<(), DevnetError> {
        drop(self.files_mut()?.0.running.take());
        Ok(())
    }

    /// Starts the file server again with the key, the port and the files it had. One that runs is
    /// stopped first.
    ///
    /// # Errors
    /// [`DevnetError`].
    pub async fn restart_file_server(&mut self) -> Result<(), DevnetError> {
        self.stop_file_server().await?;
        let seed = self.seed();
        let (slot, folder) = self.files_mut()?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let socket = ports::bind_again(slot.address).await?;
            match FilesSlot::start(seed, folder, socket).await {
                Err(DevnetError::FileServer(ServerError::Storage(StorageError::InUse)))
                    if Instant::now() < deadline =>
                {
                    sleep(Duration::from_millis(10)).await;
                }
                started => {
                    *slot = started?;
                    return Ok(());
                }
            }
        }
    }
}
