//! A fixed address in front of a changing one: what a seed is to clients.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Passes connections on to where it was told to.
pub(crate) struct Doorway {
    address: SocketAddr,
    target: Arc<Mutex<Option<SocketAddr>>>,
    task: JoinHandle<()>,
}

impl Doorway {
    /// Opens the door to a seed.
    pub(crate) async fn to(seed_url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let target = Arc::new(Mutex::new(None));
        let current = Arc::clone(&target);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut connection, _)) = listener.accept().await {
                let Some(target) = *current.lock().unwrap() else {
                    continue;
                };
                connections.spawn(async move {
                    if let Ok(mut onward) = TcpStream::connect(target).await {
                        let _ = copy_bidirectional(&mut connection, &mut onward).await;
                    }
                });
            }
        });
        let doorway = Self {
            address,
            target,
            task,
        };
        doorway.lead_to(seed_url);
        doorway
    }

    /// Leads to another seed from now on.
    pub(crate) fn lead_to(&self, seed_url: &str) {
        let host = seed_url.trim_start_matches("http://").trim_end_matches('/');
        *self.target.lock().unwrap() = Some(host.parse().unwrap());
    }

    /// Closes every connection at once from now on.
    pub(crate) fn shut(&self) {
        *self.target.lock().unwrap() = None;
    }

    /// The address clients know.
    pub(crate) fn seed_url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

impl Drop for Doorway {
    fn drop(&mut self) {
        self.task.abort();
    }
}
