//! The task of one account: a loop that owns the schedule and starts the work.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use session_store::{JobId, OutboxJob};
use session_types::{AccountId, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::pace::{Pace, jittered};
use super::{Command, PollSummary, Shared, config_push, delivery, polling, swarm_tasks};
use crate::hub::mark;
use crate::{CoreError, Event};

/// Deliveries under way at once.
const MAX_DELIVERIES: usize = 8;
/// How often due work is looked for when nothing announces it.
const IDLE: Duration = Duration::from_secs(60);
/// How often the node list is looked after.
const MAINTENANCE: Duration = Duration::from_secs(300);

/// Between two requests that keep the stored configs from expiring.
const EXTENSION: Duration = Duration::from_secs(3600);
/// The longest pause of an errand that failed: other devices wait for what it brings.
const LAST_RETRY: Duration = Duration::from_secs(20);
/// Before the first of them: a start has more urgent things to do.
const FIRST_EXTENSION: Duration = Duration::from_secs(120);

/// How long messages that should have disappeared wait for the network's time after a start.
const TIME_PATIENCE: Duration = Duration::from_secs(10);

/// Later than any job is due. When jobs are tried again is kept here, by a clock that never
/// jumps: the network's time is corrected by whatever this machine's clock is wrong.
const ALL_JOBS: Timestamp = Timestamp::from_ms(u64::MAX);

type PollAnswer = oneshot::Sender<Result<PollSummary, CoreError>>;

struct Actor {
    shared: Arc<Shared>,
    deliveries: JoinSet<(JobId, Option<Duration>)>,
    /// Tries that failed since the start or since the network was last away.
    failures: BTreeMap<JobId, u32>,
    /// Jobs under way, so that none is started twice, and [`Self::returns`] when they started.
    in_flight: BTreeMap<JobId, u64>,
    /// Jobs that are not to be tried before a time. A new start tries all of them at once.
    postponed: BTreeMap<JobId, Instant>,
    /// When quiet jobs for a swarm may go, from the first that is ready until none is left.
    quiet: BTreeMap<AccountId, Instant>,
    polls: JoinSet<Result<PollSummary, CoreError>>,
    /// Whether the last poll failed.
    cut_off: bool,
    /// How often the network has come back.
    returns: u64,
    waiting_for_poll: Vec<PollAnswer>,
    /// Asked while a poll was under way, which may have looked too early.
    waiting_for_next_poll: Vec<PollAnswer>,
    /// `None`: only when asked.
    pace: Option<Pace>,
    next_poll: Option<Instant>,
    next_delivery: Instant,
    maintenance: JoinSet<()>,
    next_maintenance: Instant,
    /// Pushing of configs, and questions to the own swarm.
    pushing: Errand,
    asking: Errand,
    extending: Errand,
    /// When messages disappear.
    next_disappearing: Instant,
    /// When deletions can no longer be undone.
    next_removal: Instant,
    /// Finding out what time it is, before the first of them does.
    asking_time: JoinSet<bool>,
    is_time_asked: bool,
}

/// Work for the own swarm that is done one at a time and tried again when it fails.
#[derive(Debug, Default)]
struct Errand {
    running: JoinSet<Result<bool, CoreError>>,
    /// When it is due; `None` when there is nothing to do.
    due: Option<Instant>,
    failures: u32,
}

impl Errand {
    fn at(due: Instant) -> Self {
        Self {
            due: Some(due),
            ..Self::default()
        }
    }

    /// There is something to do by then; what is due earlier stays due earlier.
    fn want(&mut self, by: Instant) {
        self.due = Some(self.due.map_or(by, |due| due.min(by)));
    }

    /// When to start, as long as none is running.
    fn start_at(&self, far: Instant) -> Instant {
        match self.due {
            Some(due) if self.running.is_empty() => due,
            _ => far,
        }
    }

    /// How long to wait after another failure.
    fn failed(&mut self) -> Duration {
        self.failures += 1;
        delivery::pause(self.failures - 1).min(LAST_RETRY)
    }
}

/// Runs until cancelled. Work under way is then dropped: it is idempotent and the database says
/// what is left to do.
pub(super) async fn run(
    shared: Arc<Shared>,
    mut inbox: mpsc::Receiver<Command>,
    cancel: CancellationToken,
) {
    let now = Instant::now();
    let pace = shared
        .options
        .poll_every
        .map(|every| Pace::new(every, shared.options.poll_lively));
    let next_poll = pace.as_ref().map(|_| now);
    let mut actor = Actor {
        shared,
        deliveries: JoinSet::new(),
        failures: BTreeMap::new(),
        in_flight: BTreeMap::new(),
        postponed: BTreeMap::new(),
        quiet: BTreeMap::new(),
        polls: JoinSet::new(),
        cut_off: false,
        returns: 0,
        waiting_for_poll: Vec::new(),
        waiting_for_next_poll: Vec::new(),
        pace,
        next_poll,
        next_delivery: now,
        maintenance: JoinSet::new(),
        next_maintenance: now + MAINTENANCE,
        pushing: Errand::default(),
        asking: Errand::at(now),
        extending: Errand::at(now + FIRST_EXTENSION),
        next_disappearing: now,
        next_removal: now,
        asking_time: JoinSet::new(),
        is_time_asked: false,
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
        let push_at = actor.pushing.start_at(far);
        let ask_at = actor.asking.start_at(far);
        let extend_at = actor.extending.start_at(far);
        tokio::select! {
            () = cancel.cancelled() => break,
            command = inbox.recv() => match command {
                Some(Command::Poll(answer)) => actor.poll(Some(answer)),
                None => break,
            },
            marks = actor.shared.hub.marks() => actor.marked(marks),
            Some(done) = actor.pushing.running.join_next() => actor.pushed(done),
            Some(done) = actor.asking.running.join_next() => actor.asked(done),
            Some(done) = actor.extending.running.join_next() => actor.extended(done),
            () = tokio::time::sleep_until(push_at) => if actor.pushing.due.is_some() { actor.push() },
            () = tokio::time::sleep_until(ask_at) => if actor.asking.due.is_some() { actor.ask() },
            () = tokio::time::sleep_until(extend_at) => if actor.extending.due.is_some() { actor.extend() },
            () = tokio::time::sleep_until(actor.next_disappearing) => actor.disappear().await,
            () = tokio::time::sleep_until(actor.next_removal) => actor.remove_deleted().await,
            Some(_) = actor.asking_time.join_next() => {
                actor.is_time_asked = true;
                actor.next_disappearing = Instant::now();
            }
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
    // Everything under way holds a handle to the database.
    actor.deliveries.shutdown().await;
    actor.polls.shutdown().await;
    actor.maintenance.shutdown().await;
    actor.pushing.running.shutdown().await;
    actor.asking.running.shutdown().await;
    actor.extending.running.shutdown().await;
    actor.asking_time.shutdown().await;
}

impl Actor {
    /// A transaction left work.
    fn marked(&mut self, marks: u8) {
        let now = Instant::now();
        if marks & mark::OUTBOX != 0 {
            self.next_delivery = now;
            self.stirred(now);
        }
        if marks & mark::TASKS != 0 {
            self.asking.want(now);
        }
        if marks & mark::CONFIGS != 0 {
            // Not a moment later for every further change, or a busy device would never push.
            self.pushing.want(now + self.shared.options.push_after);
        }
        if marks & mark::DISAPPEARING != 0 {
            self.next_disappearing = now;
            self.next_removal = now;
        }
    }

    /// Somebody talks: an answer may come soon.
    fn stirred(&mut self, now: Instant) {
        if let Some(pace) = &mut self.pace
            && pace.stir(now, &mut rand::rng())
        {
            let soon = now + pace.pause(now, &mut rand::rng());
            self.next_poll = self.next_poll.map(|next| next.min(soon));
        }
    }

    fn push(&mut self) {
        self.pushing.due = None;
        let shared = Arc::clone(&self.shared);
        self.pushing
            .running
            .spawn(async move { config_push::push(&shared).await });
    }

    fn pushed(&mut self, done: Result<Result<bool, CoreError>, tokio::task::JoinError>) {
        match done.unwrap_or(Err(CoreError::Stopped)) {
            // Held back until a first poll, which wants it again.
            Ok(_) => self.pushing.failures = 0,
            Err(error) => {
                tracing::debug!(%error, "contacts and settings were not stored");
                let wait = self.pushing.failed();
                self.pushing.want(Instant::now() + wait);
            }
        }
    }

    fn ask(&mut self) {
        self.asking.due = None;
        let shared = Arc::clone(&self.shared);
        self.asking
            .running
            .spawn(async move { swarm_tasks::run(&shared).await });
    }

    fn asked(&mut self, done: Result<Result<bool, CoreError>, tokio::task::JoinError>) {
        match done.unwrap_or(Err(CoreError::Stopped)) {
            Ok(more) => {
                self.asking.failures = 0;
                if more {
                    self.asking.want(Instant::now());
                }
            }
            Err(error) => {
                tracing::debug!(%error, "the own swarm was not asked");
                let wait = self.asking.failed();
                self.asking.want(Instant::now() + wait);
            }
        }
    }

    fn extend(&mut self) {
        self.extending.due = None;
        let shared = Arc::clone(&self.shared);
        self.extending
            .running
            .spawn(async move { config_push::extend(&shared).await.map(|()| true) });
    }

    fn extended(&mut self, done: Result<Result<bool, CoreError>, tokio::task::JoinError>) {
        let wait = match done.unwrap_or(Err(CoreError::Stopped)) {
            Ok(_) => {
                self.extending.failures = 0;
                jittered(EXTENSION, &mut rand::rng())
            }
            Err(error) => {
                tracing::debug!(%error, "the stored configs were not extended");
                self.extending.failed()
            }
        };
        self.extending.want(Instant::now() + wait);
    }

    /// Removes messages whose time has come, and finds out when the next one's does. A start with
    /// a wrong clock must not remove what has time left: first the network is asked.
    async fn disappear(&mut self) {
        let now = self.shared.network.now();
        let may_remove = self.is_time_asked;
        let removed = self.shared.model.write(now, move |tx| {
            let due = tx.store.next_disappearing()?;
            let is_due = due.is_some_and(|due| due <= tx.now);
            let more = is_due && may_remove && tx.remove_disappeared()?;
            Ok((more, is_due && !may_remove, tx.store.next_disappearing()?))
        });
        self.next_disappearing = Instant::now()
            + match removed.await {
                Ok((true, ..)) => Duration::ZERO,
                Ok((false, true, _)) => {
                    self.ask_time();
                    IDLE
                }
                // Clocks may be corrected meanwhile: looked at again before long.
                Ok((false, false, Some(next))) => next.since(now).min(IDLE),
                Ok((false, false, None)) => IDLE,
                Err(error) => {
                    tracing::debug!(%error, "messages could not be removed");
                    IDLE
                }
            };
    }

    /// Removes for good what was deleted so long ago that it cannot be undone any more.
    async fn remove_deleted(&mut self) {
        let now = self.shared.network.now();
        let removed = self
            .shared
            .model
            .write(now, |tx| tx.remove_undoable(tx.now));
        self.next_removal = Instant::now()
            + match removed.await {
                Ok(Some(next)) => next.since(now).min(IDLE),
                Ok(None) => IDLE,
                Err(error) => {
                    tracing::debug!(%error, "deleted messages could not be removed");
                    IDLE
                }
            };
    }

    fn ask_time(&mut self) {
        if self.asking_time.is_empty() {
            let shared = Arc::clone(&self.shared);
            self.asking_time
                .spawn(async move { shared.network.learn_time_within(TIME_PATIENCE).await });
        }
    }

    fn poll(&mut self, answer: Option<PollAnswer>) {
        if self.polls.is_empty() {
            self.waiting_for_poll.extend(answer);
            let shared = Arc::clone(&self.shared);
            self.polls
                .spawn(async move { polling::poll(&shared).await });
        } else {
            self.waiting_for_next_poll.extend(answer);
        }
    }

    fn polled(&mut self, done: Result<Result<PollSummary, CoreError>, tokio::task::JoinError>) {
        let result = done.unwrap_or(Err(CoreError::Stopped));
        let now = Instant::now();
        let soon = matches!(result, Ok(PollSummary { more: true, .. }));
        if matches!(
            result,
            Ok(PollSummary {
                new_messages: 1..,
                ..
            })
        ) {
            self.stirred(now);
        }
        self.next_poll = self.pace.as_ref().map(|pace| match soon {
            true => now,
            false => now + pace.pause(now, &mut rand::rng()),
        });
        let was_cut_off = core::mem::replace(&mut self.cut_off, result.is_err());
        if was_cut_off && !self.cut_off {
            // The network is back: no need to wait out the pauses of its absence.
            self.returns += 1;
            self.postponed.clear();
            self.failures.clear();
            self.next_delivery = now;
        }
        if let Err(error) = &result {
            self.shared.emit(Event::PollFailed {
                reason: error.to_string(),
            });
        }
        let mut waiting = core::mem::take(&mut self.waiting_for_poll);
        let last = waiting.pop();
        for other in waiting {
            let _ = other.send(match &result {
                Ok(summary) => Ok(*summary),
                Err(error) => Err(CoreError::PollFailed {
                    reason: error.to_string(),
                    kind: error.kind(),
                }),
            });
        }
        // The error itself goes to one of those who asked.
        if let Some(last) = last {
            let _ = last.send(result);
        }
        self.waiting_for_poll = core::mem::take(&mut self.waiting_for_next_poll);
        if !self.waiting_for_poll.is_empty() {
            self.poll(None);
        }
    }

    async fn start_deliveries(&mut self) -> Result<(), CoreError> {
        let jobs = self
            .shared
            .model
            .read(|store| store.due_jobs(ALL_JOBS))
            .await?;
        let waits = |id: &JobId| jobs.iter().any(|job| job.id == *id);
        self.postponed.retain(|id, _| waits(id));
        self.failures.retain(|id, _| waits(id));
        let now = Instant::now();
        self.next_delivery = now + IDLE;
        let has_quiet = |id: &AccountId| jobs.iter().any(|job| job.quiet && job.recipient == *id);
        self.quiet.retain(|recipient, _| has_quiet(recipient));
        for job in jobs {
            if let Some(mean) = self.shared.options.quiet_delay
                && job.quiet
            {
                let release = self.quiet.entry(job.recipient);
                let release = *release.or_insert_with(|| now + exponential(mean));
                if release > now {
                    self.next_delivery = self.next_delivery.min(release);
                    continue;
                }
            }
            match self.postponed.get(&job.id) {
                Some(until) if *until > now => {
                    self.next_delivery = self.next_delivery.min(*until);
                }
                _ if self.deliveries.len() < MAX_DELIVERIES => self.start(job),
                // Looked for again when one of those under way is done.
                _ => {}
            }
        }
        Ok(())
    }

    fn start(&mut self, job: OutboxJob) {
        if !self.in_flight.contains_key(&job.id) {
            self.in_flight.insert(job.id, self.returns);
            let shared = Arc::clone(&self.shared);
            let failures = self.failures.get(&job.id).copied().unwrap_or_default();
            self.deliveries.spawn(async move {
                let id = job.id;
                (id, delivery::run(&shared, job, failures).await)
            });
        }
    }

    fn delivered(&mut self, done: Option<(JobId, Option<Duration>)>) {
        let now = Instant::now();
        match done {
            Some((job, wait)) => {
                let started_in = self.in_flight.remove(&job);
                if let Some(mut wait) = wait {
                    if started_in != Some(self.returns) {
                        // It failed while the network was away, and that is over.
                        wait = wait.min(delivery::FIRST_RETRY);
                    }
                    self.postponed.insert(job, now + wait);
                    *self.failures.entry(job).or_default() += 1;
                }
            }
            // A job that panicked keeps its row; forgetting all marks lets it be tried again.
            None => self.in_flight.clear(),
        }
        self.next_delivery = now;
    }

    fn maintain(&mut self) {
        self.next_maintenance = Instant::now() + MAINTENANCE;
        let shared = Arc::clone(&self.shared);
        self.maintenance.spawn(async move {
            let now = shared.network.now();
            let pruned = shared.model.write(now, |tx| {
                let now = tx.now;
                Ok(tx.store.prune(now)?)
            });
            if let Err(error) = pruned.await {
                tracing::debug!(kind = ?error.kind(), "expired marks were not removed");
            }
            if let Err(error) = shared.network.maintain().await {
                tracing::debug!(kind = ?error.kind(), "the node list was not refreshed");
            }
        });
    }
}

/// A time with this mean of which nothing can be foretold, ten means at most
/// (docs/protocol/traffic-analysis.md M-08).
fn exponential(mean: Duration) -> Duration {
    use rand::RngExt as _;
    let uniform: f64 = rand::rng().random_range(f64::MIN_POSITIVE..1.0);
    mean.mul_f64((-uniform.ln()).min(10.0))
}
