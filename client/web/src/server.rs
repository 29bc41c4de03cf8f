//! The server: one address, one session of accounts.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use session_api::Session;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::guard::Guard;
use crate::keys::{Keys, Launch};
use crate::{listener, routes};

/// How long calls that run may take to end when the server stops.
const DRAIN: Duration = Duration::from_secs(5);
/// Contents that are read at once, each of up to ten megabytes.
const UPLOADS: usize = 4;

/// How the server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebOptions {
    /// Where it listens on 127.0.0.1; 0 for any free port.
    pub port: u16,
    /// How long a page may take to show its key after it has connected.
    pub key_within: Duration,
    /// How often a page is asked whether it is still there. One that says nothing three times as
    /// long is not, and neither is one that takes nothing for so long.
    pub ping_every: Duration,
}

impl Default for WebOptions {
    fn default() -> Self {
        Self {
            port: 0,
            key_within: Duration::from_secs(10),
            ping_every: Duration::from_secs(20),
        }
    }
}

/// Why there is no server.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WebError {
    /// The port cannot be had.
    #[error("cannot listen on port {port} of this computer")]
    Listen {
        /// The one that was asked for.
        port: u16,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Nothing answers there, or something else.
    #[error("the program does not answer at its address")]
    NotThere,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) session: Session,
    pub(crate) options: WebOptions,
    pub(crate) guard: Guard,
    pub(crate) keys: Keys,
    pub(crate) shutdown: CancellationToken,
    pub(crate) tasks: TaskTracker,
    /// Contents that are read at once.
    pub(crate) uploading: Semaphore,
}

/// The page and the API for pages that were opened by a link of [`WebServer::launch`].
#[derive(Debug)]
pub struct WebServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Shared {
    pub(crate) fn launch(&self, life: Duration) -> Result<Launch, WebError> {
        let page = self.guard.page();
        self.keys.launch(&page, life).map_err(|_| WebError::Random)
    }
}

impl WebServer {
    /// How long a link lives that a program opens.
    pub const AT_ONCE: Duration = Duration::from_secs(30);
    /// How long a link lives that a person has to find and open.
    pub const BY_HAND: Duration = Duration::from_secs(300);

    /// Begins to listen. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`WebError::Listen`] when the port cannot be had.
    pub async fn start(session: Session, options: WebOptions) -> Result<Self, WebError> {
        let failed = |source| WebError::Listen {
            port: options.port,
            source,
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))
            .await
            .map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let keys = Keys::new().map_err(|_| WebError::Random)?;
        let shared = Arc::new(Shared {
            session,
            options,
            guard: Guard::new(address),
            keys,
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
            uploading: Semaphore::new(UPLOADS),
        });
        shared.tasks.spawn(listener::run(
            listener,
            routes::router(Arc::clone(&shared)),
            shared.shutdown.clone(),
            shared.tasks.clone(),
        ));
        Ok(Self { address, shared })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A link that opens the page once, within so long: [`Self::AT_ONCE`] if no person is
    /// between.
    ///
    /// # Errors
    /// [`WebError::Random`].
    pub fn launch(&self, life: Duration) -> Result<Launch, WebError> {
        self.shared.launch(life)
    }

    /// Whoever knows it gets links by [`launch_again`](crate::launch_again): another process of
    /// the same user.
    #[must_use]
    pub fn secret(&self) -> &str {
        self.shared.keys.secret()
    }

    /// Stops: pages are told, and calls that run come to their end. Accounts stay open.
    pub async fn stop(self) {
        self.shared.shutdown.cancel();
        self.shared.tasks.close();
        // What is left is cut off with the runtime.
        let _ = timeout(DRAIN, self.shared.tasks.wait()).await;
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.shared.shutdown.cancel();
        self.shared.tasks.close();
    }
}
