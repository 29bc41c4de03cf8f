//! Where content is hashed: parts of several uploads side by side, when there are several.
//!
//! Whoever has a part puts it in a line. A worker takes what stands in it, up to a number, hashes it
//! in one go and writes it down. The next worker begins when the first has hashed and so many parts
//! wait that hashing them side by side is worth while; fewer wait until one has written. Under
//! little load a part does not wait; under much the line fills while the workers are busy, and a
//! processor hashes four streams in little more than half the time they take one after the other.

use core::fmt;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::arrival::{self, Arrival};
use crate::id::ContentHasher;
use crate::storage::StorageError;

/// Parts hashed in one go.
const AT_ONCE: usize = 8;

/// A part of an upload that can be hashed and written down.
pub(crate) trait Part: Send + 'static {
    /// What has arrived.
    fn arrival(&mut self) -> &mut Arrival;

    /// Writes down what is hashed. Blocks.
    fn write_down(&mut self) -> Result<(), StorageError>;
}

/// What is to be done with a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Nothing,
    WriteDown,
}

struct Waiting<P> {
    part: Box<P>,
    then: Then,
    answer: oneshot::Sender<Result<Box<P>, StorageError>>,
}

struct Line<P> {
    waiting: VecDeque<Waiting<P>>,
    /// Workers that hash.
    hashing: usize,
    /// Workers that hash or write.
    working: usize,
}

/// The line and its workers.
pub(crate) struct Hashing<P> {
    line: Mutex<Line<P>>,
    /// Workers that may hash at the same time.
    places: usize,
}

impl<P: Part> Hashing<P> {
    pub(crate) fn new() -> Arc<Self> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Arc::new(Self {
            line: Mutex::new(Line {
                waiting: VecDeque::new(),
                hashing: 0,
                working: 0,
            }),
            // The other half has to bring and take away.
            places: processors.div_ceil(2),
        })
    }

    /// Hashes what is due of a part and writes it down.
    pub(crate) async fn write_down(self: &Arc<Self>, part: Box<P>) -> Result<Box<P>, StorageError> {
        self.pass(part, Then::WriteDown).await
    }

    /// Hashes what is due of a part.
    pub(crate) async fn hash(self: &Arc<Self>, mut part: Box<P>) -> Result<Box<P>, StorageError> {
        if part.arrival().is_soon_hashed() {
            arrival::hash_all(&mut [part.arrival()]);
            return Ok(part);
        }
        self.pass(part, Then::Nothing).await
    }

    async fn pass(self: &Arc<Self>, part: Box<P>, then: Then) -> Result<Box<P>, StorageError> {
        let (answer, answered) = oneshot::channel();
        let needs_worker = {
            let mut line = self.line();
            line.waiting.push_back(Waiting { part, then, answer });
            line.needs_worker(self.places)
        };
        if needs_worker {
            self.start();
        }
        answered.await.map_err(|_| StorageError::Closed)?
    }

    /// Starts a worker, which is counted already.
    fn start(self: &Arc<Self>) {
        let this = Arc::clone(self);
        drop(tokio::task::spawn_blocking(move || this.work()));
    }

    fn work(self: &Arc<Self>) {
        let _working = Working(self);
        loop {
            let place = Place(self);
            let mut parts = self.line().next();
            let mut arrivals: Vec<_> = parts.iter_mut().map(|one| one.part.arrival()).collect();
            arrival::hash_all(&mut arrivals);
            drop(place);
            if self.line().needs_worker(self.places) {
                self.start();
            }
            for one in parts {
                one.finish();
            }
            if !self.line().goes_on(self.places) {
                return;
            }
        }
    }

    fn line(&self) -> MutexGuard<'_, Line<P>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P> Line<P> {
    /// Whether another worker is to begin, which is counted then.
    fn needs_worker(&mut self, places: usize) -> bool {
        let enough = if self.working == 0 { 1 } else { lanes() };
        let needs = self.waiting.len() >= enough && self.hashing < places;
        self.hashing += usize::from(needs);
        self.working += usize::from(needs);
        needs
    }

    /// Whether a worker that has written hashes again, which is counted then.
    fn goes_on(&mut self, places: usize) -> bool {
        let goes_on = !self.waiting.is_empty() && self.hashing < places;
        self.hashing += usize::from(goes_on);
        goes_on
    }

    /// What is hashed in one go. Those too many for the lanes wait for others.
    fn next(&mut self) -> Vec<Waiting<P>> {
        let waiting = self.waiting.len();
        let some = match waiting / lanes() * lanes() {
            0 => waiting,
            full => full.min(AT_ONCE),
        };
        self.waiting.drain(..some.min(waiting)).collect()
    }
}

/// How many are hashed side by side.
fn lanes() -> usize {
    ContentHasher::side_by_side().max(1)
}

impl<P: Part> Waiting<P> {
    fn finish(mut self) {
        let done = match self.then {
            Then::Nothing => Ok(()),
            Then::WriteDown => self.part.write_down(),
        };
        // Who waited may have gone; then the part goes too.
        let _ = self.answer.send(done.map(|()| self.part));
    }
}

/// A worker that hashes.
struct Place<'a, P: Part>(&'a Hashing<P>);

impl<P: Part> Drop for Place<'_, P> {
    fn drop(&mut self) {
        let mut line = self.0.line();
        line.hashing = line.hashing.saturating_sub(1);
    }
}

/// A worker. What came between its last look at the line and its end gets another one.
struct Working<'a, P: Part>(&'a Arc<Hashing<P>>);

impl<P: Part> Drop for Working<'_, P> {
    fn drop(&mut self) {
        let Self(hashing) = *self;
        let needs_worker = {
            let mut line = hashing.line();
            line.working = line.working.saturating_sub(1);
            line.needs_worker(hashing.places)
        };
        if needs_worker {
            hashing.start();
        }
    }
}

impl<P> fmt::Debug for Hashing<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hashing").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rand::RngExt as _;

    use super::*;
    use crate::buffer;
    use crate::storage::Naming;
    use crate::{FileId, IdMode};

    #[derive(Debug)]
    struct InMemory {
        arrival: Arrival,
        written: Vec<u8>,
    }

    impl Part for InMemory {
        fn arrival(&mut self) -> &mut Arrival {
            &mut self.arrival
        }

        fn write_down(&mut self) -> Result<(), StorageError> {
            for part in self.arrival.take_hashed() {
                self.written.extend_from_slice(part.as_ref());
            }
            Ok(())
        }
    }

    async fn pass(hashing: Arc<Hashing<InMemory>>, content: Bytes) -> (FileId, Vec<u8>) {
        let mut part = Box::new(InMemory {
            arrival: Arrival::new(IdMode::Content),
            written: Vec::new(),
        });
        for piece in content.chunks(30_000) {
            let mut piece = content.slice_ref(piece);
            while part.arrival.add(&mut piece) {
                part = hashing.write_down(part).await.unwrap();
            }
        }
        part.arrival.close();
        part = hashing.hash(part).await.unwrap();
        let id = part.arrival.id(Naming::Content).unwrap();
        part.write_down().unwrap();
        (id, part.written)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_at_once_are_all_served() {
        let hashing = Hashing::new();
        for _ in 0..10 {
            let mut passing = tokio::task::JoinSet::new();
            for _ in 0..23 {
                let mut rng = rand::rng();
                let mut content = vec![0; rng.random_range(1..5 * buffer::SIZE)];
                rng.fill(content.as_mut_slice());
                let content = Bytes::from(content);
                let hashing = Arc::clone(&hashing);
                passing.spawn(async move {
                    let passed = pass(hashing, content.clone()).await;
                    (content, passed)
                });
            }
            while let Some(done) = passing.join_next().await {
                let (content, (id, written)) = done.unwrap();
                let mut hasher = ContentHasher::blake2b();
                hasher.update(&content);
                assert!(id == hasher.id() && written == content);
            }
        }
        tokio::task::spawn_blocking(move || {
            // The last worker may still be about to go.
            while Arc::strong_count(&hashing) > 1 {
                std::thread::yield_now();
            }
            let line = hashing.line();
            assert_eq!((line.hashing, line.working, line.waiting.len()), (0, 0, 0));
        })
        .await
        .unwrap();
    }

    #[tokio::test]
    async fn those_who_go_away_hold_up_nobody() {
        let hashing = Hashing::new();
        for _ in 0..50 {
            let gone = pass(Arc::clone(&hashing), vec![7; 3 * buffer::SIZE].into());
            let _ = tokio::time::timeout(core::time::Duration::ZERO, gone).await;
        }
        let (_, written) = pass(hashing, vec![8; 2 * buffer::SIZE + 1].into()).await;
        assert_eq!(written, vec![8; 2 * buffer::SIZE + 1]);
    }
}
