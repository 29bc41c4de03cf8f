//! How many requests are worked on at a time: as many as there may be, fewer while they hinder
//! each other.
//!
//! A node that takes on more than it can do answers all of it late, and then does work twice,
//! because whoever asked has given up or asks again. So while its tasks get their turn late, or
//! the database takes long, it works on fewer requests and refuses the others at once. Requests
//! that only wait, for other nodes that are far away, cause no delay here and are not refused.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::store::Store;

/// So few hinder nobody, however slow the machine.
const FEW: usize = 32;
/// Where the limit begins, also after a quiet time: all that come at once, until it is known
/// whether they are too many.
const FIRST: usize = 128;
/// How often it is looked whether they hinder each other.
const LOOK: Duration = Duration::from_millis(10);
/// How late a task may get its turn.
const LATE: Duration = Duration::from_millis(10);
/// How long a change may wait for the database. Syncing to a slow disk takes its time, too.
const SLOW: Duration = Duration::from_millis(100);

/// Requests that are worked on.
#[derive(Debug)]
pub(crate) struct Pressure {
    at_work: AtomicUsize,
    limit: AtomicUsize,
    most: usize,
    many: Notify,
}

/// A request's place among those that are worked on, free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place<'a>(&'a Pressure);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.at_work.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pressure {
    /// Never more than `most`.
    pub(crate) const fn new(most: usize) -> Self {
        Self {
            at_work: AtomicUsize::new(0),
            limit: AtomicUsize::new(if FIRST < most { FIRST } else { most }),
            most,
            many: Notify::const_new(),
        }
    }

    /// A place for one more request, if it may be worked on now.
    pub(crate) fn enter(&self) -> Option<Place<'_>> {
        // Given back when dropped, also where it is one too many.
        let place = Place(self);
        let others = self.at_work.fetch_add(1, Ordering::Relaxed);
        if others.saturating_mul(2) == FEW {
            self.many.notify_one();
        }
        (others < self.limit.load(Ordering::Relaxed)).then_some(place)
    }

    /// Adapts the limit for as long as the node runs. There is nothing to do while few requests
    /// are worked on.
    pub(crate) async fn watch(&self, store: &Store, shutdown: &CancellationToken) {
        let watching = async {
            loop {
                let at_work = self.at_work.load(Ordering::Relaxed);
                if at_work.saturating_mul(2) < FEW {
                    self.limit
                        .fetch_max(FIRST.min(self.most), Ordering::Relaxed);
                    self.many.notified().await;
                    // What was slow meanwhile was not for want of a limit.
                    store.longest_wait();
                }
                let due = Instant::now() + LOOK;
                sleep(LOOK).await;
                let late = due.elapsed();
                let at_work = self.at_work.load(Ordering::Relaxed);
                let limit = self.limit.load(Ordering::Relaxed);
                let strain = share(late, LATE).max(share(store.longest_wait(), SLOW));
                let limit = adapted(limit, self.most, at_work, strain);
                self.limit.store(limit, Ordering::Relaxed);
            }
        };
        shutdown.run_until_cancelled(watching).await;
    }
}

fn share(time: Duration, of: Duration) -> f64 {
    time.as_secs_f64() / of.as_secs_f64()
}

/// The next limit, when delays are `strain` times what they may be: down by a tenth while there
/// is too much, up again while more would come, by a tenth too when there is much room.
fn adapted(limit: usize, most: usize, at_work: usize, strain: f64) -> usize {
    let few = FEW.min(most);
    if strain > 1.0 {
        // What is at work is what causes the delay, not what might be.
        let from = limit.min(at_work.max(few));
        (from - from / 10).max(few)
    } else if strain < 0.5 && at_work.saturating_mul(4) >= limit.saturating_mul(3) {
        let step = if strain < 0.25 { 10 } else { 50 };
        limit.saturating_add(1 + limit / step).min(most)
    } else {
        limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 1000;

    #[test]
    fn places_are_given_back() {
        let pressure = Pressure::new(2);
        let first = pressure.enter().unwrap();
        let second = pressure.enter().unwrap();
        assert!(pressure.enter().is_none());
        drop(first);
        let third = pressure.enter().unwrap();
        assert!(pressure.enter().is_none());
        drop((second, third));
        assert_eq!(pressure.at_work.load(Ordering::Relaxed), 0);
        assert!(Pressure::new(0).enter().is_none());
    }

    #[test]
    fn requests_that_only_wait_are_not_refused() {
        let mut limit = FEW;
        let mut looks = 0;
        while limit < MOST {
            limit = adapted(limit, MOST, limit, 0.1);
            looks += 1;
        }
        assert!(looks < 50, "half a second: {looks} looks");
        assert_eq!(limit, MOST);
        assert_eq!(adapted(MOST, MOST, MOST, 0.1), MOST);
        assert_eq!(adapted(MOST, MOST, 10, 0.9), MOST, "nothing is late");
        assert_eq!(adapted(4, 4, 4, 100.0), 4, "an operator wants few");
        assert_eq!(adapted(0, 0, 0, 100.0), 0);
    }

    /// A machine does one request a millisecond, three come: what waits is what is late.
    #[test]
    fn three_times_the_load_is_refused_and_not_heaped_up() {
        let mut limit = MOST;
        let (mut at_work, mut served, mut longest) = (0_usize, 0_usize, 0_usize);
        for millisecond in 0..10_000 {
            let done = at_work.min(1);
            at_work -= done;
            at_work += 3.min(limit.saturating_sub(at_work));
            // The first second is for finding out.
            if millisecond >= 1000 {
                served += done;
                longest = longest.max(at_work);
            }
            if millisecond % 10 == 0 {
                let late = Duration::from_millis(u64::try_from(at_work).unwrap());
                limit = adapted(limit, MOST, at_work, share(late, LATE));
            }
        }
        assert_eq!(served, 9000, "it is never idle");
        assert!(longest <= 2 * FEW, "{longest}");
    }
}
