//! Which guards and second hops the manager keeps, against simulated networks in virtual time.

#![allow(clippy::indexing_slicing, reason = "helpers of a test file")]

#[path = "support/world.rs"]
mod world;

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;
use rand::seq::IndexedRandom;
use session_onion::paths::{Outcome, PathConfig, PathRequest, PathStatus, PersistedPaths};
use session_types::{Ed25519PublicKey, Timestamp};
use world::{DAY, HOUR, MINUTE, SECOND, START, World, internet, key, lookup, loopback, purpose_of};

#[test]
fn the_guard_stays_over_ten_thousand_requests_and_restarts() {
    for nodes in [loopback(12), internet(200)] {
        let mut world = World::new(nodes, PathConfig::default(), 7);
        let guard = world.send(&lookup(), 1).unwrap();
        for i in 0..10_000u32 {
            let purpose = purpose_of((i % 9) as u8);
            let request = PathRequest {
                purpose,
                ..lookup()
            };
            assert_eq!(world.send(&request, 1), Some(guard), "request {i}");
            world.now = world.now.plus(MINUTE * 10);
            if i % 1000 == 999 {
                world.restart();
            }
        }
        assert!(world.now.since(START) > DAY * 60);
        assert_eq!(world.send(&lookup(), 1), Some(guard));
        let status = world.manager.status(world.now);
        let PathStatus::Connected {
            guard: shown,
            guard_since,
            backup,
        } = status
        else {
            panic!("not connected: {status:?}")
        };
        assert_eq!((shown.ed25519, backup), (guard, false));
        assert!(guard_since < START.plus(MINUTE));
    }
}

#[test]
fn a_guard_expires_in_its_lifetime() {
    let mut world = World::new(internet(200), PathConfig::default(), 8);
    let guard = world.send(&lookup(), 1).unwrap();
    let mut changed = None;
    for day in 1..200 {
        world.now = START.plus(DAY * day);
        if world.send(&lookup(), 1).unwrap() != guard && changed.is_none() {
            changed = Some(day);
        }
    }
    assert!(
        (90..=150).contains(&changed.unwrap()),
        "changed on day {changed:?}"
    );
}

/// All who may regularly be guards are dead. The others do answer, if only to say that the next hop
/// does not: the network is there, and what is learnt of dead nodes stays learnt, however long each
/// of them takes to fail.
#[test]
fn dead_nodes_are_met_once_each() {
    for (warm, pause) in [(false, 50), (true, 50), (true, 500), (true, 5000)] {
        let mut tries = Vec::new();
        for seed in 0..100 {
            let mut world = World::new(loopback(12), PathConfig::default(), seed);
            let own: Vec<_> = (0..6).map(key).collect();
            let others: Vec<_> = (6..12).map(key).collect();
            world.manager.set_own_swarm(&own);
            for i in 0..if warm { 9 } else { 0 } {
                let request = PathRequest {
                    purpose: purpose_of(i),
                    ..lookup()
                };
                assert!(world.send(&request, 1).is_some());
            }
            world.dead = others[1..].iter().copied().collect();
            let request = PathRequest {
                destination: Some(others[0]),
                destination_swarm: &others,
                ..lookup()
            };
            let mut tried = 0;
            loop {
                tried += 1;
                world.now = world.now.plus(Duration::from_millis(pause));
                let path = world.path(&request);
                let outcome = world.fate(&path);
                world.manager.report(path.id, outcome, world.now);
                let status = world.manager.status(world.now);
                match outcome {
                    Outcome::Success => break,
                    Outcome::NodeUnreachable(_) => assert!(
                        !matches!(status, PathStatus::Offline { .. }),
                        "seed {seed}, try {tried}"
                    ),
                    _ => assert!(tried <= 20, "seed {seed}"),
                }
            }
            tries.push(tried);
        }
        tries.sort_unstable();
        // Five dead nodes have to be met one by one before the sixth try can succeed.
        let (median, most) = (tries[50], tries[90]);
        assert!(
            median <= 6 && most <= 10,
            "warm {warm}, every {pause} ms: {tries:?}"
        );
    }
}

/// While nothing answers, a request goes to a guard that has not failed yet rather than once more
/// to one that has, although that is preferred otherwise.
#[test]
fn after_a_failure_another_guard_comes_first() {
    for nodes in [internet(200), loopback(12)] {
        let mut world = World::new(nodes, PathConfig::default(), 21);
        let primary = world.send(&lookup(), 1).unwrap();
        world.online = false;
        let mut tried = Vec::new();
        for _ in 0..3 {
            let path = world.path(&lookup());
            tried.push(path.guard().ed25519);
            world
                .manager
                .report(path.id, Outcome::GuardUnreachable, world.now);
            world.now = world.now.plus(MINUTE * 2);
        }
        assert_eq!(tried[0], primary);
        let distinct: BTreeSet<_> = tried.iter().collect();
        assert_eq!(distinct.len(), 3, "{tried:?}");
    }
}

/// A node that does not answer as guard is no hop of new paths for a while, but becomes one again.
#[test]
fn a_failed_guard_is_no_hop() {
    let mut world = World::new(loopback(12), PathConfig::default(), 22);
    let dead = world.send(&lookup(), 1).unwrap();
    world.dead.insert(dead);
    assert!(world.send(&lookup(), 2).is_some());
    let mut hop_after = None;
    for round in 0..200 {
        world.manager.renew(None);
        let path = world.path(&lookup());
        let as_hop = path.hops[1..].iter().any(|hop| hop.ed25519 == dead);
        if as_hop && hop_after.is_none() {
            hop_after = Some(round);
        }
        let outcome = world.fate(&path);
        world.manager.report(path.id, outcome, world.now);
        world.now = world.now.plus(SECOND);
    }
    assert!(hop_after.unwrap() >= 29, "{hop_after:?}");
}

#[test]
fn any_three_of_twelve_nodes_may_die() {
    for a in 0..12 {
        for b in a + 1..12 {
            for c in b + 1..12 {
                let seed = (a * 144 + b * 12 + c) as u64;
                let mut world = World::new(loopback(12), PathConfig::default(), seed);
                let own: Vec<_> = (0..12).step_by(2).map(key).collect();
                let others: Vec<_> = (1..12).step_by(2).map(key).collect();
                world.manager.set_own_swarm(&own);
                let dead = BTreeSet::from([a, b, c].map(key));
                for warm_up in 0..9 {
                    let request = PathRequest {
                        purpose: purpose_of(warm_up),
                        ..lookup()
                    };
                    assert!(world.send(&request, 1).is_some());
                }
                world.dead = dead.clone();
                let mut failed_after_a_minute = 0;
                let died_at = world.now;
                for i in 0..200u8 {
                    let swarm = if i % 3 == 0 { &own } else { &others };
                    let living: Vec<_> = swarm
                        .iter()
                        .copied()
                        .filter(|key| !dead.contains(key))
                        .collect();
                    let request = PathRequest {
                        purpose: purpose_of(i % 9),
                        destination: living.choose(&mut world.rng).copied(),
                        destination_swarm: swarm,
                    };
                    // `send` panics when there is no path at all.
                    let carried = world.send(&request, 4).is_some();
                    if world.now.since(died_at) > MINUTE && !carried {
                        failed_after_a_minute += 1;
                    }
                    world.now = world.now.plus(SECOND);
                }
                assert_eq!(failed_after_a_minute, 0, "without {a}, {b} and {c}");
            }
        }
    }
}

#[test]
fn a_failing_primary_is_bridged_and_returned_to() {
    let mut world = World::new(internet(200), PathConfig::default(), 3);
    let primary = world.send(&lookup(), 1).unwrap();
    world.dead.insert(primary);
    let backup = world.send(&lookup(), 2).unwrap();
    assert_ne!(backup, primary);
    assert!(matches!(
        world.manager.status(world.now),
        PathStatus::Connected { backup: true, .. }
    ));
    // One backup, not a walk through the sample, for a whole day.
    let mut used = BTreeSet::new();
    for _ in 0..24 * 60 {
        used.insert(world.send(&lookup(), 2).unwrap());
        world.now = world.now.plus(MINUTE);
    }
    assert_eq!(used, BTreeSet::from([backup]));
    world.dead.clear();
    for _ in 0..5 * 60 {
        world.send(&lookup(), 2).unwrap();
        world.now = world.now.plus(MINUTE);
    }
    assert_eq!(world.send(&lookup(), 1), Some(primary));
    assert!(matches!(
        world.manager.status(world.now),
        PathStatus::Connected { backup: false, .. }
    ));
}

/// Requests that were under way together find the guard gone together: one failure, after which
/// it is tried again a minute later.
#[test]
fn a_burst_at_the_guard_is_one_failure() {
    let mut world = World::new(internet(200), PathConfig::default(), 20);
    let primary = world.send(&lookup(), 1).unwrap();
    let paths: Vec<_> = (0..9)
        .map(|i| {
            world.path(&PathRequest {
                purpose: purpose_of(i),
                ..lookup()
            })
        })
        .collect();
    for path in paths.iter().chain(&paths) {
        world
            .manager
            .report(path.id, Outcome::GuardUnreachable, world.now);
    }
    let backup = world.send(&lookup(), 1).unwrap();
    assert_ne!(backup, primary);
    world.now = world.now.plus(MINUTE);
    assert_eq!(world.path(&lookup()).guard().ed25519, primary);
}

#[test]
fn an_outage_burns_no_guard() {
    for nodes in [internet(200), loopback(12)] {
        let mut world = World::new(nodes, PathConfig::default(), 4);
        let primary = world.send(&lookup(), 1).unwrap();
        let stored = world.manager.persisted();
        world.manager.take_dirty();
        for outage in 1..4 {
            world.online = false;
            for _ in 0..48 * 12 * outage {
                assert_eq!(world.send(&lookup(), 3), None);
                world.now = world.now.plus(MINUTE * 5);
            }
            assert!(matches!(
                world.manager.status(world.now),
                PathStatus::Offline { .. }
            ));
            world.online = true;
            let mut last = None;
            for _ in 0..4 {
                last = world.send(&lookup(), 4);
                world.now = world.now.plus(SECOND);
            }
            assert_eq!(last, Some(primary));
            assert_eq!(
                world.manager.confirmed_guards().collect::<Vec<_>>(),
                [primary]
            );
        }
        let keys = |stored: &PersistedPaths| {
            let value = serde_json::to_value(stored).unwrap();
            let sample = value["sample"].as_array().unwrap().clone();
            sample
                .into_iter()
                .map(|guard| guard["key"].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(keys(&world.manager.persisted()), keys(&stored));
    }
}

/// A coalition whose nodes, once they are guards, refuse to serve: the client must not walk
/// through its sample until it finds the one guard that suits them.
#[test]
fn refusing_guards_cannot_rotate_faster_than_the_limit() {
    for seed in 0..3 {
        let mut world = World::new(internet(200), PathConfig::default(), seed);
        let mut confirmed: BTreeMap<Ed25519PublicKey, Timestamp> = BTreeMap::new();
        for _ in 0..70 * 24 * 6 {
            for _ in 0..3 {
                let path = world.path(&lookup());
                let guard = path.guard().ed25519;
                // Every guard serves its first request and then refuses, in alternating ways.
                let outcome = if confirmed.contains_key(&guard) {
                    [
                        Outcome::GuardUnreachable,
                        Outcome::Timeout,
                        Outcome::PathError(504),
                    ][world.rng.random_range(0..3)]
                } else {
                    Outcome::Success
                };
                world.now = world.now.plus(SECOND * 5);
                world.manager.report(path.id, outcome, world.now);
                if world.manager.confirmed_guards().any(|key| key == guard) {
                    confirmed.entry(guard).or_insert(world.now);
                }
            }
            world.now = world.now.plus(MINUTE * 10);
        }
        let mut times: Vec<Timestamp> = confirmed.into_values().collect();
        times.sort_unstable();
        assert!(times.len() >= 4, "the limit was never reached");
        for (i, from) in times.iter().enumerate().skip(3) {
            let within = times[i..]
                .iter()
                .filter(|at| at.since(*from) < DAY * 30)
                .count();
            assert!(within <= 2, "{within} new guards within 30 days");
        }
        let status = world.manager.status(world.now);
        assert!(
            matches!(status, PathStatus::GuardLimit { .. }),
            "{status:?}"
        );
        // Still there is a path, over a guard known before.
        let known: Vec<_> = world.manager.confirmed_guards().collect();
        assert!(known.contains(&world.path(&lookup()).guard().ed25519));

        // The user may override the limit.
        let relaxed = PathConfig {
            ignore_guard_limit: true,
            ..PathConfig::default()
        };
        world.manager.set_config(relaxed);
        assert!(!matches!(
            world.manager.status(world.now),
            PathStatus::GuardLimit { .. }
        ));
    }
}

#[test]
fn second_hops_are_few_and_last() {
    let mut world = World::new(internet(200), PathConfig::default(), 10);
    let mut first_day = BTreeSet::new();
    let mut all = BTreeSet::new();
    let mut thirds = BTreeSet::new();
    for i in 0..120 * 24u32 {
        let path = world.path(&lookup());
        if i < 24 {
            first_day.insert(path.hops[1].ed25519);
        }
        all.insert(path.hops[1].ed25519);
        thirds.insert(path.hops[2].ed25519);
        world.manager.report(path.id, Outcome::Success, world.now);
        world.now = world.now.plus(HOUR);
    }
    assert_eq!(first_day.len(), 4);
    // 4 × 120 days / 11.5 days is about 42; 120 days at one per path would be all 200.
    assert!((25..70).contains(&all.len()), "{} second hops", all.len());
    assert!(thirds.len() > 150);
}

#[test]
fn a_lying_guard_cannot_change_second_hops_at_will() {
    let mut world = World::new(internet(200), PathConfig::default(), 11);
    let liar = world.send(&lookup(), 1).unwrap();
    let mut seen = BTreeSet::new();
    for _ in 0..600 {
        let path = world.path(&lookup());
        let outcome = if path.guard().ed25519 == liar {
            seen.insert(path.hops[1].ed25519);
            Outcome::NodeNotFound(path.hops[1].ed25519)
        } else {
            Outcome::Success
        };
        world.manager.report(path.id, outcome, world.now);
        world.now = world.now.plus(SECOND * 30);
    }
    assert!(
        seen.len() <= 8,
        "{} second hops within five hours",
        seen.len()
    );
}

#[test]
fn a_vanished_guard_waits_a_week_for_its_return() {
    let mut world = World::new(internet(200), PathConfig::default(), 15);
    let primary = world.send(&lookup(), 1).unwrap();
    let all = world.nodes.clone();
    let without: Vec<_> = all
        .iter()
        .filter(|node| node.ed25519 != primary)
        .cloned()
        .collect();
    world.manager.set_pool(&without, world.now, &mut world.rng);
    let backup = world.send(&lookup(), 1).unwrap();
    assert_ne!(backup, primary);
    world.now = world.now.plus(DAY * 6);
    world.manager.set_pool(&all, world.now, &mut world.rng);
    assert_eq!(world.send(&lookup(), 1), Some(primary));
    world.manager.set_pool(&without, world.now, &mut world.rng);
    world.now = world.now.plus(DAY * 7);
    world.manager.set_pool(&without, world.now, &mut world.rng);
    world.manager.set_pool(&all, world.now, &mut world.rng);
    assert_eq!(
        world.send(&lookup(), 1),
        Some(backup),
        "forgotten after a week"
    );
}

#[test]
fn the_own_swarm_learned_later_moves_the_guard() {
    let mut world = World::new(internet(200), PathConfig::default(), 17);
    let first = world.send(&lookup(), 1).unwrap();
    world.manager.set_own_swarm(&[first]);
    let second = world.send(&lookup(), 1).unwrap();
    assert_ne!(first, second);
    world.manager.set_own_swarm(&[]);
    assert_eq!(world.send(&lookup(), 1), Some(first));
}

/// A small network of which one swarm is gone: the user's own members have to stand in as
/// guards, although that is not wanted otherwise.
#[test]
fn half_of_a_small_network_is_enough() {
    let mut world = World::new(loopback(12), PathConfig::default(), 18);
    let own: Vec<_> = (0..6).map(key).collect();
    world.manager.set_own_swarm(&own);
    let guard = world.send(&lookup(), 1).unwrap();
    assert!(!own.contains(&guard));
    world.dead = (6..12).map(key).collect();
    let mut carried = 0;
    for i in 0..200usize {
        let request = PathRequest {
            purpose: purpose_of(0),
            destination: Some(own[i % 6]),
            destination_swarm: &own,
        };
        let answered = world.send(&request, 4).is_some();
        // The first minutes go into finding out who is left.
        carried += usize::from(answered && i >= 30);
        world.now = world.now.plus(SECOND * 5);
    }
    assert!(carried >= 160, "{carried} of the last 170");
    world.dead.clear();
    for _ in 0..60 {
        world.send(&lookup(), 4);
        world.now = world.now.plus(SECOND * 5);
    }
    assert_eq!(world.send(&lookup(), 1), Some(guard));
}

/// A start with the clock years ahead must not keep guards for years, nor block new ones.
#[test]
fn a_wrong_clock_leaves_no_trace() {
    let mut world = World::new(internet(200), PathConfig::default(), 19);
    let right = world.now;
    world.now = right.plus(DAY * 3650);
    let nodes = world.nodes.clone();
    world.manager = {
        let empty = PersistedPaths::default();
        let mut manager = session_onion::paths::PathManager::new(PathConfig::default(), empty);
        manager.set_pool(&nodes, world.now, &mut world.rng);
        manager
    };
    let guard = world.send(&lookup(), 1).unwrap();
    world.now = right;
    world.restart();
    assert_eq!(world.send(&lookup(), 1), Some(guard), "the guard is kept");
    world.now = right.plus(DAY * 151);
    assert_ne!(
        world.send(&lookup(), 1),
        Some(guard),
        "but not longer than any other"
    );
}
