//! Swarm assignment against docs/protocol/node.md sections 4.4, 4.5 and 14 case 44.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "helpers of tests"
)]

use std::collections::BTreeSet;

use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use session_registry::assignment::{SwarmParams, Swarms, assign_new, next_swarm_id, reassign};
use session_types::{LegacyPublicKey, SwarmId};

/// A node by number, ordered as its number.
fn node(n: u32) -> LegacyPublicKey {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    LegacyPublicKey::new(bytes)
}

fn number(key: &LegacyPublicKey) -> u32 {
    u32::from_be_bytes(key.as_bytes()[..4].try_into().unwrap())
}

fn swarms(groups: &[(u64, &[u32])]) -> Swarms {
    groups
        .iter()
        .map(|(id, members)| {
            (
                SwarmId::new(*id),
                members.iter().map(|n| node(*n)).collect(),
            )
        })
        .collect()
}

const UNASSIGNED: u64 = u64::MAX;

#[test]
fn ids_grow_into_the_largest_gap() {
    let expected: [u64; 9] = [
        0,
        0x7fff_ffff_ffff_ffff,
        0xbfff_ffff_ffff_ffff,
        0x3fff_ffff_ffff_ffff,
        0x5fff_ffff_ffff_ffff,
        0x9fff_ffff_ffff_ffff,
        0xdfff_ffff_ffff_ffff,
        0x1fff_ffff_ffff_ffff,
        0x2fff_ffff_ffff_ffff,
    ];
    let mut ids: Vec<SwarmId> = Vec::new();
    for next in expected {
        assert_eq!(next_swarm_id(&ids).get(), next);
        ids.push(SwarmId::new(next));
        ids.sort_unstable();
    }
}

#[test]
fn a_gap_across_the_seam_wraps() {
    // The gap from 900 around to 100 is by far the largest.
    let ids = [100, 900].map(SwarmId::new);
    let id = next_swarm_id(&ids).get();
    let gap = u64::MAX - 1 - 900 + 100 + 1;
    assert_eq!(id, 900 + gap / 2);
    // From the last possible id the middle lies beyond the seam.
    let ids = [u64::MAX / 2, u64::MAX - 1].map(SwarmId::new);
    assert_eq!(next_swarm_id(&ids).get(), u64::MAX / 4);
    assert_eq!(next_swarm_id(&[SwarmId::MAX]).get(), (u64::MAX / 2) - 1);
}

/// Results of an independent model of section 4.4 written for this comparison.
#[test]
fn sixty_nodes_then_departures_as_the_model_says() {
    let mut state = Swarms::from([(SwarmId::UNASSIGNED, (1..=60).map(node).collect())]);
    reassign(&SwarmParams::mainnet(), 42, &mut state);
    assert_eq!(
        state,
        swarms(&[
            (0, &[4, 7, 11, 15, 25, 50, 56]),
            (0x1fff_ffff_ffff_ffff, &[47, 35, 42, 12, 19, 46, 52]),
            (0x3fff_ffff_ffff_ffff, &[22, 18, 28, 13, 31, 34, 41]),
            (0x5fff_ffff_ffff_ffff, &[20, 24, 9, 1, 43, 44, 49, 58]),
            (0x7fff_ffff_ffff_ffff, &[10, 26, 29, 37, 53, 57, 59, 60]),
            (0x9fff_ffff_ffff_ffff, &[30, 36, 17, 5, 6, 14, 48, 51]),
            (0xbfff_ffff_ffff_ffff, &[2, 3, 23, 27, 38, 40, 45, 55]),
            (0xdfff_ffff_ffff_ffff, &[33, 21, 32, 39, 16, 8, 54]),
        ])
    );

    for members in state.values_mut() {
        members.retain(|key| !number(key).is_multiple_of(3));
    }
    state.insert(SwarmId::UNASSIGNED, vec![node(101), node(102)]);
    reassign(&SwarmParams::mainnet(), 43, &mut state);
    assert_eq!(
        state,
        swarms(&[
            (0, &[7, 11, 25, 50, 56]),
            (0x1fff_ffff_ffff_ffff, &[47, 35, 19, 46, 52]),
            (0x3fff_ffff_ffff_ffff, &[22, 28, 13, 31, 34, 41]),
            (0x5fff_ffff_ffff_ffff, &[20, 43, 44, 49, 58]),
            (0x7fff_ffff_ffff_ffff, &[10, 26, 29, 37, 53, 59]),
            (0x9fff_ffff_ffff_ffff, &[17, 5, 14, 101, 4]),
            (0xbfff_ffff_ffff_ffff, &[2, 23, 38, 40, 55]),
            (0xdfff_ffff_ffff_ffff, &[32, 16, 8, 102, 1]),
        ])
    );
}

#[test]
fn a_needy_swarm_is_filled_from_the_largest_ones() {
    let mut state = swarms(&[
        (0, &[1, 2, 3]),
        (100, &[10, 11, 12, 13, 14, 15, 16, 17, 18]),
        (200, &[20, 21, 22, 23, 24, 25, 26, 27, 28, 29]),
    ]);
    reassign(&SwarmParams::mainnet(), 7, &mut state);
    assert_eq!(
        state,
        swarms(&[
            (0, &[1, 2, 3, 25, 29]),
            (100, &[10, 11, 12, 13, 14, 15, 16, 17, 18]),
            (200, &[20, 21, 22, 23, 24, 26, 27, 28]),
        ])
    );
}

#[test]
fn twelve_nodes_of_a_small_network_make_two_swarms_of_six() {
    let keys: Vec<_> = (1..=12).map(node).collect();
    let by_node = assign_new(&SwarmParams::small(), 1, &keys);
    assert_eq!(by_node.len(), 12);
    let mut found = Swarms::new();
    for (key, swarm) in &by_node {
        found.entry(*swarm).or_default().push(*key);
    }
    assert_eq!(
        found,
        swarms(&[
            (0, &[2, 4, 6, 8, 10, 11]),
            (0x7fff_ffff_ffff_ffff, &[1, 3, 5, 7, 9, 12]),
        ])
    );
    for seed in 0..200 {
        let by_node = assign_new(&SwarmParams::small(), seed, &keys);
        let first = by_node.values().filter(|swarm| swarm.get() == 0).count();
        assert_eq!((first, by_node.len()), (6, 12), "seed {seed}");
    }
    let nine = assign_new(&SwarmParams::small(), 1, &keys[..9]);
    assert!(
        nine.values().all(|swarm| swarm.get() == 0),
        "the second swarm needs ten"
    );
}

#[test]
fn the_last_swarm_stays_however_small() {
    let mut state = swarms(&[(0, &[2]), (u64::MAX / 2, &[1]), (77, &[])]);
    reassign(&SwarmParams::mainnet(), 2, &mut state);
    assert_eq!(state.len(), 1);
    let members: BTreeSet<u32> = state.values().flatten().map(number).collect();
    assert_eq!(members, BTreeSet::from([1, 2]));
}

#[test]
fn nothing_in_nothing_out() {
    let mut state = Swarms::new();
    reassign(&SwarmParams::mainnet(), 2, &mut state);
    assert!(state.is_empty());
    assert!(assign_new(&SwarmParams::mainnet(), 2, &[]).is_empty());
    let mut state = swarms(&[(UNASSIGNED, &[5])]);
    reassign(&SwarmParams::mainnet(), 2, &mut state);
    assert_eq!(state, swarms(&[(0, &[5])]));
}

/// Every node once, no unassigned group, no swarm below the minimum unless it is the only one.
fn check(params: &SwarmParams, state: &Swarms, expected: &BTreeSet<u32>) {
    let members: Vec<u32> = state.values().flatten().map(number).collect();
    assert_eq!(members.len(), expected.len(), "a node was lost or doubled");
    assert_eq!(&members.iter().copied().collect::<BTreeSet<_>>(), expected);
    assert!(!state.contains_key(&SwarmId::UNASSIGNED));
    if state.len() > 1 {
        assert!(
            state
                .values()
                .all(|members| members.len() >= params.min_size)
        );
    }
}

/// Case 44: a network that grows to a thousand nodes and shrinks again.
#[test]
fn growing_to_a_thousand_and_shrinking_again() {
    let run = |params: &SwarmParams| {
        let mut random = ChaCha8Rng::seed_from_u64(44);
        let mut state = Swarms::new();
        let mut alive = BTreeSet::new();
        let mut next = 0;
        let mut grow = true;
        let mut largest = 0;
        loop {
            let change = 1 + random.next_u32() % 20;
            if grow {
                let waiting = state.entry(SwarmId::UNASSIGNED).or_default();
                for _ in 0..change {
                    next += 1;
                    alive.insert(next);
                    waiting.push(node(next));
                }
                // Some leave while others come.
                if random.next_u32().is_multiple_of(4) {
                    leave(&mut state, &mut alive, &mut random);
                }
            } else {
                for _ in 0..change {
                    leave(&mut state, &mut alive, &mut random);
                }
            }
            reassign(params, random.next_u64(), &mut state);
            check(params, &state, &alive);
            largest = largest.max(alive.len());
            grow = grow && alive.len() < 1000;
            if !grow && alive.is_empty() {
                return (state, largest);
            }
            if !grow && alive.len() < 30 {
                // One at a time at the end, where the edge cases are.
                while !alive.is_empty() {
                    leave(&mut state, &mut alive, &mut random);
                    reassign(params, random.next_u64(), &mut state);
                    check(params, &state, &alive);
                }
            }
        }
    };
    for params in [SwarmParams::mainnet(), SwarmParams::small()] {
        let (state, largest) = run(&params);
        assert!(largest >= 1000);
        assert_eq!(state.values().map(Vec::len).sum::<usize>(), 0);
        assert_eq!(
            run(&params).0,
            state,
            "equal input and seeds give equal swarms"
        );
    }
}

fn leave(state: &mut Swarms, alive: &mut BTreeSet<u32>, random: &mut ChaCha8Rng) {
    let Some(gone) = alive
        .iter()
        .nth(random.next_u32() as usize % alive.len().max(1))
        .copied()
    else {
        return;
    };
    alive.remove(&gone);
    for members in state.values_mut() {
        members.retain(|key| number(key) != gone);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any state somebody hands over comes out whole, with the same result every time.
    #[test]
    fn any_state_comes_out_whole(
        seed: u64,
        groups in proptest::collection::btree_map(any::<u64>(), 0usize..14, 0..8),
        waiting in 0usize..20,
        small: bool,
    ) {
        let params = if small { SwarmParams::small() } else { SwarmParams::mainnet() };
        let mut next = 0u32;
        let mut state = Swarms::new();
        let sizes = groups.into_iter().chain([(UNASSIGNED, waiting)]);
        for (id, size) in sizes {
            let members = (0..size).map(|_| { next += 1; node(next) }).collect();
            state.insert(SwarmId::new(id), members);
        }
        let expected: BTreeSet<u32> = state.values().flatten().map(number).collect();
        let mut again = state.clone();
        reassign(&params, seed, &mut state);
        check(&params, &state, &expected);
        reassign(&params, seed, &mut again);
        prop_assert_eq!(state, again);
    }
}
