//! One stream: commands and answers in both directions
//! (docs/protocol/node.md section 6.3).

use core::any::Any;
use core::fmt;
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use quinn::{RecvStream, SendStream};
use session_storage_rpc::stream::{StreamDecoder, StreamMessage};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::QuicError;
use crate::life::Life;

/// Messages of one stream waiting to be written; whoever has more waits.
const QUEUE: usize = 256;
/// Messages handed to the connection at once, so that they share packets.
const TRAIN: usize = 64;
/// How long the end of a finished stream may take to arrive.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Bytes taken from the connection at once.
const PIECE: usize = 64 * 1024;

/// Memory that messages take together from when their first byte arrives until they are worked
/// off.
#[derive(Debug, Clone)]
pub struct Budget {
    pool: Arc<Semaphore>,
    unit: usize,
}

impl Budget {
    /// A budget of as many units as `pool` has permits, each of `unit` bytes.
    #[must_use]
    pub fn new(pool: Arc<Semaphore>, unit: usize) -> Self {
        Self {
            pool,
            unit: unit.max(1),
        }
    }

    /// Makes the share cover so many bytes, if there is room at once.
    fn cover(&self, share: &mut Option<OwnedSemaphorePermit>, bytes: usize) -> bool {
        let held = share.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = bytes.div_ceil(self.unit).saturating_sub(held);
        if missing == 0 {
            return true;
        }
        let missing = u32::try_from(missing).unwrap_or(u32::MAX);
        let Ok(more) = Arc::clone(&self.pool).try_acquire_many_owned(missing) else {
            return false;
        };
        match share {
            Some(share) => share.merge(more),
            None => *share = Some(more),
        }
        true
    }

    /// Takes out of the share what is not needed for the `rest` bytes that stay.
    fn split(
        &self,
        share: &mut Option<OwnedSemaphorePermit>,
        rest: usize,
    ) -> Option<OwnedSemaphorePermit> {
        let keep = rest.div_ceil(self.unit);
        if keep == 0 {
            return share.take();
        }
        let held = share.as_mut()?;
        held.split(held.num_permits().saturating_sub(keep))
    }
}

/// What was answered to a command.
pub struct Response {
    /// Whether it is an answer (`R`) rather than an error (`E`).
    pub good: bool,
    /// What stands in it.
    pub body: Vec<u8>,
    /// The body's share of the [`Budget`], if there is one.
    pub share: Option<OwnedSemaphorePermit>,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({}, {} bytes)", self.good, self.body.len())
    }
}

/// A message on its way out, and what is to be held until it has been handed over.
pub(crate) struct Outgoing {
    pub(crate) bytes: Bytes,
    pub(crate) _hold: Option<Box<dyn Any + Send>>,
}

/// Why a stream is not read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadFailure {
    /// The other side broke the rules.
    Broken,
    /// The connection is gone.
    Lost,
    /// There is no memory for what arrives.
    NoMemory,
    /// A message did not arrive in time.
    Stalled,
}

/// The arriving half of a stream.
pub(crate) struct Reader {
    recv: RecvStream,
    decoder: StreamDecoder,
    budget: Option<Budget>,
    share: Option<OwnedSemaphorePermit>,
    patience: Option<Duration>,
    due: Option<Instant>,
}

impl Reader {
    /// `patience`: how long a message may take to arrive once begun.
    pub(crate) fn new(
        recv: RecvStream,
        budget: Option<Budget>,
        patience: Option<Duration>,
    ) -> Self {
        Self {
            recv,
            decoder: StreamDecoder::new(),
            budget,
            share: None,
            patience,
            due: None,
        }
    }

    /// The next message and its share of the budget; nothing when the other side has finished.
    ///
    /// Cancel-safe.
    pub(crate) async fn next(
        &mut self,
    ) -> Result<Option<(StreamMessage, Option<OwnedSemaphorePermit>)>, ReadFailure> {
        loop {
            let message = self
                .decoder
                .next_message()
                .map_err(|_| ReadFailure::Broken)?;
            let pending = self.decoder.pending();
            if let Some(message) = message {
                self.due = None;
                let share = match &self.budget {
                    Some(budget) => budget.split(&mut self.share, pending),
                    None => None,
                };
                return Ok(Some((message, share)));
            }
            if pending == 0 {
                self.due = None;
            } else if self.due.is_none() {
                self.due = self.patience.map(|patience| Instant::now() + patience);
            }
            let chunk = self.recv.read_chunk(PIECE, true);
            let chunk = match self.due {
                Some(due) => timeout_at(due, chunk)
                    .await
                    .map_err(|_| ReadFailure::Stalled)?,
                None => chunk.await,
            };
            let Some(chunk) = chunk.map_err(|_| ReadFailure::Lost)? else {
                return if pending == 0 {
                    Ok(None)
                } else {
                    Err(ReadFailure::Broken)
                };
            };
            if let Some(budget) = &self.budget
                && !budget.cover(&mut self.share, pending + chunk.bytes.len())
            {
                return Err(ReadFailure::NoMemory);
            }
            self.decoder.push(&chunk.bytes);
        }
    }
}

/// The leaving half of a stream: a queue and the task that empties it.
pub(crate) fn writer(
    life: &Life,
    send: SendStream,
    patience: Duration,
) -> (mpsc::Sender<Outgoing>, JoinHandle<()>) {
    let (queue, waiting) = mpsc::channel(QUEUE);
    (queue, life.spawn(write(send, waiting, patience)))
}

/// Writes until everybody who may queue something is gone, then finishes the stream.
async fn write(mut send: SendStream, mut queue: mpsc::Receiver<Outgoing>, patience: Duration) {
    let mut train = Vec::with_capacity(TRAIN);
    let mut pieces: Vec<Bytes> = Vec::with_capacity(TRAIN);
    while queue.recv_many(&mut train, TRAIN).await > 0 {
        pieces.extend(train.iter().map(|message| message.bytes.clone()));
        let mut rest = pieces.as_mut_slice();
        while !rest.is_empty() {
            match timeout(patience, send.write_chunks(rest)).await {
                Ok(Ok(written)) => rest = rest.get_mut(written.chunks..).unwrap_or_default(),
                // Nobody reads: what is queued must not be held for ever.
                Ok(Err(_)) | Err(_) => {
                    let _ = send.reset(quinn::VarInt::from_u32(0));
                    return;
                }
            }
        }
        pieces.clear();
        train.clear();
    }
    if send.finish().is_ok() {
        // Until then the connection must not be closed.
        let _ = timeout(LAST_WORDS, send.stopped()).await;
    }
}

/// A stream to ask on. Clones share it; any number of requests may be under way.
#[derive(Clone)]
pub struct Stream {
    shared: Arc<Shared>,
}

struct Shared {
    out: mpsc::Sender<Outgoing>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    next: i64,
    ended: Option<ReadFailure>,
    answers: HashMap<i64, oneshot::Sender<Response>>,
}

impl Stream {
    /// A stream whose leaving half is `out`; feed [`Stream::resolve`] with what arrives.
    pub(crate) fn new(out: mpsc::Sender<Outgoing>) -> Self {
        Self {
            shared: Arc::new(Shared {
                out,
                waiting: Mutex::default(),
            }),
        }
    }

    /// Asks for something and waits for the answer.
    ///
    /// Cancel-safe: dropping the future gives up waiting; the other side may have acted.
    ///
    /// # Errors
    /// [`QuicError`]; an error the other side states is a [`Response`].
    pub async fn request(
        &self,
        endpoint: &str,
        body: Vec<u8>,
        patience: Duration,
    ) -> Result<Response, QuicError> {
        let (sender, answer) = oneshot::channel();
        let (id, _waiting) = self.register(sender)?;
        let endpoint = endpoint.to_owned();
        let bytes = StreamMessage::Command { id, endpoint, body }
            .encode()
            .ok_or(QuicError::TooLong)?;
        let exchange = async {
            let message = Outgoing {
                bytes: bytes.into(),
                _hold: None,
            };
            let sent = self.shared.out.send(message).await;
            sent.map_err(|_| QuicError::Lost)?;
            answer.await.map_err(|_| self.why_ended())
        };
        timeout(patience, exchange)
            .await
            .unwrap_or(Err(QuicError::Timeout))
    }

    /// Requests under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.lock().answers.len()
    }

    /// Gives an answer to whoever waits for it. Answers nobody waits for any more are dropped.
    pub(crate) fn resolve(&self, id: i64, response: Response) {
        let answer = self.lock().answers.remove(&id);
        if let Some(answer) = answer {
            // It may have stopped waiting this moment.
            let _ = answer.send(response);
        }
    }

    /// Nothing will be answered any more.
    pub(crate) fn end(&self, why: ReadFailure) {
        let mut waiting = self.lock();
        waiting.ended.get_or_insert(why);
        waiting.answers.clear();
    }

    fn register(
        &self,
        answer: oneshot::Sender<Response>,
    ) -> Result<(i64, WaitingGuard<'_>), QuicError> {
        let mut waiting = self.lock();
        if waiting.ended.is_some() {
            drop(waiting);
            return Err(self.why_ended());
        }
        let id = waiting.next;
        waiting.next = id.wrapping_add(1) & i64::MAX;
        waiting.answers.insert(id, answer);
        Ok((id, WaitingGuard { stream: self, id }))
    }

    fn why_ended(&self) -> QuicError {
        match self.lock().ended {
            Some(ReadFailure::Broken) => QuicError::BadAnswer,
            Some(ReadFailure::NoMemory) => QuicError::NoMemory,
            Some(ReadFailure::Lost | ReadFailure::Stalled) | None => QuicError::Lost,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        let waiting = self.shared.waiting.lock();
        waiting.unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}

/// Forgets a request that is not waited for any more.
struct WaitingGuard<'a> {
    stream: &'a Stream,
    id: i64,
}

impl Drop for WaitingGuard<'_> {
    fn drop(&mut self) {
        self.stream.lock().answers.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_follows_what_is_held() {
        let pool = Arc::new(Semaphore::new(10));
        let budget = Budget::new(Arc::clone(&pool), 100);
        let mut share = None;
        assert!(budget.cover(&mut share, 250));
        assert!(budget.cover(&mut share, 200));
        assert_eq!(pool.available_permits(), 7);
        assert!(!budget.cover(&mut share, 1001));
        let taken = budget.split(&mut share, 50);
        assert_eq!(taken.map_or(0, |taken| taken.num_permits()), 2);
        assert_eq!(pool.available_permits(), 9);
        drop(budget.split(&mut share, 0));
        assert!(share.is_none());
        assert_eq!(pool.available_permits(), 10);
    }
}
