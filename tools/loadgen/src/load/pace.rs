//! When requests are due.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// How fast requests are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    /// Each connection sends the next request when it has its answer.
    Closed,
    /// So many per second over all connections, whether answers come or not. A request that finds
    /// no free connection waits for one, and its time counts from when it was due.
    PerSecond(f64),
}

/// Shortest and longest sleep of the thread that keeps the time.
const STEP: (Duration, Duration) = (Duration::from_micros(100), Duration::from_millis(20));

/// Tells connections when to send.
#[derive(Debug)]
pub(super) struct Schedule {
    started: Instant,
    end: Instant,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    rate: f64,
    /// One permit for each request that is due.
    due: Arc<Semaphore>,
    taken: AtomicU64,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Schedule {
    /// Starts now and ends after `length`.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(super) fn start(pace: Pace, length: Duration) -> std::io::Result<Self> {
        let started = Instant::now();
        let end = started + length;
        let open = match pace {
            Pace::Closed => None,
            Pace::PerSecond(rate) => Some(Open::start(rate, started, end)?),
        };
        Ok(Self { started, end, open })
    }

    /// Waits until the next request is due, and says since when; `None` at the end.
    pub(super) async fn next(&self) -> Option<Instant> {
        let Some(open) = &self.open else {
            let now = Instant::now();
            return (now < self.end).then_some(now);
        };
        // Closed at the end, which fails.
        open.due.acquire().await.ok()?.forget();
        let turn = open.taken.fetch_add(1, Ordering::Relaxed);
        Some(self.started + Duration::from_secs_f64(turn as f64 / open.rate))
    }

    /// When nothing more is sent.
    pub(super) const fn end(&self) -> Instant {
        self.end
    }

    /// Requests that are due and not taken.
    pub(super) fn waiting(&self) -> u64 {
        let open = self.open.as_ref();
        open.map_or(0, |open| {
            u64::try_from(open.due.available_permits()).unwrap_or(u64::MAX)
        })
    }
}

impl Open {
    fn start(rate: f64, started: Instant, end: Instant) -> std::io::Result<Self> {
        // Above this nothing is measured any more, and permits might run out.
        let rate = rate.clamp(0.01, 10_000_000.0);
        let due = Arc::new(Semaphore::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let (permits, stopped) = (Arc::clone(&due), Arc::clone(&stop));
        // A thread, because the runtime's timers are only good to a millisecond.
        let thread = std::thread::Builder::new()
            .name("pace".to_owned())
            .spawn(move || {
                let mut given = 0;
                // One that is due at the end comes too late.
                let all = due_until(end - started, rate).saturating_sub(1).max(1);
                loop {
                    let now = Instant::now().min(end);
                    let wanted = due_until(now - started, rate).min(all);
                    permits.add_permits(wanted - given);
                    given = wanted;
                    if now >= end || stopped.load(Ordering::Relaxed) {
                        break;
                    }
                    let next = started + Duration::from_secs_f64(given as f64 / rate);
                    let pause = next.min(end).saturating_duration_since(Instant::now());
                    std::thread::sleep(pause.clamp(STEP.0, STEP.1));
                }
                permits.close();
            })?;
        Ok(Self {
            rate,
            due,
            taken: AtomicU64::new(0),
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// How many requests are due after `elapsed`, the first at once.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a product of two positive numbers, bounded by the longest run"
)]
fn due_until(elapsed: Duration, rate: f64) -> usize {
    (elapsed.as_secs_f64() * rate) as usize + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn requests_are_due_at_the_stated_rate() {
        let schedule = Schedule::start(Pace::PerSecond(500.0), Duration::from_millis(400)).unwrap();
        let mut due = Vec::new();
        while let Some(at) = schedule.next().await {
            assert!(at <= Instant::now(), "never early");
            due.push(at);
        }
        let total = due.len() as u64 + schedule.waiting();
        assert_eq!(total, 200, "0.4 s at 500 per second");
        for pair in due.windows(2) {
            let [first, second] = pair else { continue };
            let gap = (*second - *first).as_secs_f64();
            assert!((gap - 0.002).abs() < 1e-6, "{gap}");
        }
    }

    #[tokio::test]
    async fn what_nobody_takes_is_counted() {
        let schedule = Schedule::start(Pace::PerSecond(1000.0), Duration::from_millis(50)).unwrap();
        assert!(schedule.next().await.is_some());
        // It ends by itself.
        let thread = schedule.open.as_ref().unwrap();
        while !thread.due.is_closed() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(schedule.waiting(), 49);
        assert!(schedule.next().await.is_none());
    }

    #[tokio::test]
    async fn a_closed_loop_never_waits() {
        let schedule = Schedule::start(Pace::Closed, Duration::from_secs(600)).unwrap();
        assert!(schedule.next().await.is_some());
        assert!(schedule.next().await.is_some());
        let over = Schedule::start(Pace::Closed, Duration::ZERO).unwrap();
        assert!(over.next().await.is_none());
    }
}
