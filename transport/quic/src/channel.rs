//! One stream: commands and answers in both directions
//! (docs/protocol/node.md section 6.3).

use core::any::Any;
use core::fmt;
use core::pin::pin;
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use quinn::{RecvStream, SendStream};
use session_storage_rpc::stream::{StreamDecoder, StreamMessage};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::{JoinHandle, yield_now};
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
/// off: one pool for all, perhaps another for the side that sends.
#[derive(Debug, Clone, Default)]
pub struct Budget {
    pools: Vec<(Arc<Semaphore>, usize)>,
}

/// A share of the pools of a [`Budget`]; dropping it gives it back.
#[derive(Debug, Default)]
pub struct Share {
    permits: Vec<OwnedSemaphorePermit>,
}

impl Budget {
    /// No limit at all.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::default()
    }

    /// A budget of as many units as `pool` has permits, each of `unit` bytes.
    #[must_use]
    pub fn new(pool: Arc<Semaphore>, unit: usize) -> Self {
        Self::unlimited().and(pool, unit)
    }

    /// The same, and what it gives must be in this pool too.
    #[must_use]
    pub fn and(mut self, pool: Arc<Semaphore>, unit: usize) -> Self {
        self.pools.push((pool, unit.max(1)));
        self
    }

    /// Makes the share cover so many bytes, if there is room at once.
    pub fn cover(&self, share: &mut Share, bytes: usize) -> bool {
        for (index, (pool, unit)) in self.pools.iter().enumerate() {
            let held = share.permits.get(index).map_or(0, permits);
            let missing = bytes.div_ceil(*unit).saturating_sub(held);
            let missing = u32::try_from(missing).unwrap_or(u32::MAX);
            let Ok(more) = Arc::clone(pool).try_acquire_many_owned(missing) else {
                return false;
            };
            match share.permits.get_mut(index) {
                Some(held) => held.merge(more),
                None => share.permits.push(more),
            }
        }
        true
    }

    /// Takes out of the share what is not needed for the `rest` bytes that stay.
    fn split(&self, share: &mut Share, rest: usize) -> Share {
        let taken = |(held, (_, unit)): (&mut OwnedSemaphorePermit, &(_, usize))| {
            held.split(permits(held).saturating_sub(rest.div_ceil(*unit)))
        };
        Share {
            permits: share
                .permits
                .iter_mut()
                .zip(&self.pools)
                .filter_map(taken)
                .collect(),
        }
    }
}

fn permits(permit: &OwnedSemaphorePermit) -> usize {
    permit.num_permits()
}

/// What was answered to a command.
pub struct Response {
    /// Whether it is an answer (`R`) rather than an error (`E`).
    pub good: bool,
    /// What stands in it.
    pub body: Vec<u8>,
    /// The body's share of the [`Budget`].
    pub share: Share,
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
    /// There is no memory for the answer to this command, which is not kept; the stream goes on.
    NoMemoryFor(i64),
    /// A message did not arrive in time.
    Stalled,
}

/// The arriving half of a stream.
pub(crate) struct Reader {
    recv: RecvStream,
    decoder: StreamDecoder,
    budget: Budget,
    share: Share,
    patience: Option<Duration>,
    due: Option<Instant>,
}

impl Reader {
    /// A reader of messages of at most `longest` bytes; each may take `patience` to arrive once
    /// begun.
    pub(crate) fn new(
        recv: RecvStream,
        budget: Budget,
        longest: usize,
        patience: Option<Duration>,
    ) -> Self {
        Self {
            recv,
            decoder: StreamDecoder::within(longest),
            budget,
            share: Share::default(),
            patience,
            due: None,
        }
    }

    /// The next message and its share of the budget; nothing when the other side has finished.
    ///
    /// Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<Option<(StreamMessage, Share)>, ReadFailure> {
        loop {
            let message = self
                .decoder
                .next_message()
                .map_err(|_| ReadFailure::Broken)?;
            let pending = self.decoder.pending();
            if let Some(message) = message {
                self.due = None;
                let share = self.budget.split(&mut self.share, pending);
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
            let covered = self
                .budget
                .cover(&mut self.share, pending + chunk.bytes.len());
            self.decoder.push(&chunk.bytes);
            if !covered {
                let Some(id) = self.decoder.skip_answer() else {
                    return Err(ReadFailure::NoMemory);
                };
                // What else came in this piece is little.
                self.share = Share::default();
                self.due = None;
                return Err(ReadFailure::NoMemoryFor(id));
            }
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
    // Empty until there is something: nodes have many streams open that are hardly used.
    let mut train = Vec::new();
    let mut pieces: Vec<Bytes> = Vec::new();
    while queue.recv_many(&mut train, TRAIN).await > 0 {
        // What tasks that are ready are about to queue comes along: a packet for each is dear.
        yield_now().await;
        while train.len() < TRAIN
            && let Ok(message) = queue.try_recv()
        {
            train.push(message);
        }
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
    answers: HashMap<i64, oneshot::Sender<Result<Response, QuicError>>>,
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
        let exchange = pin!(async {
            let message = Outgoing {
                bytes: bytes.into(),
                _hold: None,
            };
            let sent = self.shared.out.send(message).await;
            sent.map_err(|_| QuicError::Lost)?;
            answer.await.unwrap_or_else(|_| Err(self.why_ended()))
        });
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
    pub(crate) fn resolve(&self, id: i64, response: Result<Response, QuicError>) {
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
        answer: oneshot::Sender<Result<Response, QuicError>>,
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
            Some(ReadFailure::NoMemory | ReadFailure::NoMemoryFor(_)) => QuicError::NoMemory,
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
        let own = Arc::new(Semaphore::new(400));
        let budget = Budget::new(Arc::clone(&pool), 100).and(Arc::clone(&own), 1);
        let mut share = Share::default();
        assert!(budget.cover(&mut share, 250));
        assert!(budget.cover(&mut share, 200));
        assert_eq!(
            (pool.available_permits(), own.available_permits()),
            (7, 150)
        );
        assert!(!budget.cover(&mut share, 1001), "more than the first has");
        assert!(!budget.cover(&mut share, 500), "more than the second has");
        let taken = budget.split(&mut share, 50);
        assert_eq!(own.available_permits(), 150);
        drop(taken);
        assert_eq!(
            (pool.available_permits(), own.available_permits()),
            (9, 350)
        );
        drop(budget.split(&mut share, 0));
        drop(share);
        assert_eq!(
            (pool.available_permits(), own.available_permits()),
            (10, 400)
        );
        assert!(Budget::unlimited().cover(&mut Share::default(), usize::MAX));
    }
}
