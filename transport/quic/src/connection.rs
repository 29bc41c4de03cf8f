//! A connection this side opened.

use core::fmt;
use core::future::Future;
use core::time::Duration;

use session_storage_rpc::stream::{MAX_LIST, StreamMessage};
use tokio::sync::mpsc;

use crate::channel::{ReadFailure, Reader, writer};
use crate::life::Life;
use crate::{Budget, CloseCode, QuicError, Response, Stream};

/// Commands of the other side waiting to be taken; further ones are dropped.
const PUSHES: usize = 1024;
/// How long the other side may take to read what it is sent.
const PATIENCE: Duration = Duration::from_secs(30);

/// Commands the other side sends of its own accord: endpoint and body. They are not answered.
pub type Push = mpsc::Receiver<(String, Vec<u8>)>;

/// A connection this side opened. Dropping it closes it.
pub struct Connection {
    quinn: quinn::Connection,
    budget: Budget,
    pushes: mpsc::Sender<(String, Vec<u8>)>,
    life: Life,
}

impl Connection {
    pub(crate) fn new(quinn: quinn::Connection, budget: Budget, life: Life) -> (Self, Push) {
        let (pushes, pushed) = mpsc::channel(PUSHES);
        let connection = Self {
            quinn,
            budget,
            pushes,
            life,
        };
        (connection, pushed)
    }

    /// Opens one more stream; the other side sends its commands on the first.
    ///
    /// # Errors
    /// [`QuicError::Lost`].
    pub async fn open_stream(&self) -> Result<Stream, QuicError> {
        self.open_stream_for(self.budget.clone(), MAX_LIST).await
    }

    /// The same, for answers of up to `longest` bytes, their frames included, that take their
    /// memory from `budget`. An answer there is no memory for fails with [`QuicError::NoMemory`];
    /// others are not affected.
    ///
    /// # Errors
    /// [`QuicError::Lost`].
    pub async fn open_stream_for(
        &self,
        budget: Budget,
        longest: usize,
    ) -> Result<Stream, QuicError> {
        let (send, recv) = self.quinn.open_bi().await.map_err(|_| QuicError::Lost)?;
        let (out, _) = writer(&self.life, send, PATIENCE);
        let stream = Stream::new(out);
        let mut reader = Reader::new(recv, budget, longest, None);
        let pushes = self.pushes.clone();
        let reading = Ending(stream.clone());
        let connection = self.quinn.clone();
        self.life.spawn(async move {
            let why = loop {
                match reader.next().await {
                    Ok(Some((StreamMessage::Reply { id, body }, share))) => {
                        let good = true;
                        let response = Response { good, body, share };
                        reading.0.resolve(id, Ok(response));
                    }
                    Ok(Some((StreamMessage::Error { id, body }, share))) => {
                        let good = false;
                        let response = Response { good, body, share };
                        reading.0.resolve(id, Ok(response));
                    }
                    Ok(Some((StreamMessage::Command { endpoint, body, .. }, _))) => {
                        // Whoever does not take them does not want them.
                        let _ = pushes.try_send((endpoint, body));
                    }
                    Ok(None) => break ReadFailure::Lost,
                    Err(ReadFailure::NoMemoryFor(id)) => {
                        reading.0.resolve(id, Err(QuicError::NoMemory));
                    }
                    Err(why) => break why,
                }
            };
            reading.0.end(why);
            if why == ReadFailure::Broken {
                connection.close(CloseCode::BadStream.code(), b"");
            }
        });
        Ok(stream)
    }

    /// The connection beneath, for whoever measures it or speaks something else on its streams.
    #[must_use]
    pub const fn quic(&self) -> &quinn::Connection {
        &self.quinn
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.quinn.close_reason().is_some()
    }

    /// Ready when the connection has ended. What is returned does not keep it open.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + use<> {
        let quinn = self.quinn.clone();
        async move {
            quinn.closed().await;
        }
    }

    /// Bytes of UDP datagrams sent and received so far.
    #[must_use]
    pub fn udp_bytes(&self) -> (u64, u64) {
        let stats = self.quinn.stats();
        (stats.udp_tx.bytes, stats.udp_rx.bytes)
    }

    /// How long a packet there and back takes, as well as it is known.
    #[must_use]
    pub fn rtt(&self) -> Duration {
        self.quinn.rtt()
    }

    /// UDP datagrams received so far: when this grows the other side is there.
    #[must_use]
    pub fn heard(&self) -> u64 {
        self.quinn.stats().udp_rx.datagrams
    }

    /// Closes it, saying why.
    pub fn close(&self, code: CloseCode) {
        self.quinn.close(code.code(), b"");
    }
}

/// Lets nobody wait for ever when the task that reads is dropped.
struct Ending(Stream);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end(ReadFailure::Lost);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.close(CloseCode::Done);
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}
