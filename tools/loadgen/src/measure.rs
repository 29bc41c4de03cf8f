//! What was seen while requests were sent, and the figures made of it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::transport::Transport;

/// How one request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Answered as it should be.
    Good,
    /// The node said that it has too much to do.
    Refused(u16),
    /// Another status.
    Status(u16),
    /// Status 200, but the answer is not what was asked for.
    WrongAnswer,
    /// No answer, or no connection.
    Lost,
}

impl Outcome {
    /// What a status means by itself.
    pub(crate) const fn of_status(status: u16) -> Self {
        match status {
            200 => Self::Good,
            429 | 503 => Self::Refused(status),
            other => Self::Status(other),
        }
    }

    fn kind(self) -> Option<String> {
        match self {
            Self::Good => None,
            Self::Refused(status) | Self::Status(status) => Some(format!("status {status}")),
            Self::WrongAnswer => Some("wrong answer".to_owned()),
            Self::Lost => Some("connection".to_owned()),
        }
    }
}

/// What all connections saw together. Parts of it are locked apart, so that they seldom wait.
#[derive(Debug)]
pub(crate) struct Tally(Vec<Mutex<Seen>>);

impl Tally {
    pub(crate) fn new() -> Self {
        Self((0..8).map(|_| Mutex::default()).collect())
    }

    /// Notes a request of connection `index`: how long after it was due it was answered, and how
    /// long after it was sent.
    pub(crate) fn note(&self, index: u16, outcome: Outcome, from_due: Duration, sent: Duration) {
        let place = usize::from(index) % self.0.len().max(1);
        if let Some(part) = self.0.get(place) {
            part.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .note(outcome, from_due, sent);
        }
    }

    /// Keeps why connection `index` was lost, if it is the first.
    pub(crate) fn note_loss(&self, index: u16, reason: &anyhow::Error) {
        let place = usize::from(index) % self.0.len().max(1);
        if let Some(part) = self.0.get(place) {
            part.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .first_loss
                .get_or_insert_with(|| format!("{reason:#}"));
        }
    }

    /// Everything so far.
    pub(crate) fn sum(&self) -> Seen {
        let mut all = Seen::default();
        for part in &self.0 {
            all.add(&part.lock().unwrap_or_else(PoisonError::into_inner));
        }
        all
    }
}

/// Counts and times of requests.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Good answers: from when the request was due.
    good: Times,
    /// Refusals: from when the request was sent.
    refused: Times,
    errors: BTreeMap<String, u64>,
    first_loss: Option<String>,
}

impl Seen {
    fn note(&mut self, outcome: Outcome, from_due: Duration, from_sent: Duration) {
        match outcome {
            Outcome::Good => self.good.add(from_due),
            Outcome::Refused(_) => self.refused.add(from_sent),
            _ => {}
        }
        if let Some(kind) = outcome.kind() {
            *self.errors.entry(kind).or_default() += 1;
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.good.merge(&other.good);
        self.refused.merge(&other.refused);
        for (kind, count) in &other.errors {
            *self.errors.entry(kind.clone()).or_default() += count;
        }
        if self.first_loss.is_none() {
            self.first_loss.clone_from(&other.first_loss);
        }
    }

    /// Why a connection was lost, one of them.
    pub(crate) fn first_loss(&self) -> Option<&str> {
        self.first_loss.as_deref()
    }

    pub(crate) const fn good(&self) -> &Times {
        &self.good
    }

    pub(crate) const fn refused(&self) -> &Times {
        &self.refused
    }

    /// Everything that was not a good answer, by kind; refusals too.
    pub(crate) const fn errors(&self) -> &BTreeMap<String, u64> {
        &self.errors
    }

    pub(crate) fn error_count(&self) -> u64 {
        self.errors.values().sum()
    }
}

/// Times, kept to a thousandth of their size.
#[derive(Debug, Default)]
pub(crate) struct Times(Option<Histogram<u64>>);

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        if self.0.is_none() {
            self.0 = Histogram::new(3).ok();
        }
        if let Some(histogram) = &mut self.0 {
            // Grows as needed; 0 is not counted by it.
            let _ = histogram.record(micros.max(1));
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        match (&mut self.0, &other.0) {
            (_, None) => {}
            (Some(own), Some(other)) => {
                // Grows as needed.
                let _ = own.add(other);
            }
            (own @ None, Some(other)) => *own = Some(other.clone()),
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, Histogram::len)
    }

    /// The time so many of a hundred do not exceed, in ms; 0 when there is none.
    pub(crate) fn percentile_ms(&self, percent: f64) -> f64 {
        let micros = |histogram: &Histogram<u64>| histogram.value_at_percentile(percent);
        self.0.as_ref().map_or(0, micros) as f64 / 1000.0
    }

    pub(crate) fn max_ms(&self) -> f64 {
        self.percentile_ms(100.0)
    }

    pub(crate) fn summary(&self) -> Summary {
        Summary {
            count: self.count(),
            p50_ms: self.percentile_ms(50.0),
            p99_ms: self.percentile_ms(99.0),
            p999_ms: self.percentile_ms(99.9),
            max_ms: self.max_ms(),
        }
    }
}

/// The usual figures of some times.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Summary {
    pub(crate) count: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    pub(crate) max_ms: f64,
}

/// The result of one case.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    pub(crate) case: &'static str,
    pub(crate) transport: Transport,
    pub(crate) nodes: usize,
    pub(crate) connections: u16,
    pub(crate) message_bytes: usize,
    /// Requests per second asked for; absent in a closed loop.
    pub(crate) rate: Option<f64>,
    pub(crate) seconds: f64,
    /// Good answers.
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) errors_by_kind: BTreeMap<String, u64>,
    /// Why one of the connections that failed did so.
    pub(crate) first_loss: Option<String>,
    /// Requests that were due and for which no connection was free before the end.
    pub(crate) unsent: u64,
    /// Requests that were sent a second time because too few had been prepared.
    pub(crate) repeated: u64,
    pub(crate) requests_per_second: f64,
    /// From when a request was due to the end of its answer.
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    pub(crate) max_ms: f64,
    /// From when a request was sent to the end of the answer that refused it.
    pub(crate) refused: Summary,
    /// User and system time of the nodes measured; absent when their processes are not ours to
    /// look at.
    pub(crate) node_cpu_seconds: Option<f64>,
    pub(crate) node_cpu_ms_per_request: Option<f64>,
    /// Resident memory of the nodes measured, after the case.
    pub(crate) node_rss_mib: Option<f64>,
    /// What making the load cost.
    pub(crate) own_cpu_seconds: Option<f64>,
}

impl Report {
    /// Requests one core could answer in a second, by the processor time they take.
    pub(crate) fn per_second_and_core(&self) -> Option<f64> {
        let each = self.node_cpu_ms_per_request?;
        (each > 0.0).then(|| 1000.0 / each)
    }

    /// One line for people.
    pub(crate) fn line(&self) -> String {
        let mut line = format!(
            "{:<15} {:>8.0} req/s  p50 {:>6.2} ms  p99 {:>6.2} ms  p99.9 {:>6.2} ms  \
             {} ok, {} errors",
            self.case,
            self.requests_per_second,
            self.p50_ms,
            self.p99_ms,
            self.p999_ms,
            self.requests,
            self.errors,
        );
        let figures = (
            self.node_cpu_seconds,
            self.node_cpu_ms_per_request,
            self.node_rss_mib,
        );
        if let (Some(cpu), Some(each), Some(rss)) = figures {
            line += &format!(", nodes {cpu:.2} CPU s ({each:.3} ms each), {rss:.0} MiB");
        }
        if self.unsent > 0 {
            line += &format!(", {} not sent in time", self.unsent);
        }
        for (kind, count) in &self.errors_by_kind {
            line += &format!(", {kind}: {count}");
        }
        if let Some(reason) = &self.first_loss {
            line += &format!(" ({reason})");
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_and_kinds() {
        let tally = Tally::new();
        for ms in 1..=1000u16 {
            let time = Duration::from_millis(ms.into());
            tally.note(ms, Outcome::Good, time, Duration::ZERO);
        }
        tally.note(
            1,
            Outcome::Refused(503),
            Duration::from_secs(9),
            Duration::from_millis(2),
        );
        tally.note(2, Outcome::Status(421), Duration::ZERO, Duration::ZERO);
        tally.note(3, Outcome::Lost, Duration::ZERO, Duration::ZERO);
        tally.note(4, Outcome::WrongAnswer, Duration::ZERO, Duration::ZERO);
        tally.note_loss(3, &anyhow::anyhow!("closed"));
        tally.note_loss(3, &anyhow::anyhow!("refused"));
        let seen = tally.sum();
        let good = seen.good().summary();
        assert_eq!(good.count, 1000);
        assert!((good.p50_ms - 500.0).abs() < 1.5, "{good:?}");
        assert!((good.p99_ms - 990.0).abs() < 1.5, "{good:?}");
        assert!((good.max_ms - 1000.0).abs() < 1.5, "{good:?}");
        assert!((seen.refused().percentile_ms(50.0) - 2.0).abs() < 0.01);
        assert_eq!(seen.error_count(), 4);
        assert_eq!(seen.first_loss(), Some("closed"));
        let kinds: Vec<_> = seen.errors().keys().map(String::as_str).collect();
        assert_eq!(
            kinds,
            ["connection", "status 421", "status 503", "wrong answer"]
        );
        assert!(Times::default().max_ms().abs() < f64::EPSILON);
    }
}
