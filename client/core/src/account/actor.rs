//! The task of one account: a loop that owns the schedule and starts the work.

use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::Arc;

use session_store::{JobId, OutboxJob};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Command, PollSummary, Shared, delivery, polling};
use crate::{CoreError, Event};

/// Deliveries under way at once.
const MAX_DELIVERIES: usize = 8;
/// How often due work is looked for when nothing announces it.
const IDLE: Duration = Duration::from_secs(60);
/// How often the node list is looked after.
const MAINTENANCE: Duration = Duration::from_secs(300);

type PollAnswer = oneshot::Sender<Result<PollSummary, CoreError>>;

struct Actor {
    shared: Arc<Shared>,
    deliveries: JoinSet<JobId>,
    /// Jobs under way, so that none is started twice.
    in_flight: BTreeSet<JobId>,
    polls: JoinSet<Result<PollSummary, CoreError>>,
    waiting_for_poll: Vec<PollAnswer>,
    next_poll: Option<Instant>,
    next_delivery: Instant,
    maintenance: JoinSet<()>,
    next_maintenance: Instant,
}

/// Runs until cancelled. Work under way is then dropped: it is idempotent and the database says
/// what is left to do.
pub(super) async fn run(
    shared: Arc<Shared>,
    mut inbox: mpsc::Receiver<Command>,
    cancel: CancellationToken,
) {
    let now = Instant::now();
    let next_poll = shared.options.poll_every.map(|_| now);
    let mut actor = Actor {
        shared,
        deliveries: JoinSet::new(),
        in_flight: BTreeSet::new(),
        polls: JoinSet::new(),
        waiting_for_poll: Vec::new(),
        next_poll,
        next_delivery: now,
        maintenance: JoinSet::new(),
        next_maintenance: now + MAINTENANCE,
    };
    loop {
        let far = Instant::now() + IDLE;
        let poll_at = actor
            .next_poll
            .filter(|_| actor.polls.is_empty())
            .unwrap_or(far);
        let deliver_at = if actor.deliveries.len() < MAX_DELIVERIES {
            actor.next_delivery
        } else {
            far
        };
        let maintain_at = if actor.maintenance.is_empty() {
            actor.next_maintenance
        } else {
            far
        };
        tokio::select! {
            () = cancel.cancelled() => break,
            command = inbox.recv() => match command {
                Some(Command::OutboxChanged) => actor.next_delivery = Instant::now(),
                Some(Command::Poll(answer)) => actor.poll(Some(answer)),
                None => break,
            },
            Some(done) = actor.deliveries.join_next() => actor.delivered(done.ok()),
            Some(done) = actor.polls.join_next() => actor.polled(done),
            Some(_) = actor.maintenance.join_next() => {}
            () = tokio::time::sleep_until(deliver_at) => {
                if let Err(error) = actor.start_deliveries().await {
                    tracing::error!(kind = ?error.kind(), "the outbox cannot be read");
                    actor.next_delivery = Instant::now() + IDLE;
                }
            }
            () = tokio::time::sleep_until(poll_at) => {
                if actor.next_poll.is_some() {
                    actor.poll(None);
                }
            }
            () = tokio::time::sleep_until(maintain_at) => actor.maintain(),
        }
    }
}

impl Actor {
    fn poll(&mut self, answer: Option<PollAnswer>) {
        self.waiting_for_poll.extend(answer);
        if self.polls.is_empty() {
            let shared = Arc::clone(&self.shared);
            self.polls
                .spawn(async move { polling::poll(&shared).await });
        }
    }

    fn polled(&mut self, done: Result<Result<PollSummary, CoreError>, tokio::task::JoinError>) {
        let result = done.unwrap_or(Err(CoreError::Stopped));
        let now = Instant::now();
        let soon = matches!(result, Ok(PollSummary { more: true, .. }));
        self.next_poll = self
            .shared
            .options
            .poll_every
            .map(|every| if soon { now } else { now + jittered(every) });
        if let Err(error) = &result {
            self.shared.emit(Event::PollFailed {
                reason: error.to_string(),
            });
        }
        let mut waiting = core::mem::take(&mut self.waiting_for_poll).into_iter();
        // The error itself goes to the first who asked; later ones learn that it failed.
        if let Some(first) = waiting.next() {
            let summary = result.as_ref().ok().copied();
            let _ = first.send(result);
            for other in waiting {
                let _ = other.send(summary.ok_or(CoreError::Stopped));
            }
        }
    }

    async fn start_deliveries(&mut self) -> Result<(), CoreError> {
        let now = self.shared.network.now();
        let (jobs, next) = self
            .shared
            .store
            .call(move |store| Ok((store.due_jobs(now)?, store.next_job_at()?)))
            .await?;
        for job in jobs {
            if self.deliveries.len() >= MAX_DELIVERIES {
                break;
            }
            self.start(job);
        }
        let wait = next.map_or(IDLE, |at| {
            at.since(now).clamp(Duration::from_millis(50), IDLE)
        });
        self.next_delivery = Instant::now() + wait;
        Ok(())
    }

    fn start(&mut self, job: OutboxJob) {
        if self.in_flight.insert(job.id) {
            let shared = Arc::clone(&self.shared);
            self.deliveries.spawn(async move {
                let id = job.id;
                delivery::run(&shared, job).await;
                id
            });
        }
    }

    fn delivered(&mut self, done: Option<JobId>) {
        match done {
            Some(job) => {
                self.in_flight.remove(&job);
            }
            // A job that panicked keeps its row; forgetting all marks lets it be tried again.
            None => self.in_flight.clear(),
        }
        self.next_delivery = Instant::now();
    }

    fn maintain(&mut self) {
        self.next_maintenance = Instant::now() + MAINTENANCE;
        let shared = Arc::clone(&self.shared);
        self.maintenance.spawn(async move {
            if let Err(error) = shared.network.maintain().await {
                tracing::debug!(kind = ?error.kind(), "the node list was not refreshed");
            }
        });
    }
}

/// ±20 %, so that polls do not tick like a clock (docs/protocol/traffic-analysis.md M-05).
fn jittered(every: Duration) -> Duration {
    use rand::RngExt as _;
    every.mul_f64(rand::rng().random_range(0.8..1.2))
}
