//! The guards: whom the client lets see its address, and when it lets another one
//! (docs/protocol/traffic-analysis.md section 3, M-01).
//!
//! Candidates are sampled once and kept for months. The order of preference is: confirmed ones
//! (those a request went through) in the order they were confirmed, then the others in the order
//! they were sampled. The first three of that order are in regular use: a primary and two
//! backups. A request goes through the first that is not failing; a failing one is tried again
//! at growing intervals and used again as soon as it answers.
//!
//! A candidate outside regular use is touched only when all regular guards have been given up,
//! and becomes a guard only
//! - when the regular ones failed once more after the network was known to work: while nobody
//!   answers, the network is taken to be down and no guard is lost over it;
//! - within the limit of new guards per month: who makes our guards fail, to be chosen in their
//!   place, gains at most that many draws.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use session_types::{Ed25519PublicKey, NodeContact, Timestamp};

use super::config::{Limits, PathConfig};
use super::second_hops::SecondHops;
use crate::pool::slash16;

/// While a failing guard is being tried, others wait this long before they try it too.
const PROBE_EXCLUSIVE: Duration = Duration::from_secs(15);

/// A guard candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Guard {
    pub(super) key: Ed25519PublicKey,
    sampled_at: Timestamp,
    expires_at: Timestamp,
    /// Place in the order of confirmation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confirmed: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confirmed_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing_since: Option<Timestamp>,
    #[serde(default)]
    pub(super) second_hops: SecondHops,
    #[serde(skip)]
    health: Health,
}

/// How a guard has been doing since this start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Health {
    /// Since the last success.
    failures: u32,
    first_failure: Timestamp,
    last_failure: Timestamp,
    /// Failures that were perhaps somebody else's.
    unclear: u32,
    /// Tries after it was given up.
    retries: usize,
    next_try: Timestamp,
    /// Which period between two outages the last failure fell into.
    failed_in: u64,
    /// Which period the last answer fell into that spoke of the path: a success, or that another
    /// hop failed.
    answered_in: Option<u64>,
}

impl Health {
    fn given_up(&self, limits: &Limits, now: Timestamp, period: u64) -> bool {
        self.failures >= limits.leave_attempts
            && now.since(self.first_failure) >= limits.leave_after
            && self.failed_in == period
    }
}

/// What choosing a guard came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    Guard(Ed25519PublicKey),
    /// Only new guards are left, and no more may be confirmed before this time.
    Limited(Timestamp),
    Nobody,
}

/// All candidates and the history that limits them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Guards {
    /// In the order they were sampled.
    sample: Vec<Guard>,
    /// Confirmations ever.
    confirmations: u64,
    /// Confirmations beyond the first ones, within the window of the limit.
    recent: Vec<Timestamp>,
    #[serde(skip)]
    offline_since: Option<Timestamp>,
    /// Counts the times the network came back.
    #[serde(skip)]
    period: u64,
    /// The guard of the last success.
    #[serde(skip)]
    last_success: Option<Ed25519PublicKey>,
    /// When a failing guard was last tried.
    #[serde(skip)]
    probed_at: Option<Timestamp>,
    /// Nothing has been answered since a guard failed or a failing one was tried.
    #[serde(skip)]
    in_vain: bool,
}

impl Guards {
    /// Forgets expired and long-missing candidates and samples new ones in their place.
    ///
    /// `pool` is the node list, `avoid` the user's own swarm. Returns whether anything changed.
    pub(super) fn refill(
        &mut self,
        pool: &BTreeMap<Ed25519PublicKey, NodeContact>,
        avoid: &BTreeSet<Ed25519PublicKey>,
        config: &PathConfig,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> bool {
        let before = self.sample.clone();
        let limits = config.limits(pool.len());
        self.correct_times(config, limits, now);
        for guard in &mut self.sample {
            guard.missing_since = if pool.contains_key(&guard.key) {
                None
            } else {
                guard.missing_since.or(Some(now))
            };
        }
        self.sample.retain(|guard| {
            guard.expires_at > now
                && guard
                    .missing_since
                    .is_none_or(|since| now.since(since) < limits.missing_grace)
        });
        let others = pool.keys().filter(|key| !avoid.contains(*key)).count();
        // A small network may come to need the members of the own swarm.
        let may_avoid = others >= config.regular_guards() && !limits.relax;
        if may_avoid {
            self.sample
                .retain(|guard| guard.confirmed.is_some() || !avoid.contains(&guard.key));
        }
        let mut present = self
            .sample
            .iter()
            .filter(|guard| pool.contains_key(&guard.key))
            .count();
        while present < config.sample_size && self.sample.len() < config.sample_size * 3 {
            let Some(node) = self.draw(pool, avoid, may_avoid, rng) else {
                break;
            };
            let lifetime = random_duration(&config.sample_lifetime, rng);
            self.sample.push(Guard {
                key: node.ed25519,
                sampled_at: now,
                expires_at: now.plus(lifetime),
                confirmed: None,
                confirmed_at: None,
                missing_since: None,
                second_hops: SecondHops::default(),
                health: Health::default(),
            });
            present += 1;
        }
        self.sample != before
    }

    /// Brings times that lie too far ahead, because the clock once was wrong, to the latest they
    /// can be.
    fn correct_times(&mut self, config: &PathConfig, limits: &Limits, now: Timestamp) {
        let [.., longest_pause] = limits.retry;
        for guard in &mut self.sample {
            guard.expires_at = guard.expires_at.min(now.plus(config.sample_lifetime.end));
            guard.health.next_try = guard.health.next_try.min(now.plus(longest_pause));
        }
        for at in &mut self.recent {
            *at = (*at).min(now);
        }
    }

    /// Whether a candidate has come to its end.
    pub(super) fn refill_due(&self, now: Timestamp) -> bool {
        self.sample.iter().any(|guard| guard.expires_at <= now)
    }

    /// A node that may become a candidate: from a network without one while there are such.
    fn draw<'a>(
        &self,
        pool: &'a BTreeMap<Ed25519PublicKey, NodeContact>,
        avoid: &BTreeSet<Ed25519PublicKey>,
        may_avoid: bool,
        rng: &mut dyn CryptoRng,
    ) -> Option<&'a NodeContact> {
        let sampled: BTreeSet<Ed25519PublicKey> =
            self.sample.iter().map(|guard| guard.key).collect();
        let networks: BTreeSet<[u8; 2]> = sampled
            .iter()
            .filter_map(|key| pool.get(key))
            .map(|node| slash16(node.ip))
            .collect();
        let candidates: Vec<&NodeContact> = pool
            .values()
            .filter(|node| !sampled.contains(&node.ed25519))
            .filter(|node| !may_avoid || !avoid.contains(&node.ed25519))
            .collect();
        let apart: Vec<&NodeContact> = candidates
            .iter()
            .copied()
            .filter(|node| !networks.contains(&slash16(node.ip)))
            .collect();
        apart
            .choose(rng)
            .or_else(|| candidates.choose(rng))
            .copied()
    }

    /// The guard for the next request.
    ///
    /// `eligible` says who may be a guard at all, `fits` who may be this request's. When all of
    /// them have failed and are to be left alone for now, there is nobody, unless `desperate`.
    pub(super) fn choose(
        &mut self,
        config: &PathConfig,
        limits: &Limits,
        now: Timestamp,
        desperate: bool,
        eligible: impl Fn(&Ed25519PublicKey) -> bool,
        fits: impl Fn(&Ed25519PublicKey) -> bool,
    ) -> Choice {
        let limited_until = self.limited_until(config, limits, now);
        // One request has to bear with one failing guard at most, while another one works, however
        // long a guard may take to fail.
        let probed = self.in_vain
            || self
                .probed_at
                .is_some_and(|at| now.distance(at) < step(&limits.recheck, 0));
        let mut waiting: Option<(Timestamp, usize)> = None;
        let mut chosen = None;
        let mut held_back = false;
        let mut all_given_up = true;
        for (index, regular) in self.ranked(config, eligible) {
            let Some(guard) = self.sample.get(index) else {
                continue;
            };
            if !regular && !all_given_up {
                break;
            }
            if !fits(&guard.key) {
                continue;
            }
            if guard.confirmed.is_none() && limited_until.is_some() {
                held_back = true;
                continue;
            }
            if regular && !guard.health.given_up(limits, now, self.period) {
                all_given_up = false;
            }
            let failing = guard.health.failures > 0;
            if guard.health.next_try <= now && !(failing && probed) {
                chosen = Some(index);
                break;
            }
            if waiting.is_none_or(|(time, _)| guard.health.next_try < time) {
                waiting = Some((guard.health.next_try, index));
            }
        }
        let fallback = waiting.filter(|_| desperate).map(|(_, index)| index);
        let index = chosen.or(fallback);
        let Some(guard) = index.and_then(|index| self.sample.get_mut(index)) else {
            return match limited_until {
                Some(until) if held_back && waiting.is_none() => Choice::Limited(until),
                _ => Choice::Nobody,
            };
        };
        if guard.health.failures > 0 {
            guard.health.next_try = guard.health.next_try.max(now.plus(PROBE_EXCLUSIVE));
            self.probed_at = Some(now);
            self.in_vain = true;
        }
        Choice::Guard(guard.key)
    }

    /// A request through the guard was answered by its destination. Returns whether something
    /// to be stored changed.
    pub(super) fn succeeded(
        &mut self,
        key: &Ed25519PublicKey,
        config: &PathConfig,
        limits: &Limits,
        now: Timestamp,
        eligible: impl Fn(&Ed25519PublicKey) -> bool,
    ) -> bool {
        let Some(index) = self.index_of(key) else {
            return false;
        };
        self.in_vain = false;
        let back_online = self.offline_since.take().is_some();
        if back_online {
            self.period += 1;
        }
        let regular = self.ranked(config, eligible).contains(&(index, true));
        let (period, confirmations) = (self.period, self.confirmations);
        if back_online {
            for guard in &mut self.sample {
                if regular {
                    // The failures were the network's.
                    guard.health = Health::default();
                } else {
                    // The network works, but was it only down before? Ask the regular ones.
                    guard.health.next_try = now;
                }
            }
        }
        let Some(guard) = self.sample.get_mut(index) else {
            return false;
        };
        guard.health = Health {
            answered_in: Some(period),
            ..Health::default()
        };
        self.last_success = Some(*key);
        if guard.confirmed.is_some() || (back_online && !regular) {
            return false;
        }
        guard.confirmed = Some(confirmations);
        guard.confirmed_at = Some(now);
        if confirmations >= first_ones(config) {
            self.recent
                .retain(|at| now.since(*at) < limits.new_guard_window);
            self.recent.push(now);
        }
        self.confirmations += 1;
        true
    }

    /// The guard answered that another hop of the path failed. That is no success, but it shows
    /// that the guard is there, and with it the network.
    pub(super) fn answered(&mut self, key: &Ed25519PublicKey, now: Timestamp) {
        if self.offline_since.take().is_some() {
            self.period += 1;
            // Was the network only down before? Ask again.
            for guard in &mut self.sample {
                guard.health.next_try = now;
            }
        }
        let period = self.period;
        if let Some(guard) = self.get_mut(key) {
            guard.health = Health {
                answered_in: Some(period),
                unclear: guard.health.unclear,
                ..Health::default()
            };
        }
    }

    /// The guard could not be reached, or is to be treated so.
    pub(super) fn failed(
        &mut self,
        key: &Ed25519PublicKey,
        config: &PathConfig,
        limits: &Limits,
        now: Timestamp,
        eligible: impl Fn(&Ed25519PublicKey) -> bool,
    ) {
        let period = self.period;
        let Some(index) = self.index_of(key) else {
            return;
        };
        let Some(guard) = self.sample.get_mut(index) else {
            return;
        };
        let health = &mut guard.health;
        if health.failures == 0 {
            health.first_failure = now;
        }
        health.failures = health.failures.saturating_add(1);
        health.last_failure = now;
        self.in_vain = true;
        health.failed_in = period;
        health.unclear = 0;
        let pause = if health.given_up(limits, now, period) {
            health.retries += 1;
            step(&limits.retry, health.retries - 1)
        } else {
            step(
                &limits.recheck,
                usize::try_from(health.failures).unwrap_or(usize::MAX) - 1,
            )
        };
        health.next_try = now.plus(pause);

        // Nobody in regular use answers, nor anybody else who has since the last outage.
        let regular_fail = self
            .ranked(config, eligible)
            .into_iter()
            .filter(|(_, regular)| *regular)
            .all(|(index, _)| {
                self.sample
                    .get(index)
                    .is_none_or(|guard| guard.health.failures > 0)
            });
        let works = |health: &Health| health.failures == 0 && health.answered_in == Some(period);
        if regular_fail && !self.sample.iter().any(|guard| works(&guard.health)) {
            self.offline_since = self.offline_since.or(Some(now));
        }
    }

    /// A request through the guard failed for a reason nobody named.
    pub(super) fn failed_unclearly(
        &mut self,
        key: &Ed25519PublicKey,
        config: &PathConfig,
        limits: &Limits,
        now: Timestamp,
        eligible: impl Fn(&Ed25519PublicKey) -> bool,
    ) {
        let Some(index) = self.index_of(key) else {
            return;
        };
        let Some(guard) = self.sample.get_mut(index) else {
            return;
        };
        guard.health.unclear += 1;
        if guard.health.unclear >= limits.unclear_failures {
            self.failed(key, config, limits, now, eligible);
        }
    }

    /// Whether the node could not be reached as guard within the last `lately`, while others could.
    /// Who does not answer us is likely not to answer other nodes either.
    pub(super) fn failed_lately(
        &self,
        key: &Ed25519PublicKey,
        now: Timestamp,
        lately: Duration,
    ) -> bool {
        self.offline_since.is_none()
            && self.get(key).is_some_and(|guard| {
                guard.health.failures > 0 && now.distance(guard.health.last_failure) < lately
            })
    }

    /// Since when nobody answers.
    pub(super) const fn offline_since(&self) -> Option<Timestamp> {
        self.offline_since
    }

    /// The guard of the last success if it still works, and whether it is a backup.
    pub(super) fn working(
        &self,
        config: &PathConfig,
        eligible: impl Fn(&Ed25519PublicKey) -> bool,
    ) -> Option<(Ed25519PublicKey, bool)> {
        let key = self.last_success?;
        let guard = self.get(&key)?;
        let primary = self
            .ranked(config, eligible)
            .first()
            .map(|(index, _)| *index);
        (guard.health.failures == 0).then(|| (key, primary != self.index_of(&key)))
    }

    /// Until when no new guard may be confirmed; `None` when one may.
    pub(super) fn limited_until(
        &self,
        config: &PathConfig,
        limits: &Limits,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let most = limits.new_guards.filter(|_| !config.ignore_guard_limit)?;
        if self.confirmations < first_ones(config) {
            return None;
        }
        let window = limits.new_guard_window;
        let mut recent: Vec<Timestamp> = self
            .recent
            .iter()
            .copied()
            .filter(|at| now.since(*at) < window)
            .collect();
        recent.sort_unstable();
        let blocking = recent.len().checked_sub(most)?;
        recent.get(blocking).map(|at| at.plus(window))
    }

    /// Whether every guard in regular use has been given up.
    pub(super) fn all_given_up(
        &self,
        config: &PathConfig,
        limits: &Limits,
        now: Timestamp,
        eligible: impl Fn(&Ed25519PublicKey) -> bool,
    ) -> bool {
        let mut regular = self
            .ranked(config, eligible)
            .into_iter()
            .filter(|(_, regular)| *regular)
            .filter_map(|(index, _)| self.sample.get(index))
            .peekable();
        regular.peek().is_some()
            && regular.all(|guard| guard.health.given_up(limits, now, self.period))
    }

    pub(super) fn get(&self, key: &Ed25519PublicKey) -> Option<&Guard> {
        self.sample.iter().find(|guard| guard.key == *key)
    }

    pub(super) fn get_mut(&mut self, key: &Ed25519PublicKey) -> Option<&mut Guard> {
        self.sample.iter_mut().find(|guard| guard.key == *key)
    }

    pub(super) fn confirmed_at(&self, key: &Ed25519PublicKey) -> Option<Timestamp> {
        self.get(key)?.confirmed_at
    }

    /// Confirmed guards in the order of confirmation.
    pub(super) fn confirmed(&self) -> impl Iterator<Item = &Guard> {
        self.preference()
            .into_iter()
            .filter_map(|index| self.sample.get(index))
            .filter(|guard| guard.confirmed.is_some())
    }

    fn index_of(&self, key: &Ed25519PublicKey) -> Option<usize> {
        self.sample.iter().position(|guard| guard.key == *key)
    }

    /// Eligible candidates, best first, each with whether it is in regular use.
    fn ranked(
        &self,
        config: &PathConfig,
        eligible: impl Fn(&Ed25519PublicKey) -> bool,
    ) -> Vec<(usize, bool)> {
        self.preference()
            .into_iter()
            .filter_map(|index| self.sample.get(index).map(|guard| (index, guard)))
            .filter(|(_, guard)| eligible(&guard.key))
            .enumerate()
            .map(|(place, (index, guard))| {
                (
                    index,
                    guard.confirmed.is_some() || place < config.regular_guards(),
                )
            })
            .collect()
    }

    /// Indices into the sample, best first.
    fn preference(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.sample.len()).collect();
        let rank = |index: &usize| {
            self.sample
                .get(*index)
                .and_then(|guard| guard.confirmed)
                .unwrap_or(u64::MAX)
        };
        order.sort_by_key(rank);
        order
    }
}

fn first_ones(config: &PathConfig) -> u64 {
    u64::try_from(config.regular_guards()).unwrap_or(u64::MAX)
}

fn step(pauses: &[Duration; 3], index: usize) -> Duration {
    let [.., last] = pauses;
    *pauses.get(index).unwrap_or(last)
}

/// Uniform in the range, to the millisecond.
pub(super) fn random_duration(
    range: &core::ops::Range<Duration>,
    rng: &mut dyn CryptoRng,
) -> Duration {
    let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (from, to) = (ms(range.start), ms(range.end));
    Duration::from_millis(if from < to {
        rng.random_range(from..to)
    } else {
        from
    })
}
