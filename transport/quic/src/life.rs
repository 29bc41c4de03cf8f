//! Everything that runs for one endpoint, so that it can end at once.

use core::future::Future;
use core::pin::Pin;
use core::time::Duration;
use std::io;
use std::net::UdpSocket;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use quinn::{AsyncTimer, AsyncUdpSocket, Runtime, TokioRuntime};
use tokio_util::sync::CancellationToken;

/// How often it is looked whether the socket is closed.
const LOOK: Duration = Duration::from_millis(2);
/// Nobody holds it for so long after the end.
const LONGEST: Duration = Duration::from_secs(2);

/// The tasks of an endpoint and of its connections.
#[derive(Debug, Clone, Default)]
pub(crate) struct Life {
    killed: CancellationToken,
    socket: Arc<Mutex<Option<Weak<dyn AsyncUdpSocket>>>>,
}

impl Life {
    /// Runs a future until it ends or everything does.
    pub(crate) fn spawn(
        &self,
        future: impl Future<Output = ()> + Send + 'static,
    ) -> tokio::task::JoinHandle<()> {
        let killed = self.killed.clone();
        tokio::spawn(async move {
            killed.run_until_cancelled(future).await;
        })
    }

    /// Ends everything without a farewell, as if the process were killed. The returned future
    /// is ready when the socket is closed.
    pub(crate) fn end(&self) -> impl Future<Output = ()> + Send + use<> {
        self.killed.cancel();
        let socket = Arc::clone(&self.socket);
        async move {
            let since = Instant::now();
            let open = || {
                let socket = socket.lock().unwrap_or_else(PoisonError::into_inner);
                socket
                    .as_ref()
                    .is_some_and(|socket| socket.strong_count() > 0)
            };
            while open() && since.elapsed() < LONGEST {
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

impl Runtime for Life {
    fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>> {
        TokioRuntime.new_timer(at)
    }

    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) {
        self.spawn(future);
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let wrapped = TokioRuntime.wrap_udp_socket(socket)?;
        let mut known = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(Arc::downgrade(&wrapped));
        Ok(wrapped)
    }

    fn now(&self) -> Instant {
        TokioRuntime.now()
    }
}
